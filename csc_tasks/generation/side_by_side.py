"""Work that waits for servers, in threads that whoever is asked to end need not wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from csc_tasks.system.signals import stopped_by

__all__ = ["side_by_side"]

_PATIENCE = 5.0
"""Seconds that requests under way are waited for by who is asked to end; schedulers kill after some ten."""


def side_by_side(
    work: Callable[[threading.Event], None], count: int, on_stop: Callable[[], None] = lambda: None
) -> None:
    """Have ``count`` threads do the same work, and wait for all of them.

    Args:
        work: takes what there is to do until there is nothing, or the event is set.
        count: of threads.
        on_stop: called when it ends early, before the threads are waited for.

    Raises:
        Exception: what was raised first, or what asked the process to end; the event is set before.
    """
    over = threading.Event()
    outcomes: SimpleQueue[BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            work(over)
        except BaseException as error:  # noqa: BLE001  # raised where it is waited for
            outcomes.put(error)
        else:
            outcomes.put(None)

    # Daemons: who is asked to end cannot wait for a server that does not answer.
    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        for _ in threads:
            if (error := outcomes.get()) is not None:
                raise error
    except BaseException as error:
        over.set()
        if not stopped_by(error):  # who is asked to end gives what is under way a moment first
            on_stop()
        _await_answers(threads, _PATIENCE if stopped_by(error) else None)
        raise


def _await_answers(threads: Sequence[threading.Thread], seconds: float | None) -> None:
    """Give the requests under way the time to be answered, for they are paid for; ``None`` is any time."""
    end = None if seconds is None else time.monotonic() + seconds
    for thread in threads:
        thread.join(None if end is None else max(0.0, end - time.monotonic()))

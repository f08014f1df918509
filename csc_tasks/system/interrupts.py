"""An event loop, and Ctrl-C, SIGTERM and SIGHUP while it runs: the first one is a request, the second one an order."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from csc_tasks.system.signals import ENDING, SAME_REQUEST, note_signal

__all__ = ["interruptible", "run_in_a_loop"]


@contextmanager
def interruptible(first: Callable[[], None]) -> Iterator[None]:
    """Call ``first`` on a first SIGINT, SIGTERM or SIGHUP, and cancel the running task on every later one.

    A closed terminal sends SIGHUP twice: what follows within a second is the same request. SIGHUP that is
    ignored, as under nohup, stays so.

    Only the main thread hears signals, and not on every platform; elsewhere nothing changes.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    asked: float | None = None

    def end(number: int) -> None:
        nonlocal asked
        note_signal(number)
        if asked is not None and (number == signal.SIGINT or monotonic() - asked > SAME_REQUEST):
            task.cancel()
        asked = asked or monotonic()
        first()

    replaced: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, *ENDING):
            before = signal.getsignal(number)
            if before is signal.SIG_IGN or before is None:
                continue
            with suppress(NotImplementedError, ValueError):
                loop.add_signal_handler(number, end, number)
                replaced[number] = before
    try:
        yield
    finally:
        for number, handler in replaced.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def run_in_a_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end, also from within a loop that is busy with the caller, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work())
    else:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: asyncio.run(work())).result()

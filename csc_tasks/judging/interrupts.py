"""Ctrl-C while an event loop runs: the first time a request, the second time an order."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["interruptible"]


@contextmanager
def interruptible(first: Callable[[], None]) -> Iterator[None]:
    """Call ``first`` on a first SIGINT, and cancel the running task on every later one.

    Only the main thread hears signals, and not on every platform; elsewhere nothing changes.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    heard = False

    def interrupted() -> None:
        nonlocal heard
        if heard:
            task.cancel()
        heard = True
        first()

    before = signal.getsignal(signal.SIGINT)
    installed = threading.current_thread() is threading.main_thread()
    try:
        if installed:
            loop.add_signal_handler(signal.SIGINT, interrupted)
    except (NotImplementedError, ValueError):
        installed = False
    try:
        yield
    finally:
        if installed:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)

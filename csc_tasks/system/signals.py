"""SIGTERM and SIGHUP end what runs as Ctrl-C does: by an exception, so that what was paid for is put in safety.

A scheduler that takes the machine back sends the one, a terminal that is closed or a connection that is lost the other.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = [
    "ENDING",
    "SAME_REQUEST",
    "Terminated",
    "ends_by_signals",
    "exit_code",
    "note_signal",
    "stopped_by",
    "undisturbed",
    "was_asked_to_end",
]

ENDING: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""The signals besides SIGINT that ask a process to end."""
SAME_REQUEST = 1.0
"""Seconds within which a second signal is the first once more: a closed terminal sends SIGHUP twice."""
_AGAIN = 0.1
"""Seconds after which a signal is sent again whose exception came where nothing may raise."""
_last: int | None = None


class Terminated(SystemExit):
    """The process was asked to end by ``signal``; its exit code is the one that a shell expects, 128 + the number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number)

    def __str__(self) -> str:
        return self.signal.name


def note_signal(number: int) -> None:
    """Remember which signal asked this process to end, where it is not told by an exception."""
    global _last
    _last = number


def was_asked_to_end() -> bool:
    """Whether a signal besides SIGINT asked this process to end."""
    return _last is not None


def exit_code() -> int:
    """What a process that was asked to end ends with: 128 + the signal's number, by default SIGINT's."""
    return 128 + (_last or signal.SIGINT)


def stopped_by(error: BaseException) -> str:
    """What asked the process to end, for a message: ``Ctrl-C``, ``SIGTERM``; '' of an error that is no such request."""
    if isinstance(error, Terminated):
        return str(error)
    return "Ctrl-C" if isinstance(error, KeyboardInterrupt) else ""


@contextmanager
def ends_by_signals() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP raise :class:`Terminated`; afterwards they do what they did before.

    What is ignored stays ignored, as SIGHUP under nohup. Only the main thread can do this; elsewhere nothing changes.
    """
    global _last
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _last = None
    raised = float("-inf")

    def end(number: int, _: FrameType | None) -> None:
        nonlocal raised
        note_signal(number)
        before, raised = raised, time.monotonic()
        if raised - before > SAME_REQUEST:
            raise Terminated(number)

    def once_more(ignored: Any) -> None:
        # Where Python calls back, after a fork or on freeing an object, it shows an exception and goes on.
        nonlocal raised
        if not isinstance(ignored.exc_value, (Terminated, KeyboardInterrupt)):
            hook(ignored)
            return
        raised = float("-inf")
        number = ignored.exc_value.signal if isinstance(ignored.exc_value, Terminated) else signal.SIGINT
        main = threading.main_thread().ident
        assert main is not None
        threading.Timer(_AGAIN, signal.pthread_kill, (main, number)).start()

    hook = sys.unraisablehook
    handlers = {number: signal.getsignal(number) for number in ENDING}
    # None is a handler that Python did not set and could not set again.
    replaced = {n: h for n, h in handlers.items() if h is not None and h is not signal.SIG_IGN}
    try:
        for number in replaced:
            signal.signal(number, end)
        sys.unraisablehook = once_more
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in replaced.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Within, a signal that asks the process to end waits; it is for writing down what would be lost."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    numbers = (signal.SIGINT, *ENDING)
    handlers = {number: signal.getsignal(number) for number in numbers}
    replaced = {n: h for n, h in handlers.items() if h is not None and h is not signal.SIG_IGN}
    try:
        for number in replaced:
            signal.signal(number, lambda number, _: waiting.append(number))
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)
        if waiting:
            signal.raise_signal(waiting[0])

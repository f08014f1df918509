"""What must be done where a process ends in the middle: an error that nobody catches, Ctrl-C, SIGTERM, SIGHUP."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from csc_tasks.system.signals import ENDING

__all__ = ["before_the_end", "say_last_words"]

_saves: list[Callable[[], str]] = []


def before_the_end(save: Callable[[], str]) -> None:
    """Have something saved if the process ends in the middle; what an earlier run wanted is forgotten.

    Args:
        save: does it, and says so for the user; '' where there was nothing to do.
    """
    _saves[:] = [save]
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def say_last_words() -> None:
    """Save what there is to save, and say so on stderr. Never raises."""
    while _saves:
        save = _saves.pop()
        try:
            if words := save():
                sys.stderr.write(f"csconv: {words}\n")
        except Exception as error:  # noqa: BLE001  # the reason why the process ends is worth more
            sys.stderr.write(f"csconv: {type(error).__name__}: {error}\n")


def _end(number: int, _: FrameType | None) -> None:
    """Save, then end as if nobody had heard the signal."""
    say_last_words()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)

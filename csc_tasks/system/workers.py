"""Worker processes that end with the process that they work for, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.context import BaseContext

from csc_tasks.system.open_files import fitting
from csc_tasks.system.signals import ENDING

__all__ = ["OWNER", "end_with_owner", "worker_pool"]

OWNER = "CSCONV_OWNER"
"""The variable by which a command that is run by another is told whose process it ends with."""

_LOOK = 1.0
"""Seconds between two looks at whether the parent is still there."""
_CANCELLING = 0.1
"""Seconds in which the pool's thread cancels what waits, before it would take dead workers for an accident."""
_FILES = 8
"""Files that a worker costs its parent: pipes, and what tells that it has ended."""


@contextmanager
def worker_pool(
    workers: int, context: BaseContext | None = None, preload: Sequence[str] = ()
) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers are stopped where the block is left by an exception, and end where this process is killed.

    Args:
        workers: how many; fewer where this process may not open the files that they take.
        context: how they are started, by default from a process of their own (:func:`_from_a_clean_process`).
        preload: modules that the workers need, which that process imports once for all of them.
    """
    context = context or _from_a_clean_process(preload)
    workers = fitting(workers, _FILES, "worker processes")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException:
        # What they are doing is for nobody: waiting for it could take minutes.
        pool.shutdown(wait=False, cancel_futures=True)
        time.sleep(_CANCELLING)
        for process in set(multiprocessing.active_children()) - before:
            with suppress(OSError, ValueError):
                process.kill()
        raise
    pool.shutdown()


def _from_a_clean_process(preload: Sequence[str]) -> BaseContext:
    """Workers that are forked from a process without threads.

    A fork of this one has the locks of its other threads as they were, held by nobody who could free them: a progress
    bar's, a server's, those of a library that computes on all cores. Once in some thousand times a worker waits for one
    for ever.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", *preload])
    return context


def end_with_owner() -> None:
    """End when the process does that :data:`OWNER` names, if it names one."""
    owner = os.environ.get(OWNER, "")
    if owner.isdigit():
        threading.Thread(target=_end_with, args=(int(owner), os.getppid()), daemon=True).start()


def _begin(owner: int) -> None:
    """In a new worker: leave signals to the parent, and end when it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(owner, os.getppid()), daemon=True).start()


def _end_with(owner: int, starter: int) -> None:
    """Wait until the process that started this one is gone, then end at once.

    Not by the pipe that multiprocessing has for this: workers that were forked later hold its other end open. And not
    by Linux's PDEATHSIG, which comes when the thread ends that made the worker.
    """
    parent = multiprocessing.parent_process()
    forked = hasattr(os, "fork")
    # Another starter than the owner is a fork server, which ends when its own owner does.
    while (os.getppid() == starter and _exists(owner)) if forked else (parent is None or parent.is_alive()):
        time.sleep(_LOOK)
    os._exit(1)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

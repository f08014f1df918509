"""One process at a time: what two of them would both pay for, the second finds done."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from csc_tasks.errors import ChatError

__all__ = ["one_at_a_time"]

logger = logging.getLogger(__name__)


@contextmanager
def one_at_a_time(path: Path, waiting: str) -> Iterator[None]:
    """Hold the lock of a file; while another process holds it, log ``waiting`` once and wait.

    The operating system frees the lock when its process ends, however that ends. The file
    stays, for who removed it would let two others lock two files.

    Raises:
        ChatError: the file cannot be made, or its file system knows no locks.
    """
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            logger.warning(waiting)
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        raise ChatError(f"{path}: cannot be locked ({error})") from None
    try:
        yield
    finally:
        lock.release()

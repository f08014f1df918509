"""Locks between processes, also where the file system has none (Lustre without ``flock``, some NFS).

``CSCONV_LOCKS`` says how: ``auto`` asks the operating system, and where the file system has no locks, files take their
place; ``files`` uses such files at once, for file systems that grant a lock to two machines at the same time; ``off``
locks nothing, for who sees to it that nothing runs twice.
"""

from __future__ import annotations

import errno
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from csc_tasks.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["LockKind", "locked", "locks_in"]

logger = logging.getLogger(__name__)

VARIABLE = "CSCONV_LOCKS"
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOTTY}


class LockKind(StrEnum):
    """How processes keep out of each other's way."""

    AUTO = "auto"
    FILES = "files"
    OFF = "off"


def locks_in(folder: Path) -> LockKind:
    """How files in a folder are locked: ``AUTO`` is by the operating system.

    Raises:
        ConfigError: ``CSCONV_LOCKS`` says something else than these.
    """
    said = os.environ.get(VARIABLE, "").strip().lower() or LockKind.AUTO
    try:
        kind = LockKind(said)
    except ValueError:
        raise ConfigError(f"{VARIABLE}={said!r}: must be {', '.join(LockKind)}") from None
    return LockKind.FILES if kind is LockKind.AUTO and not _has_locks(folder.absolute()) else kind


@cache
def _has_locks(folder: Path) -> bool:
    """Whether the file system has locks of both kinds, ours and SQLite's; a warning, once, where it has not."""
    if fcntl is None:
        return False
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            logger.warning(
                "%s: its file system has no locks (%s); files take their place (%s, docs/running.md)",
                *(folder, error.strerror, VARIABLE),
            )
            return False
    return True  # or nothing can be written there, which whoever wants to will be told


@contextmanager
def locked(path: Path, waiting: str | None) -> Iterator[bool]:
    """Hold the lock of a file; ``False`` if another process holds it and nobody wants to wait.

    The operating system frees the lock when its process ends, however that ends; the file stays, for who removed it
    would let two others lock two files. Where a file is the lock (:class:`LockKind`), one that a killed process has
    left is removed by the next on the same machine; of another machine's nobody knows, and the message says which
    file it is. No clock counts.

    Args:
        path: of the lock.
        waiting: logged once, before this waits for as long as it takes; ``None`` does not wait.

    Raises:
        OSError: the file cannot be made.
        ConfigError: ``CSCONV_LOCKS`` is wrong.
    """
    kind = locks_in(path.parent)
    if kind is LockKind.OFF:
        yield True
        return
    lock = SoftFileLock(f"{path}.held") if kind is LockKind.FILES else FileLock(path)
    held = _acquired(lock, waiting)
    try:
        yield held
    finally:
        if held:
            lock.release()


def _acquired(lock: BaseFileLock, waiting: str | None) -> bool:
    """Take a lock; at once or not at all, where nobody wants to wait."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waiting is None:
            return False
        logger.warning("%s%s", waiting, _whose(lock))
        lock.acquire()
    return True


def _whose(lock: BaseFileLock) -> str:
    """Which process has left a file that nobody here can know to be left, in words."""
    if not isinstance(lock, SoftFileLock):
        return ""
    who = "a process" if lock.pid is None else f"process {lock.pid}, here or on another machine"
    return f" ({lock.lock_file} is of {who}; if that is gone, remove the file)"

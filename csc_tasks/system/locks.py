"""Locks between processes, also where the file system has none (Lustre without ``flock``, some NFS).

``CSCONV_LOCKS`` says how: ``auto`` asks the operating system, and where the file system has no locks, files take their
place; ``files`` uses such files at once, for file systems that grant a lock to two machines at the same time; ``off``
locks nothing, for who sees to it that nothing runs twice.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import cache
from pathlib import Path

from csc_tasks.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["LockKind", "locked", "locks_in"]

logger = logging.getLogger(__name__)

VARIABLE = "CSCONV_LOCKS"
_POLL = 0.05
"""Seconds between two attempts."""
_HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK}
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
    left is removed by the next on the same machine; on another the message says which file it is.

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
    elif kind is LockKind.FILES:
        holder = path.with_name(f"{path.name}.held")
        held = _wait(lambda: _create(holder), waiting, holder)
        try:
            yield held
        finally:
            if held:
                holder.unlink(missing_ok=True)
    else:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            yield _wait(lambda: _flock(handle), waiting)
        finally:
            os.close(handle)  # and with it the lock


def _wait(attempt: Callable[[], bool], waiting: str | None, holder: Path | None = None) -> bool:
    """Attempt until it succeeds; once, where nobody wants to wait."""
    if attempt():
        return True
    if waiting is None:
        return False
    logger.warning("%s%s", waiting, f" ({_whose(holder)})" if holder else "")
    while not attempt():
        time.sleep(_POLL)
    return True


def _flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


# --- a file in the place of a lock: there while it is held ---


def _create(holder: Path) -> bool:
    """Make the file, and remove one whose process is gone."""
    if _is_left(holder):
        _remove_left(holder)
    try:
        handle = os.open(holder, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    content = {"host": socket.gethostname(), "process": os.getpid(), "machine": _machine()}
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({**content, "started": _started(os.getpid())}, file)
    return True


def _is_left(holder: Path) -> bool:
    """Whether the process that made the file is gone. Of another machine that is never certain, whatever clocks say."""
    made = _content(holder)
    process = made.get("process")
    if made.get("machine") != _machine() or not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return made.get("started") != _started(process)


def _remove_left(holder: Path) -> None:
    """Remove it, of several that want to only one, for the next one's file has the same name."""
    guard = holder.with_name(f"{holder.name}.removing")
    try:
        guard.mkdir()
    except FileExistsError:
        return
    try:
        if _is_left(holder):
            holder.unlink(missing_ok=True)
    finally:
        guard.rmdir()


def _whose(holder: Path) -> str:
    made = _content(holder)
    who = (
        f"process {made['process']} on {made['host']}" if {"process", "host"} <= made.keys() else "a process"
    )
    return f"{holder} is of {who}; if that is gone, remove the file"


def _content(holder: Path) -> dict[str, object]:
    with suppress(OSError, ValueError):
        made = json.loads(holder.read_text(encoding="utf-8"))
        if isinstance(made, dict):
            return made
    return {}


def _machine() -> str:
    """What tells whether a process number means here what it means there: containers share names, not numbers."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _started(process: int) -> str:
    """When a process began, in the kernel's own count; '' where that is not told. Numbers are given again."""
    try:
        return (
            Path(f"/proc/{process}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()[19]
        )
    except (OSError, IndexError):
        return ""

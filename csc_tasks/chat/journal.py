"""A journal: every record at once, one JSON line, appended and never changed.

What was paid for stands here first; a cache is an index of it that can be filled again.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from csc_tasks.errors import ChatError
from csc_tasks.outside import lines_of, parse_json

__all__ = ["Journal", "read_journal", "rescue", "set_aside"]

FORMAT = 1
"""Of a line; one without ``format`` is of this one."""


class Journal:
    """A journal open for appending.

    Raises:
        ChatError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = path.absolute()
        self._torn = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise ChatError(f"{path}: cannot be opened ({error.strerror})") from None
        if stat.S_ISFIFO(os.fstat(self._file).st_mode):  # it would take so much and then wait for a reader
            os.close(self._file)
            raise ChatError(f"{path}: cannot be opened (a pipe); remove it")
        with suppress(OSError):  # what is not a regular file has no last byte
            size = os.fstat(self._file).st_size
            self._torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a record.

        Raises:
            OSError: the disk is full, or the file gone from its place; of what was written, whole lines count.
        """
        data = _line(record)
        self._require_there()
        if self._torn:  # a line that was cut off ends here
            data = b"\n" + data
        written = os.write(self._file, data)
        self._torn = written < len(data)
        if self._torn:
            # A short write is a disk that ran full within a line: the next attempt says so.
            os.write(self._file, data[written:])
            self._torn = False

    def _require_there(self) -> None:
        """Check that what is written can be found again: a file that was removed takes lines, and nobody reads them."""
        opened, there = os.fstat(self._file), self._place.stat()
        if (opened.st_dev, opened.st_ino) != (there.st_dev, there.st_ino):
            raise FileNotFoundError(errno.ENOENT, "another file is in its place", str(self.path))

    def removed(self) -> bytes:
        """What stands in the file if it has no name any more, for it goes with :meth:`close`; else nothing."""
        with suppress(OSError):
            status = os.fstat(self._file)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                return b"".join(os.pread(self._file, 2**20, at) for at in range(0, status.st_size, 2**20))
        return b""

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """What stands in a journal, in order; a line that was cut off is passed over, and no file is an empty one.

    Nothing follows a line that no journal has: it is no journal's.

    Raises:
        ChatError: a newer csconv wrote it, to whom it means something else.
    """
    if not path.is_file():
        return
    with suppress(OSError), path.open("rb") as file:
        lines = lines_of(file)
        while True:
            try:
                line = next(lines)
            except (StopIteration, ValueError):
                return
            with suppress(ValueError):
                record = parse_json(line)
                if isinstance(record, dict):
                    _require_known(path, record)
                    yield record


def _require_known(path: Path, record: Mapping[str, Any]) -> None:
    version = record.get("format", FORMAT)
    if isinstance(version, int) and version > FORMAT:
        raise ChatError(
            f"{path}: a journal of a newer csconv, which this one cannot read and leaves as it is; install that "
            "csconv, or move the file away: what stands in it would be asked for again"
        )


def set_aside(path: Path) -> Path | None:
    """Give a journal a name under which nothing is read, for it was paid for; ``None`` if there is none.

    Raises:
        ChatError: it cannot be renamed.
    """
    if not path.is_file():
        return None
    free = (path.with_name(f"aside_{number}_{path.name}") for number in count(1))
    target = next(name for name in free if not name.exists())
    try:
        path.rename(target)
    except OSError as error:
        raise ChatError(f"{path}: cannot be set aside ({error.strerror})") from None
    return target


def rescue(records: Sequence[Mapping[str, Any]], prefix: str, before: bytes = b"") -> Path | None:
    """Write records that their journal did not take to a new file elsewhere; ``None`` if no place takes them.

    Args:
        records: those.
        prefix: of the file's name.
        before: what stood in a journal that was removed.
    """
    # The journal may end within a line, to which the first of these would be joined, and both be lost.
    lines = before + b"\n" + b"".join(map(_line, records))
    # Each may be missing, the working folder and the home as well.
    for place in (tempfile.gettempdir, Path.cwd, Path.home):
        path: Path | None = None
        try:
            handle, name = tempfile.mkstemp(prefix=prefix, suffix=".jsonl", dir=place())
            path = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(lines)
        except (OSError, RuntimeError):
            if path is not None:
                path.unlink(missing_ok=True)
            continue
        return path
    return None


def _line(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8", "replace")

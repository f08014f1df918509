"""The verdict log: every verdict at once, one JSON line, appended and never changed.

The log is the truth and the cache an index of it: a verdict counts as kept when its line is written, and a
cache that is lost is filled again from it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.verdict import as_json

__all__ = ["Journal", "rescue"]


class Journal:
    """A verdict log open for appending; several processes may append to one file.

    Raises:
        JudgeError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._torn = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise JudgeError(f"{path}: the verdict log cannot be opened ({error.strerror})") from None
        with suppress(OSError):  # what is not a regular file has no last byte
            size = os.fstat(self._file).st_size
            self._torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    @classmethod
    def to_read(cls, path: Path) -> Journal:
        """The log at a path if there is one; if not an empty one, and no file is made."""
        return cls(path if path.exists() else Path(os.devnull))

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records in one piece.

        Raises:
            OSError: the disk is full, or gone; of what was written, whole lines count.
        """
        lines = "".join(as_json(record) + "\n" for record in records)
        data = lines.encode("utf-8", "replace")
        if self._torn:  # a line that was cut off ends here
            data = b"\n" + data
        written = os.write(self._file, data)
        self._torn = written < len(data)
        if self._torn:
            # A short write is a disk that ran full within a line: the next attempt says so.
            os.write(self._file, data[written:])
            self._torn = False

    def records(self) -> Iterator[dict[str, Any]]:
        """What stands in the log, in order; a line that was cut off is passed over."""
        with suppress(OSError), self.path.open("rb") as file:
            for line in file:
                with suppress(ValueError):
                    record = json.loads(line)
                    if isinstance(record, dict):
                        yield record

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def rescue(records: Sequence[Mapping[str, Any]]) -> Path | None:
    """Write records that their log did not take to a new file elsewhere; ``None`` if no place takes them."""
    lines = "".join(as_json(r) + "\n" for r in records).encode("utf-8", "replace")
    # The log may end within a line, to which the first of these would be joined, and both be lost.
    lines = b"\n" + lines
    for folder in (tempfile.gettempdir(), Path.cwd(), Path.home()):
        path: Path | None = None
        try:
            handle, name = tempfile.mkstemp(prefix="csconv_verdicts_", suffix=".jsonl", dir=folder)
            path = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(lines)
        except OSError:
            if path is not None:
                path.unlink(missing_ok=True)
            continue
        return path
    return None

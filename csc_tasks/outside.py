"""Reading files that anybody may have written: regular ones, of bounded size and depth.

What lies in a results folder may come from another machine, a crash or a stranger. Nothing here is of csconv's
own formats; the readers of those say what a fault means and how to mend it.
"""

from __future__ import annotations

import errno
import json
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

__all__ = [
    "MAX_FILE",
    "MAX_LINE",
    "is_file_name",
    "json_bytes",
    "lines_of",
    "open_regular",
    "parse_json",
    "read_file",
    "require_regular",
    "require_shallow",
]

MAX_FILE = 64 * 2**20
"""Bytes of a file that is read whole: a judge's results of the full data, the largest, have one or two million."""
MAX_LINE = 64 * 2**20
"""Bytes of a line of a log. A dialogue's holds all its prompts: some 100 KB, megabytes with long examples."""
MAX_DEPTH = 64
"""Objects and lists within each other. Ours have ten, and Python's own functions give up at some hundreds."""
_LONGEST_NAME = 255
"""Bytes of a file's name on every common file system."""


def require_regular(path: Path) -> int:
    """The size of a regular file, in bytes: a pipe would be waited for, and a device has no end.

    Raises:
        OSError: there is none, or it is something else.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return status.st_size


def open_regular(path: Path) -> BinaryIO:
    """A regular file, opened to be read.

    Raises:
        OSError: it cannot be, or is something else.
    """
    require_regular(path)
    return path.open("rb")


def read_file(path: Path) -> bytes:
    """All of a regular file of at most :data:`MAX_FILE` bytes.

    Raises:
        OSError: it cannot be read, is something else, or is larger.
    """
    with open_regular(path) as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise OSError(errno.EFBIG, f"larger than {MAX_FILE // 2**20} MB, which no such file is", str(path))
    return data


def lines_of(file: Any) -> Iterator[bytes]:
    """The lines of an open file.

    Raises:
        ValueError: one is longer than :data:`MAX_LINE`.
        OSError: it cannot be read.
    """
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise ValueError(f"longer than {MAX_LINE // 2**20} MB, which no line of a log is")
        yield line


def parse_json(text: str | bytes, twins: bool = True) -> Any:
    """A JSON value.

    Args:
        text: of it.
        twins: a key may stand twice in an object, and the last one counts, as Python has it.

    Raises:
        ValueError: it is none, is nested too deep, or has a key twice that may not be.
    """
    try:
        return json.loads(text, object_pairs_hook=None if twins else _without_twins)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs.

    Raises:
        ValueError: a key stands there twice: two writers, or a merge, and nobody knows which of them holds.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: set[str] = set()
        twin = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"{twin!r:.80} stands twice in one object")
    return content


def _depth(content: Any) -> int:
    """How many objects and lists are within each other."""
    depth, level = 0, [content]
    while level := [x for x in level if isinstance(x, (dict, list))]:
        depth += 1
        level = [x for holder in level for x in (holder.values() if isinstance(holder, dict) else holder)]
    return depth


def require_shallow(content: Any) -> None:
    """Check that a value can be walked through.

    Raises:
        ValueError: it is nested too deep.
    """
    if _depth(content) > MAX_DEPTH:
        raise ValueError("nested too deep")


def is_file_name(name: object, room: int = 0) -> bool:
    """Whether this can be the name of a file in a folder, and leads nowhere else.

    Args:
        name: anything.
        room: bytes that will be added to it.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\\" in name:
        return False
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        return False
    return len(name.encode()) + room <= _LONGEST_NAME


def json_bytes(content: Any, indent: int | None = None) -> bytes:
    """A value as JSON in UTF-8; halves of surrogate pairs, which UTF-8 cannot hold, cost its readability alone."""
    try:
        return json.dumps(content, ensure_ascii=False, indent=indent).encode()
    except UnicodeEncodeError:
        return json.dumps(content, indent=indent).encode()

"""The files that logs are in: plain, or compressed as ``.jsonl.zst`` or ``.jsonl.gz``, which reads the same.

Whatever opens a log does so here, and sees the uncompressed bytes: a digest of a log says nothing of how it is kept.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.errors import DataError
from csc_tasks.outside import MAX_LINE, lines_of, require_regular

__all__ = [
    "Compression",
    "Packed",
    "compress",
    "log_sha256",
    "log_stem",
    "logs_below",
    "open_log_file",
    "plain",
    "present",
]

BLOCK = 2**20
"""Bytes read at a time."""
SMALL = 64 * 2**20
"""Bytes to which any compressed log may expand."""
MOST_EXPANDED = 200
"""How many times its size a larger one may: real logs come to a twelfth, less where prompts repeat long examples."""


class Compression(StrEnum):
    """How a log is compressed; the value is the end of its name. Zstandard is pyarrow's, gzip Python's own."""

    ZST = "zst"
    GZ = "gz"

    @property
    def suffix(self) -> str:
        """What is added to the name."""
        return f".{self.value}"


def plain(path: Path) -> Path:
    """The log's path as lm-eval wrote it, whatever was compressed since."""
    return path.with_suffix("") if path.suffix in {c.suffix for c in Compression} else path


def log_stem(path: Path) -> str:
    """Task and date: the log's name without ``samples_`` and every suffix."""
    return plain(path).stem.removeprefix("samples_")


def present(path: Path) -> Path:
    """The file that holds this log: itself, or what it was compressed to or expanded from; itself if there is none."""
    original = plain(path)
    forms = [path, original, *(original.with_name(original.name + c.suffix) for c in Compression)]
    # A link to nothing, or to itself, is there: what is wrong with it is told by whoever opens it.
    return next((form for form in forms if os.path.lexists(form)), path)


def logs_below(folder: Path) -> list[Path]:
    """The logs in a folder and all below it, each once: the plain file where a compressed copy lies beside it."""
    found: dict[Path, Path] = {}
    for path in sorted(folder.rglob("samples_*.jsonl*")):
        if plain(path).suffix == ".jsonl" and not path.is_dir():
            found.setdefault(plain(path), path)
    return list(found.values())


class _Uncompressed(io.RawIOBase):
    """A stream whose damage is told as ours, with the file's name."""

    def __init__(self, path: Path, stream: Any, size: int) -> None:
        self._path = path
        self._stream = stream
        self._left = max(SMALL, MOST_EXPANDED * size)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes.

        Raises:
            DataError: the file is cut off or damaged, or expands without end.
        """
        import pyarrow  # slow to import, and most logs are not compressed

        try:
            count = int(self._stream.readinto(buffer))
        except (OSError, EOFError, zlib.error, pyarrow.ArrowException) as error:
            what = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{self._path}: a damaged or cut-off {self._path.suffix} file ({what})") from None
        self._left -= count
        if self._left < 0:
            raise DataError(
                f"{self._path}: expands to more than {MOST_EXPANDED} times its size, as no log does; it is not read. "
                f"If it is yours, expand it yourself (zstd -d, gunzip) and name what comes of it"
            )
        return count

    def close(self) -> None:
        """Close the file, too."""
        self._stream.close()
        super().close()


def open_log_file(path: Path) -> io.BufferedReader:
    """A log's uncompressed bytes, to be read from beginning to end.

    Raises:
        OSError: it cannot be opened, or is no regular file.
        DataError: it begins with a line that no log has; while reading, a compressed file turns out to be damaged.
    """
    size = require_regular(path)
    if path.suffix == Compression.GZ.suffix:
        stream: Any = gzip.GzipFile(path, "rb")
    elif path.suffix == Compression.ZST.suffix:
        import pyarrow

        stream = pyarrow.CompressedInputStream(pyarrow.OSFile(str(path), "rb"), "zstd")
    else:
        if size > MAX_LINE:
            _require_line(path)
        return path.open("rb")
    return io.BufferedReader(_Uncompressed(path, stream, size), BLOCK)


def _require_line(path: Path) -> None:
    """Look for the end of the first line, so that a file without any is not hashed to its end before that is seen."""
    with path.open("rb") as file:
        try:
            next(lines_of(file), b"")
        except ValueError as error:
            raise DataError(f"{path}: line 1: {error}") from None


def log_sha256(path: Path) -> str:
    """Of a log's uncompressed bytes."""
    with open_log_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Packed(NamedTuple):
    """A log that was compressed: its new path, and its size in bytes before and after."""

    path: Path
    before: int
    after: int


def compress(
    path: Path, form: Compression, keep: bool = False, done: Callable[[int], None] = lambda _: None
) -> Packed:
    """Compress a log beside itself, read it back, and only then remove the original.

    Args:
        path: a plain log.
        form: how.
        keep: leave the original.
        done: called with the number of bytes read since it was last called.

    Raises:
        DataError: there is another file of that name, the log changed meanwhile, or it reads back differently.
        OSError: the disk refuses.
    """
    require_regular(path)
    target = path.with_name(path.name + form.suffix)
    before = path.stat()
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(
        prefix=f".{target.name}.", suffix=form.suffix, dir=path.parent, delete=False
    ) as made:
        temporary = Path(made.name)
    try:
        with path.open("rb") as source, _writer(temporary, form) as out:
            while block := source.read(BLOCK):
                digest.update(block)
                out.write(block)
                done(len(block))
        if log_sha256(temporary) != digest.hexdigest():
            raise DataError(f"{path}: what was written reads back differently; the log stays as it is")
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise DataError(f"{path}: changed while it was compressed; is the run still going on?")
        if target.exists() and log_sha256(target) != digest.hexdigest():
            raise DataError(f"{target}: exists and holds another log; move one of them away")
        shutil.copystat(path, temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if not keep:
        path.unlink()
    return Packed(target, before.st_size, target.stat().st_size)


def _writer(path: Path, form: Compression) -> Any:
    if form is Compression.GZ:
        return gzip.open(path, "wb")
    import pyarrow

    return pyarrow.CompressedOutputStream(str(path), "zstd")

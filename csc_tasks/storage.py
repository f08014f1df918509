"""Files of csconv's own: written whole or not at all, and where what must not be made twice is kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from csc_tasks.errors import ConfigError

__all__ = ["HashedFile", "at_home", "cache_folder", "file_sha256", "open_whole", "write_file"]


def cache_folder() -> Path:
    """``CSCONV_CACHE``, by default ``csconv`` in the user's cache folder (``XDG_CACHE_HOME``, ``~/.cache``).

    Raises:
        ConfigError: the system knows no home of this user.
    """
    if own := os.environ.get("CSCONV_CACHE"):
        return at_home(own)
    return at_home(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "csconv"


def at_home(path: str | Path) -> Path:
    """A path that may begin with ``~``.

    Raises:
        ConfigError: it does, and the system knows no home of this user, as in a container with a user of no name.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"{path}: there is no home folder here: set HOME, or CSCONV_CACHE to a folder that csconv may write to"
        ) from None


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: into a temporary file beside it, then renamed."""
    with open_whole(path) as out:
        out.write(data)


@contextmanager
def open_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it stands under its name once all of it is written, and until then the older one does.

    Raises:
        OSError: the disk is full, or refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class HashedFile:
    """A file open for writing that keeps the SHA-256 of what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Write these.

        Raises:
            OSError: the disk is full, or refuses.
        """
        self._hash.update(data)
        return self._file.write(data)

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

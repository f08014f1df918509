"""Files of csconv's own: written whole or not at all, and where what must not be made twice is kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from csc_tasks.errors import ConfigError

__all__ = ["at_home", "cache_folder", "open_whole", "write_file"]


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

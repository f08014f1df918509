"""Files of csconv's own: written whole or not at all, and where what must not be made twice is kept."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["cache_folder", "write_file"]


def cache_folder() -> Path:
    """``CSCONV_CACHE``, by default ``csconv`` in the user's cache folder (``XDG_CACHE_HOME``, ``~/.cache``)."""
    if own := os.environ.get("CSCONV_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "csconv"


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: into a temporary file beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

"""Where csconv keeps on a machine what it must not compute or pay for twice."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """``CSCONV_CACHE``, by default ``csconv`` in the user's cache folder (``XDG_CACHE_HOME``, ``~/.cache``)."""
    if own := os.environ.get("CSCONV_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "csconv"

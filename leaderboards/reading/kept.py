"""What a board must not work out twice: in csconv's cache, or in a folder that the user names."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from csc_tasks.storage import cache_folder, write_file

__all__ = ["keep", "kept_folder"]


def kept_folder(own: Path | None) -> Path:
    """The folder that was named, or else the leaderboard's in csconv's cache."""
    return own or cache_folder() / "leaderboard"


def keep(path: Path, data: bytes) -> None:
    """Write a file if that can be done: a full disk costs time at the next build, and nothing else."""
    with suppress(OSError):
        write_file(path, data)

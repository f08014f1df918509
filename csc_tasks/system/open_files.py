"""How many files this process may open, and how many of something fit into that."""

from __future__ import annotations

import logging

__all__ = ["fitting"]

logger = logging.getLogger(__name__)

_OWN = 40
"""Files that Python, its libraries and a command's own work need."""


def fitting(wanted: int, files: int, what: str) -> int:
    """How many of the wanted connections or processes can be had, at least 1; a warning where that is fewer.

    Args:
        wanted: how many.
        files: that each needs open.
        what: they are called.
    """
    try:
        import resource
    except ImportError:  # no such limit on Windows
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * files + _OWN
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return wanted
    highest = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        soft = highest
    except (OSError, ValueError):
        pass
    fits = max(1, min(wanted, (soft - _OWN) // files))
    if fits < wanted:
        logger.warning(
            "%d %s in place of %d: this process may open %d files; `ulimit -n %d` would allow all of them",
            *(fits, what, wanted, soft, needed),
        )
    return fits

"""Whether a folder lies on a file system that several machines share, where SQLite's write-ahead log is not safe."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["is_shared"]

_SHARED = (
    *(
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.juicefs",
        "fuse.rclone",
        "fuse.s3fs",
    ),
    *(
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
    ),
    *("pvfs2", "smb3", "smbfs", "virtiofs", "wekafs"),
)
"""Types of file systems as the kernel calls them."""


def is_shared(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether other machines may see the folder too; ``False`` where the system does not tell.

    Args:
        folder: which is there.
        mounts: where Linux lists what is mounted.
    """
    place = os.path.realpath(folder)
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    longest, kind = -1, ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _plain(fields[1])
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        # Of two on one point the later one is seen.
        if inside and len(point) >= longest:
            longest, kind = len(point), fields[2]
    return kind in _SHARED


def _plain(point: str) -> str:
    """A mount point without the kernel's escapes."""
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(escape, character)
    return point

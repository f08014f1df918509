"""Data of a page that scripts unpack: within the page, or in files beside it that it loads when they are wanted."""

from __future__ import annotations

import base64
import gzip
import json
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.leaderboards.rendering.samples import Samples
from csc_tasks.storage import write_file

__all__ = ["FOLDER", "PART", "SampleFiles", "packed", "sample_data", "sample_files", "write_texts"]

FOLDER = "texts"
"""Beside the page."""
PART = 1_000_000
"""Characters of a file before it is packed: read in a blink, and so few files that a search goes through them soon."""
_CALL = "csconvTexts("
"""What a file calls, with the build that it is of, its name and its content."""


def packed(content: Any) -> str:
    """JSON as base64 of gzip: conversations and charts repeat themselves, and shrink to a tenth."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A fixed time: the same board makes the same page.
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), mtime=0)).decode()


def sample_data(shown: Samples) -> str:
    """What stands in a page that has all of its samples in it."""
    return packed({"index": shown.index, "texts": shown.texts})


class SampleFiles(NamedTuple):
    """Files beside a page by name, and what tells them from those of another page."""

    build: str
    files: dict[str, bytes]

    @property
    def data(self) -> str:
        """What stands in the page for them."""
        return packed({"build": self.build, "files": len(self.files) - 1})


def sample_files(shown: Samples) -> SampleFiles:
    """The samples as files beside the page: scripts that hand over what they hold.

    A page that was opened from a file may not fetch another one, and may run it where its policy says so. What came
    from outside stands in them as base64, which ends no string.
    """
    contents = {"index": packed(shown.index)}
    contents |= {f"{number:03}": packed(part) for number, part in enumerate(shown.texts)}
    build = sha256("".join(contents.values()).encode()).hexdigest()[:16]
    return SampleFiles(
        build,
        {
            f"{name}.js": f'{_CALL}"{build}","{name}","{content}");\n'.encode()
            for name, content in contents.items()
        },
    )


def write_texts(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files to a folder, and take away those that an earlier leaderboard left there.

    No other file is touched. A folder that is not needed is not made.

    Raises:
        OSError: the folder cannot be written to.
    """
    for name, data in files.items():
        write_file(folder / name, data)
    for path in folder.glob("*.js"):
        if path.name not in files and _is_ours(path):
            path.unlink()


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_CALL)) == _CALL.encode()

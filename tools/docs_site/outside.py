"""What pages would load from another place than the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["foreign_loads"]

_LOADS = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "form": ("action",),
}
"""Elements that make a browser ask for something, and where; a link that a reader follows is none."""
_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_CSS = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


def foreign_loads(site: Path) -> list[str]:
    """A line for each: the file, and what it would load."""
    return [f"{path.relative_to(site)}: {load}" for path in sorted(site.rglob("*")) for load in _of(path)]


def _of(path: Path) -> Iterator[str]:
    if path.suffix == ".css":
        yield from _CSS.findall(path.read_text(encoding="utf-8"))
    if path.suffix == ".html":
        reader = _Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        yield from reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        for name, value in attrs:
            if value and name in _LOADS.get(tag, ()) and _ELSEWHERE.match(value):
                self.found.append(f"<{tag} {name}={value}>")
            if value and name == "style":
                self.found += _CSS.findall(value)

    def handle_data(self, data: str) -> None:
        if self._style:
            self.found += _CSS.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._style = False

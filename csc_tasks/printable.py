"""Text from outside in one line of a terminal: a model, a file or a server may say anything."""

from __future__ import annotations

import unicodedata

__all__ = ["printable", "printable_lines"]

_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that could hide or reorder what is around: controls, directions, line ends."""


def printable(text: str, longest: int | None = None) -> str:
    """The text in one line, without control and direction characters, which could hide or reorder what is around.

    What Rich takes for markup stays: whoever prints with Rich makes a ``Text`` of it.

    Args:
        text: anything.
        longest: characters after which it is cut, with an ellipsis; never by default.
    """
    kept = "".join(" " if unicodedata.category(c) in _HIDDEN else c for c in text)
    kept = " ".join(kept.split())
    return kept if longest is None or len(kept) <= longest else kept[: longest - 1] + "…"


def printable_lines(text: str) -> str:
    """The same of a text of several lines, which keeps them and what they are indented by."""
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return "\n".join(" " * (len(line) - len(line.lstrip(" "))) + printable(line) for line in lines)

"""Text from outside in one line of a terminal or of Markdown: a model, a file or a server may say anything."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["code", "inline", "printable", "printable_lines"]

_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that could hide or reorder what is around: controls, directions, line ends."""

_LONGEST = 80
"""Characters of a text in Markdown, where a table's row is one line."""
_HARMLESS = re.compile(
    r"(?!.*(//|www\.))([^\W_]|(?<=[^\W_])_(?=[^\W_])|[ .,;:()/%+=–−，、；：（）。-])*", re.IGNORECASE
)
"""Text in which Markdown sees neither markup nor a link."""


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


def code(text: str, longest: int = _LONGEST) -> str:
    """The text as Markdown code, fit for a table cell: nothing in it is markup, HTML or a mention."""
    return "`" + printable(text, longest).replace("`", "'").replace("|", "¦") + "`"


def inline(text: str, longest: int = _LONGEST) -> str:
    """The text for a line or a cell of Markdown: as it is, or as code where it could be markup."""
    kept = printable(text, longest)
    return kept if _HARMLESS.fullmatch(kept) else code(kept, longest)

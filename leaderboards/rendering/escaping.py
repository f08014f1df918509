"""Names from outside made fit to print: a model may be called anything."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["code", "file_name", "printable", "text"]

_LONGEST = 80
_HARMLESS = re.compile(r"(?!.*(//|www\.))([^\W_]|[ .,;:()/%+=-])*", re.IGNORECASE)
"""Text in which Markdown sees neither markup nor a link."""


def printable(text: str, longest: int = _LONGEST) -> str:
    """The text without control and direction characters, in one line, cut after ``longest`` characters."""
    kept = "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else " " for c in text)
    kept = " ".join(kept.split())
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def code(text: str, longest: int = _LONGEST) -> str:
    """The text as Markdown code, fit for a table cell: nothing in it is markup, HTML or a mention."""
    return "`" + printable(text, longest).replace("`", "'").replace("|", "¦") + "`"


def text(value: str, longest: int = _LONGEST) -> str:
    """The text for a heading of Markdown, a table's too: as it is, or as code where it could be markup."""
    kept = printable(value, longest)
    return kept if _HARMLESS.fullmatch(kept) else code(kept, longest)


def file_name(text: str, longest: int = _LONGEST) -> str:
    """A name that is a file name on every system, and never leads out of a folder."""
    kept = re.sub(r"[^\w.-]+", "_", printable(text, longest)).strip("._-")
    return kept or "unnamed"

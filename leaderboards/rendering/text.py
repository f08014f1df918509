"""Text from outside made fit for a terminal, Markdown and file names: a model may be called anything."""

from __future__ import annotations

import re

from csc_tasks.printable import printable

__all__ = ["code", "file_stem", "inline", "printable"]

_LONGEST = 80
"""Characters of a text in Markdown, where a table's row is one line."""
_HARMLESS = re.compile(r"(?!.*(//|www\.))([^\W_]|(?<=[^\W_])_(?=[^\W_])|[ .,;:()/%+=–−-])*", re.IGNORECASE)
"""Text in which Markdown sees neither markup nor a link."""


def code(text: str, longest: int = _LONGEST) -> str:
    """The text as Markdown code, fit for a table cell: nothing in it is markup, HTML or a mention."""
    return "`" + printable(text, longest).replace("`", "'").replace("|", "¦") + "`"


def inline(text: str, longest: int = _LONGEST) -> str:
    """The text for a line or a cell of Markdown: as it is, or as code where it could be markup."""
    kept = printable(text, longest)
    return kept if _HARMLESS.fullmatch(kept) else code(kept, longest)


def file_stem(*parts: str, taken: set[str] | None = None) -> str:
    """A short file name without suffix that is safe on every system, and never leads out of a folder.

    Args:
        parts: what it is made of, joined by ``_``.
        taken: names that are in use, folded in case; the new one differs from all of them and joins them.
    """
    plain = [re.sub(r"[^\w.+-]+|\.{2,}", "-", printable(part)).strip("-.") for part in parts]
    # 150 bytes leave room for a number and a suffix, which a name of 255 may end in.
    whole = "_".join(part for part in plain if part) or "figure"
    stem = whole.encode()[:150].decode(errors="ignore")
    taken = set() if taken is None else taken
    name, number = stem, 2
    while name.casefold() in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name.casefold())
    return name

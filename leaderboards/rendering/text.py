"""Text from outside made fit for a terminal, Markdown and file names: a model may be called anything."""

from __future__ import annotations

import re

from csc_tasks.printable import code, inline, printable

__all__ = ["code", "file_stem", "inline", "printable"]


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

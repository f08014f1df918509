"""A text as rules read it, and readings that are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

__all__ = ["plain", "remembered"]

_MARKS = str.maketrans(",?!;:()", "，？！；：（）")
_REMEMBERED, _KEPT = 200, 2**13
"""Characters of a text whose reading is kept, and how many are."""
Read = TypeVar("Read")


def remembered(read: Callable[[str], Read]) -> Callable[[str], Read]:
    """A reading of a text that is kept where the text is short: whoever plays a case asks the same of it again."""
    kept = lru_cache(maxsize=_KEPT)(read)

    @wraps(read)
    def reading(text: str) -> Read:
        return kept(text) if len(text) <= _REMEMBERED else read(text)

    return reading


@remembered
def plain(text: str) -> str:
    """A text as rules read it: full-width letters and digits as narrow ones, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split()).translate(_MARKS)

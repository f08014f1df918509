"""Whether one text gives another one away, in nearly all of its pieces, or tells it, in some of them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["gives_away", "tells"]

SHORTEST = 12
"""Letters and characters of a secret that are more than a coincidence."""
_PIECE = 4
_MOST = 0.6
"""Share of a secret's pieces of four characters that a text may have; two texts on one matter share a tenth."""
_TELLING = 0.25
"""Share of an answer's pairs of characters that somebody who gives it in their own words has."""
_DIGITS = str.maketrans("零〇一二两三四五六七八九", "001223456789")
_NUMBER = re.compile(r"\d{1,20}")


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


@lru_cache(maxsize=2**10)
def _pieces(secret: str) -> frozenset[str]:
    """The pieces of a secret; none of one that is too short to be a secret."""
    hidden = _plain(secret)
    last = len(hidden) - _PIECE + 1 if len(hidden) >= SHORTEST else 0
    return frozenset(hidden[i : i + _PIECE] for i in range(last))


def gives_away(text: str, secret: str) -> bool:
    """Whether a text says a secret: punctuation, spaces and width aside, all of it or most of its pieces.

    A secret of fewer than :data:`SHORTEST` characters is no secret: its words may be those of the matter.
    """
    pieces = _pieces(secret)
    if not pieces:
        return False
    said = _plain(text)
    return sum(piece in said for piece in pieces) > _MOST * len(pieces)


def tells(text: str, content: str) -> bool:
    """Whether a text tells a content in words of its own: it has all its numbers, or a quarter of its pairs.

    Meant for the answer to a question: somebody who was asked for the content and could have told it.
    """
    said, wanted = (_plain(each).translate(_DIGITS) for each in (text, content))
    numbers = set(_NUMBER.findall(wanted)) - {"1"}  # 一 is in every other sentence
    if numbers and numbers <= set(_NUMBER.findall(said)):
        return True
    pairs = {wanted[i : i + 2] for i in range(len(wanted) - 1)} or {wanted}
    return bool(wanted) and sum(pair in said for pair in pairs) >= _TELLING * len(pairs)

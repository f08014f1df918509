"""Whether one text gives another one away: in its own words, or in nearly all of its pieces."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["gives_away"]

SHORTEST = 12
"""Letters and characters of a secret that are more than a coincidence."""
_PIECE = 4
_MOST = 0.6
"""Share of a secret's pieces of four characters that a text may have; two texts on one matter share a tenth."""


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

"""Whether one text gives another one away: in its own words, or in nearly all of its pieces."""

from __future__ import annotations

import unicodedata

__all__ = ["gives_away"]

SHORTEST = 12
"""Letters and characters of a secret that are more than a coincidence."""
_PIECE = 4
_MOST = 0.6
"""Share of a secret's pieces of four characters that a text may have; two texts on one matter share a tenth."""


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def gives_away(text: str, secret: str) -> bool:
    """Whether a text says a secret: punctuation, spaces and width aside, all of it or most of its pieces.

    A secret of fewer than :data:`SHORTEST` characters is no secret: its words may be those of the matter.
    """
    said, hidden = _plain(text), _plain(secret)
    if len(hidden) < SHORTEST:
        return False
    pieces = {hidden[i : i + _PIECE] for i in range(len(hidden) - _PIECE + 1)}
    return sum(piece in said for piece in pieces) > _MOST * len(pieces)

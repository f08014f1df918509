"""Unicode's compatibility form of a text from outside, in time that grows with its length alone."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["nfkc"]

_MOST = 30
"""Marks on one character: what Unicode's stream-safe format allows, and more than any language writes (UAX 15)."""
_RUN = re.compile(rf"[^\w\s]{{{_MOST + 1},}}")


def nfkc(text: str) -> str:
    """The NFKC of a text in which no character bears more than 30 marks.

    Python sorts the marks of a character in quadratic time: 40,000 of them, as a model in a loop may write, take
    five seconds.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _RUN.sub(_with_few_marks, text))


def _with_few_marks(match: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in match[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST:
            kept.append(character)
    return "".join(kept)

"""Sentences that can be said in another language: an English text that still knows what it was made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Sentence", "fill", "places"]

_PLACE = re.compile(r"\{([a-z]\w*)(?::([^|{}]*)\|([^|{}]*))?\}", re.ASCII)
"""``{n}``, or ``{n:row|rows}``: the first form for one, the second for any other number."""
_BETWEEN = "; "


class Sentence(str):
    """A text in English, made of a pattern and values; ``key`` names it in a table of other languages.

    Whoever knows no other language uses it as the text that it is. Values may be texts, whole numbers, other sentences,
    or a tuple of these, which stand one after the other.

    Args:
        key: unique among all sentences.
        pattern: in English, with places as :func:`fill` knows them.
        values: what stands in the places.
    """

    __slots__ = ("key", "values")
    key: str
    values: Mapping[str, Any]

    def __new__(cls, key: str, pattern: str, /, **values: Any) -> Sentence:
        """The pattern with the values in its places."""
        made = super().__new__(cls, fill(pattern, values, _english))
        made.key, made.values = key, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (str(self), self.key, dict(self.values))

    def __deepcopy__(self, memo: object) -> Sentence:
        return self

    def __str__(self) -> str:
        return str.__str__(self)


def fill(pattern: str, values: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    """A pattern with values in its places: ``{n}``, and ``{n:row|rows}`` for the form that goes with a number.

    Args:
        pattern: the text. Braces that are no place stay.
        values: by name.
        write: makes a text of a value.

    Raises:
        KeyError: a place has no value.
    """

    def place(found: re.Match[str]) -> str:
        value = values[found[1]]
        if found[2] is None:
            return write(value)
        return found[2] if value == 1 else found[3]

    return _PLACE.sub(place, pattern)


def places(pattern: str) -> set[str]:
    """The names of the values that a pattern needs."""
    return {found[1] for found in _PLACE.finditer(pattern)}


def _english(value: Any) -> str:
    if isinstance(value, tuple):
        return _BETWEEN.join(map(_english, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _again(text: str, key: str, values: dict[str, Any]) -> Sentence:
    made: Sentence = str.__new__(Sentence, text)
    made.key, made.values = key, values
    return made

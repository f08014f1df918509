"""A sentence in several wordings: ``(您好|喂)，{型号}多少钱？``. Alternatives do not nest, and {…} is a value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

__all__ = ["Wordings", "wordings_of"]

LONGEST = 300
"""Characters of a sentence with all its alternatives."""
_PART = re.compile(r"\(([^()]{0,300})\)|\{([^{}()|]{1,20})\}|([^(){}|]+)")


@dataclass(frozen=True, slots=True)
class Wordings:
    """A sentence that can be said in several ways.

    Attributes:
        text: as it is written in a file.
        parts: one after the other, each a tuple of alternatives, which may hold ``{values}``.
    """

    text: str
    parts: tuple[tuple[str, ...], ...]

    @property
    def count(self) -> int:
        """How many ways there are."""
        return math.prod(map(len, self.parts))

    @property
    def slots(self) -> frozenset[str]:
        """The values that it needs."""
        return frozenset(re.findall(r"\{([^{}]{1,20})\}", self.text))

    def one(self, choose: Callable[[int], int], values: Mapping[str, str]) -> str:
        """One of them.

        Args:
            choose: given how many there are to choose from, the place of one, from 0.
            values: what stands in the place of ``{…}``; they are not expanded again.
        """
        said = "".join(part[choose(len(part)) if len(part) > 1 else 0] for part in self.parts)
        return re.sub(r"\{([^{}]{1,20})\}", lambda slot: values[slot[1]], said)

    def every(self) -> Iterator[str]:
        """All of them, with the values as ``{…}``."""
        return ("".join(each) for each in product(*self.parts))


def wordings_of(text: str) -> Wordings:
    """Read a sentence.

    Raises:
        ValueError: it is empty or too long, or its brackets do not match.
    """
    if not text.strip():
        raise ValueError("a sentence is empty")
    if len(text) > LONGEST:
        raise ValueError(f"a sentence is longer than {LONGEST} characters: {text[:20]}…")
    parts: list[tuple[str, ...]] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(f"( ), {{ }} or | is not where it can be, at {text[at : at + 12]!r}")
        alternatives, slot, plain = match.groups()
        if alternatives is not None:
            parts.append(tuple(alternatives.split("|")))
            if re.search(r"[{}]", re.sub(r"\{[^{}|]{1,20}\}", "", alternatives)):
                raise ValueError(f"{{ }} does not match in ({alternatives[:20]}…)")
        else:
            parts.append((plain if slot is None else f"{{{slot}}}",))
        at = match.end()
    return Wordings(text, tuple(parts))

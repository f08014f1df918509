"""Writing sentences of a case card, each in a wording that a key decides: no chance, always the same again."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.wordings import Wordings

__all__ = ["Pen"]


class Pen:
    """Writes sentences of a card, each in a wording that the key decides.

    Args:
        card: whose values and sentences are written.
        key: decides everything, for instance a case's id.
        attempt: another wording for each attempt; what is said, and in which order, stays.
    """

    def __init__(self, card: CaseCard, key: str, attempt: int = 0) -> None:
        self.card, self._key, self._attempt = card, key, attempt
        self._known: dict[str, str] = {
            name: options[self.place(name, len(options))] for name, options in card.values.items()
        }
        more = {"wish": self.write((card.wish,), "wish"), "restated": self.write(card.restated, "restated")}
        self._known |= {"company": card.company, **more}

    @property
    def values(self) -> Mapping[str, str]:
        """What stands in the place of each ``{…}``."""
        return self._known

    def chance(self, slot: str) -> float:
        """A number from 0 to 1 for a decision."""
        return random.Random(f"{self._key}/{slot}").random()

    def place(self, slot: str, count: int) -> int:
        """One of so many places, from 0."""
        return int(self.chance(slot) * count)

    def write(self, sentences: Sequence[Wordings | None], slot: str) -> str:
        """One of some sentences, in one of its wordings; '' where there are none."""
        draw = random.Random(f"{self._key}/{slot}/{self._attempt}").random

        def choose(count: int) -> int:
            return int(draw() * count)

        sentence = sentences[choose(len(sentences))] if sentences else None
        return sentence.one(choose, self._known) if sentence else ""

    def fill(self, word: str) -> str:
        """A word of the card with its ``{values}``."""
        if "{" not in word:
            return word
        for name, value in self._known.items():
            word = word.replace(f"{{{name}}}", value)
        return word

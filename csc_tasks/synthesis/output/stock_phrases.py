"""Stock phrases: how many conversations of a set say the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["StockPhrases", "UsedPhrase"]

OPENING = 10
"""Letters and digits of a sentence by which it is known; of a longer one an ellipsis follows."""
_SHORTEST = 4
_SENTENCE_ENDS = re.compile(r"[。！？!?；;…\r\n]")
_ROUND = 1000
"""Conversations after which what is rare is forgotten."""


class UsedPhrase(NamedTuple):
    """A sentence, or how one begins, and the share (0 to 1) of the conversations that have it at least once."""

    phrase: str
    share: float


class StockPhrases:
    """Counts of one speaker's sentences by their beginnings, in a bounded memory.

    A sentence ends at 。！？；… or a line's end and counts by its first :data:`OPENING` letters and digits, in each
    conversation once; one with fewer than four is left out. Counted lossily (Manku and Motwani 2002): after every
    thousand conversations what has come up once a thousand or less is forgotten, so that of more than a thousand a
    share can be too small by 0.1 percentage points, never too large.
    """

    def __init__(self) -> None:
        self.conversations = 0
        self._counts: dict[str, list[int]] = {}

    def add(self, texts: Iterable[str]) -> None:
        """Count the speaker's utterances of one conversation."""
        done = self.conversations // _ROUND
        for phrase in {phrase for text in texts for phrase in _phrases(text)}:
            self._counts.setdefault(phrase, [0, done])[0] += 1
        self.conversations += 1
        if self.conversations % _ROUND == 0:
            kept = self.conversations // _ROUND
            self._counts = {p: c for p, c in self._counts.items() if sum(c) > kept}

    def most_used(self, most: int) -> list[UsedPhrase]:
        """So many phrases that two conversations or more have, the most frequent first, equals by their text."""
        several = [(phrase, count) for phrase, (count, _) in self._counts.items() if count > 1]
        several.sort(key=lambda each: (-each[1], each[0]))
        return [UsedPhrase(phrase, count / self.conversations) for phrase, count in several[:most]]


def _phrases(text: str) -> Iterable[str]:
    for sentence in _SENTENCE_ENDS.split(text):
        plain = "".join(filter(str.isalnum, sentence))
        if len(plain) >= _SHORTEST:
            yield plain if len(plain) <= OPENING else plain[:OPENING] + "…"

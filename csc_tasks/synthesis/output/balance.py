"""Stopping as soon as the conversations made have the strategy shares that are known of CSConv."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from csc_tasks.data.published import deviations
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.ended import Ended

__all__ = ["LEAST", "Balance", "balanced_prefix"]

LEAST = 20
"""Conversations under which shares are noise, and never balanced."""


class Balance:
    """Whether the first cases without a gap are balanced by now, told the cases in the order in which they end.

    Attributes:
        end: how many cases the shortest balanced beginning has, the dropped ones among them; ``None`` as long as
            there is none. The same whatever the order in which cases end.
    """

    def __init__(self, within: float) -> None:
        """Balanced is where each known share differs from CSConv's by ``within`` at most, between 0 and 1.

        Raises:
            ConfigError: it is not between 0 and 1.
        """
        if not 0 < within < 1:
            raise ConfigError(f"--balance: {within:g} is no difference of shares between 0 and 1, like 0.03")
        self.end: int | None = None
        self._within = within
        self._next = 0
        self._conversations = 0
        self._counts: Counter[Strategy] = Counter()
        self._waiting: dict[int, Counter[Strategy] | None] = {}

    def add(self, ended: Ended) -> bool:
        """Take in a case that is over, any; says whether a balanced beginning is there."""
        if self.end is None and ended.number >= self._next:
            made = ended.conversation
            self._waiting[ended.number] = (
                Counter(u.strategy for u in made.utterances if u.strategy) if made else None
            )
            self._advance()
        return self.end is not None

    def _advance(self) -> None:
        while self.end is None and self._next in self._waiting:
            counts = self._waiting.pop(self._next)
            self._next += 1
            if counts is None:
                continue
            self._conversations += 1
            self._counts.update(counts)
            # What decimal fractions cannot hold exactly shall not decide; of no labels at all nothing is balanced.
            near = (abs(more) <= self._within + 1e-9 for more in deviations(self._counts).values())
            if self._conversations >= LEAST and all(near):
                self.end = self._next
                self._waiting.clear()


def balanced_prefix(ended: Iterable[Ended], within: float) -> int | None:
    """How many cases from the first on are balanced, at the earliest; ``None`` where they never are.

    Args:
        ended: cases that are over, in any order; only those before the first one that is not count.
        within: see :class:`Balance`.
    """
    balance = Balance(within)
    for each in ended:
        if balance.add(each):
            break
    return balance.end

"""What was published about CSConv, for data that is to be like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from csc_tasks.framework import Strategy

__all__ = ["KNOWN_SHARES", "KnownShare", "deviations"]


class KnownShare(NamedTuple):
    """The share (0 to 1) of the supporter's utterances in CSConv that have one of some strategies."""

    strategies: tuple[Strategy, ...]
    share: float

    @property
    def name(self) -> str:
        """The strategies' Chinese names."""
        return "+".join(s.zh for s in self.strategies)


KNOWN_SHARES = (
    KnownShare((Strategy.INFORMATION_DELIVERY,), 0.149),
    KnownShare((Strategy.EMOTIONAL_MANAGEMENT,), 0.119),
    KnownShare((Strategy.PROVIDING_SUGGESTIONS,), 0.100),
    KnownShare((Strategy.OTHERS,), 0.022),
    KnownShare((Strategy.GREETING, Strategy.IDENTITY_VERIFICATION, Strategy.APPRECIATION_AND_CLOSURE), 0.230),
)
"""What arXiv 2508.04423 tells of the shares; of the other five strategies only that theirs sum to 0.380."""


def deviations(counts: Mapping[Strategy, int]) -> dict[KnownShare, float]:
    """How much larger each known share is among these utterances than in CSConv, from -1 to 1; NaN of none."""
    total = sum(counts.values())
    return {
        known: sum(counts.get(s, 0) for s in known.strategies) / total - known.share
        if total
        else float("nan")
        for known in KNOWN_SHARES
    }

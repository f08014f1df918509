"""What was published about CSConv, for data that is to be like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from csc_tasks.framework import Strategy
from csc_tasks.metrics.published_shares import PUBLISHED_SHARES

__all__ = ["KNOWN_SHARES", "KnownShare", "deviations"]


class KnownShare(NamedTuple):
    """The share (0 to 1) of the supporter's utterances in CSConv that have one of some strategies."""

    strategies: tuple[Strategy, ...]
    share: float

    @property
    def name(self) -> str:
        """The strategies' Chinese names."""
        return "+".join(s.zh for s in self.strategies)


KNOWN_SHARES = tuple(
    KnownShare(tuple(map(Strategy.from_index, places)), share) for places, share in PUBLISHED_SHARES
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

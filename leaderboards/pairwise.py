"""What judges said of two models' replies to the same turns."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PairwisePair", "PairwiseRating", "PairwiseTable"]


@dataclass(frozen=True, slots=True)
class PairwisePair:
    """Two models over the same turns, by a judge that saw both replies, in both orders.

    ``win_rate`` is the first one's share 0-1, ties half, with its 95 % interval, and ``flips`` the share in which the
    judge followed the order; all ``None`` where they are not known, and ``withheld`` may say why.
    """

    first: str
    second: str
    pairs: int
    wins: int
    ties: int
    losses: int
    win_rate: float | None
    low: float | None
    high: float | None
    flips: float | None
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class PairwiseRating:
    """A model's Bradley-Terry strength on the Elo scale (mean 1000), with its 95 % interval."""

    model: str
    rating: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PairwiseTable:
    """What a judge's comparisons of models came to on one task: ratings (of three or more), the best first, and pairs.

    Models are called as the judge's files call them. ``judge`` is its signature in a line, ``sample`` how many turns
    were drawn (``None``: all), ``source`` the file's name.
    """

    task: str
    judge: str
    sample: int | None
    source: str
    pairs: tuple[PairwisePair, ...]
    ratings: tuple[PairwiseRating, ...]

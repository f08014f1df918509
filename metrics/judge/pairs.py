"""Two models side by side: each pair of replies in both orders, and what the outcomes come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from csc_tasks.metrics.base import Floats, MeanMetric, MetricInfo, Needs
from csc_tasks.metrics.bradley_terry import bradley_terry
from csc_tasks.metrics.comparison import interval
from csc_tasks.metrics.intervals import scored_by_cluster
from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import Status, Verdict
from csc_tasks.metrics.uncertainty import RESAMPLES, SEED, resample_counts

__all__ = [
    "FIRST",
    "SECOND",
    "TIE",
    "Outcome",
    "PairResult",
    "Ratings",
    "WinRate",
    "both_orders",
    "compare",
    "outcome_of",
    "rate",
]

FIRST, SECOND, TIE = "甲", "乙", "平"
"""The values of ``winner`` in a rubric for pairs."""
PRIOR = 0.25
"""Wins that every model is given over every other: half a tie, of which each has a half."""


class Outcome(Enum):
    """What the two orders of a pair come to; the value is what it counts for the first model."""

    WIN = 1.0
    TIE = 0.5
    LOSS = 0.0


class WinRate(MeanMetric):
    """The share of pairs won, a tie counting half."""

    yes_no = True
    info = MetricInfo("win_rate", "Win rate", Needs.JUDGE, 1, "share of pairs won, ties half")


@dataclass(frozen=True, slots=True)
class PairResult:
    """Two models over the same turns.

    ``win_rate`` is the first model's share 0–1, ties half, with the 95 % interval of a share
    (:func:`~csc_tasks.metrics.intervals.share_interval`), conversations resampled whole. Of the ``judged`` pairs,
    which the judge decided (equal replies and silence need no judge), ``flips`` is the share in which it followed
    the order, ``length`` Spearman's correlation of the outcome with the difference in length (first minus second,
    characters): near 0 is good, unless the better model happens to write more. ``coverage`` is the share 0–1 of all
    pairs that has an outcome, ``missing`` the number that has none; where it is too low, ``withheld`` says so and
    rate and interval are NaN.
    """

    pairs: int
    judged: int
    wins: int
    ties: int
    losses: int
    win_rate: float
    low: float
    high: float
    flips: float
    length: float
    missing: int
    coverage: float
    withheld: str


@dataclass(frozen=True, slots=True)
class Ratings:
    """Bradley-Terry strengths of several models on the Elo scale (mean 1000), with 95 % intervals."""

    models: tuple[str, ...]
    rating: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def both_orders(one: Sample, other: Sample) -> tuple[Sample, Sample]:
    """A turn's two replies as a pair, in both orders: the first model first, and second."""
    replies = one.fields["reply"], other.fields["reply"]

    def ordered(order: str, first: str, second: str) -> Sample:
        fields = {"history": one.fields["history"], "reference": one.fields["reference"]}
        return Sample(f"{one.conversation}/{order}", one.turn, {**fields, "first": first, "second": second})

    return ordered("a", *replies), ordered("b", *reversed(replies))


def outcome_of(forward: Verdict, backward: Verdict) -> tuple[Outcome, bool] | None:
    """The first model's outcome and whether the order decided; ``None`` without both verdicts.

    A reply wins only if it wins in both orders; anything else is a tie.
    """
    if forward.status is not Status.SCORED or backward.status is not Status.SCORED:
        return None
    said, again = forward.scores["winner"], backward.scores["winner"]
    if (said, again) == (FIRST, SECOND):
        return Outcome.WIN, False
    if (said, again) == (SECOND, FIRST):
        return Outcome.LOSS, False
    return Outcome.TIE, said == again != TIE


def compare(
    outcomes: Sequence[Outcome],
    conversations: Sequence[str],
    lengths: Sequence[int | None],
    flips: int = 0,
    missing: int = 0,
    min_coverage: float = 0.0,
) -> PairResult:
    """Sum up n pairs.

    Args:
        outcomes: of the first model.
        conversations: of each pair.
        lengths: characters of the first model's reply minus the second's; ``None`` where no judge was needed.
        flips: pairs in which the order decided.
        missing: pairs that got no verdict.
        min_coverage: share 0–1 of pairs with an outcome below which the win rate is withheld.
    """
    values = [o.value for o in outcomes]
    rate = low = high = length = float("nan")
    total = len(values) + missing
    coverage = len(values) / total if total else float("nan")
    withheld = ""
    if coverage < min_coverage:
        without = f"{missing} of {total} without a verdict"
        withheld = f"coverage {coverage:.3f} is below min_coverage {min_coverage:g} ({without})"
    if values and not withheld:
        rate, low, high, _ = scored_by_cluster(WinRate(), values, conversations)
    judged = [(v, n) for v, n in zip(values, lengths, strict=True) if n is not None]
    if len({v for v, _ in judged}) > 1 and len({n for _, n in judged}) > 1:
        from scipy.stats import spearmanr

        length = float(spearmanr(*zip(*judged, strict=True)).statistic)
    return PairResult(
        len(values),
        len(judged),
        outcomes.count(Outcome.WIN),
        outcomes.count(Outcome.TIE),
        outcomes.count(Outcome.LOSS),
        rate,
        low,
        high,
        flips / len(judged) if judged else float("nan"),
        length,
        missing,
        coverage,
        withheld,
    )


def rate(results: Mapping[tuple[str, str], Iterable[tuple[str, Outcome | float]]]) -> Ratings:
    """Bradley-Terry ratings from the outcomes of every pair of models, best first.

    The intervals are percentiles, for few conversations as in :func:`~csc_tasks.metrics.comparison.interval`, of
    resampled conversations, all pairs of models in a conversation together, because they share its difficulty. In a
    resample every model is given a number of wins over every other from the exponential distribution of mean 1, as
    the Bayesian bootstrap weighs (Rubin 1981): who won all of them, and so wins all in every resample, might have
    lost the next.

    Args:
        results: for each (first model, second model) the conversation and outcome of each pair of replies; where
            several people compared them the mean of their outcomes, 0 to 1.

    Raises:
        JudgeError: there are no outcomes.
    """
    models = sorted({m for pair in results for m in pair})
    rows = [
        (
            models.index(a),
            models.index(b),
            outcome.value if isinstance(outcome, Outcome) else outcome,
            conversation,
        )
        for (a, b), pairs in results.items()
        for conversation, outcome in pairs
    ]
    if not rows:
        raise JudgeError("no pair of replies has a verdict in both orders; there is nothing to rate")
    conversations, place = np.unique([conversation for *_, conversation in rows], return_inverse=True)
    wins = np.zeros((len(conversations), len(models), len(models)))
    for at, (first, second, won, _) in zip(place, rows, strict=True):
        wins[at, first, second] += won
        wins[at, second, first] += 1 - won

    point = _elo(wins.sum(axis=0))
    low = high = np.full(len(models), np.nan)
    if len(conversations) > 1:
        counts = resample_counts(len(conversations))
        unseen = np.random.default_rng(SEED).exponential(size=(RESAMPLES, len(models), len(models)))
        drawn = _elo(np.tensordot(counts, wins, axes=1), unseen)
        low, high = np.array([interval(each, len(conversations)) for each in drawn.T]).T
    order = np.argsort(-point)
    return Ratings(
        tuple(models[i] for i in order),
        *(tuple(float(values[i]) for i in order) for values in (point, low, high)),
    )


def _elo(wins: Floats, more: Floats | float = PRIOR) -> Floats:
    """Ratings (…, k) from wins of row over column (…, k, k), a tie being half a win of both, and some more."""
    # By default half a tie between any two models: without it a model that never lost is infinitely strong.
    others = 1 - np.eye(wins.shape[-1])
    logs = np.log(bradley_terry(wins + more * others, tolerance=1e-13))
    return np.asarray(1000 + 400 / np.log(10) * (logs - logs.mean(axis=-1, keepdims=True)))

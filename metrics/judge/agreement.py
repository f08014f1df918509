"""How far a judge agrees with people: kappa, rank correlation, alpha, bias and confusion, dimension by dimension."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats, MetricInfo, Needs
from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.rubric import GRADES, Dimension, Kind, Rubric
from csc_tasks.metrics.judge.verdict import SILENT, Status, Verdict
from csc_tasks.metrics.uncertainty import clustered_stderr

__all__ = [
    "Agreement",
    "Place",
    "agreement",
    "kappa_of_names",
    "ordinal_alpha",
    "read_verdicts",
    "weighted_kappa",
]

Place = tuple[str, int | None]
"""Conversation and turn; a dialogue has no turn."""
_YES = {"1", "1.0", "true", "yes", "y", "是"}
_NO = {"0", "0.0", "false", "no", "n", "否"}


@dataclass(frozen=True, slots=True)
class Agreement:
    """One dimension.

    ``kappa`` is Cohen's between judge and each rater, pooled, with quadratic weights for grades (none for
    yes and no), ``error`` its standard error over conversations; ``spearman`` of the judge with the mean of
    the raters; ``alpha`` Krippendorff's (ordinal) of judge and raters together, ``human_alpha`` of the raters
    alone, which no judge can be expected to exceed; ``bias`` judge minus raters in grades. ``confusion`` has
    a row for each of the raters' values and a column for each of the judge's. NaN where undefined.
    """

    dimension: str
    items: int
    ratings: int
    kappa: float
    error: float
    spearman: float
    alpha: float
    human_alpha: float
    bias: float
    confusion: tuple[tuple[int, ...], ...]


def weighted_kappa(confusion: Floats, ordered: bool = True) -> Floats:
    """Cohen's kappa from confusion matrices (..., k, k); NaN where chance agrees always.

    With quadratic weights for values that are ``ordered``; without weights for names, any two of which differ alike.
    """
    size = confusion.shape[-1]
    distance = (np.arange(size)[:, None] - np.arange(size)[None, :]) ** 2
    if not ordered:
        distance = np.minimum(distance, 1)
    total = confusion.sum(axis=(-2, -1), keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = confusion / total
        chance = shares.sum(axis=-1, keepdims=True) * shares.sum(axis=-2, keepdims=True)
        return np.asarray(1 - (shares * distance).sum(axis=(-2, -1)) / (chance * distance).sum(axis=(-2, -1)))


class _Kappa(AdditiveMetric):
    """Kappa as a metric, for its clustered error: an item is (value of the rater, value of the judge)."""

    info = MetricInfo("kappa", "Weighted kappa", Needs.JUDGE, 1, "Cohen's kappa with quadratic weights")

    def __init__(self, size: int, ordered: bool = True) -> None:
        self.size = size
        self.ordered = ordered

    def statistics(self, items: Any) -> Floats:
        """A confusion matrix with a single one, flat, an item."""
        rows = np.zeros((len(items), self.size * self.size))
        for row, (human, judge) in zip(rows, items, strict=True):
            row[human * self.size + judge] = 1
        return rows

    def from_sums(self, sums: Floats) -> Floats:
        """The kappa of the summed matrices."""
        return weighted_kappa(sums.reshape(*sums.shape[:-1], self.size, self.size), self.ordered)


def kappa_of_names(
    pairs: Sequence[tuple[int, int]], clusters: Sequence[str], size: int
) -> tuple[float, float]:
    """Cohen's kappa (Cohen 1960) of two people who gave the same things names, and its clustered standard error.

    Args:
        pairs: of each thing the names that the one and the other gave it, from 0 to ``size - 1``.
        clusters: the conversation of each.
        size: how many names there are.

    Returns:
        At most 1, and 0 for what chance gives; NaN where there is nothing, or both always gave the same one name.
    """
    confusion = np.zeros((size, size))
    for one, other in pairs:
        confusion[one, other] += 1
    kappa = float(weighted_kappa(confusion, ordered=False))
    return kappa, clustered_stderr(_Kappa(size, ordered=False), list(pairs), list(clusters))


def agreement(
    rubric: Rubric,
    verdicts: Mapping[Place, Verdict],
    ratings: Mapping[str, Mapping[Place, Mapping[str, str]]],
) -> list[Agreement]:
    """Compare verdicts with ratings, for every dimension that anybody rated.

    Args:
        rubric: of the verdicts.
        verdicts: the judge's; only scored ones are compared, and none that was given without asking the judge.
        ratings: for each rater the values as written, by place and dimension.

    Raises:
        JudgeError: a value that the dimension does not offer, verdicts of another rubric, or nothing in common.
    """
    found = []
    for dimension in rubric.dimensions:
        if dimension.kind is Kind.CHOICE:
            continue
        rated: dict[str, dict[Place, int]] = {
            rater: {
                place: _value(dimension, values[dimension.name], rater, place)
                for place, values in places.items()
                if values.get(dimension.name, "").strip()
            }
            for rater, places in ratings.items()
        }
        if not any(rated.values()):
            continue
        judge = {
            place: _grade(rubric, dimension, verdict)
            for place, verdict in verdicts.items()
            if verdict.status is Status.SCORED and SILENT not in verdict.flags
        }
        found.append(_compare(dimension, judge, rated))
    if not found:
        names = ", ".join(d.name for d in rubric.dimensions)
        raise JudgeError(f"the ratings have no column of {rubric.name}: {names}")
    if not any(a.items for a in found):
        raise JudgeError("no rated turn has a verdict; the conversations or turns are others")
    return found


def _compare(
    dimension: Dimension, judge: Mapping[Place, int], rated: Mapping[str, Mapping[Place, int]]
) -> Agreement:
    lowest = 0 if dimension.kind is Kind.YES_NO else GRADES[0]
    size = 2 if dimension.kind is Kind.YES_NO else len(GRADES)
    pairs = [
        (place, value - lowest, judge[place] - lowest)
        for places in rated.values()
        for place, value in places.items()
        if place in judge
    ]
    confusion = np.zeros((size, size), dtype=int)
    by_place: dict[Place, list[int]] = defaultdict(list)
    for place, human, said in pairs:
        confusion[human, said] += 1
        by_place[place].append(human)
    shared = sorted(by_place, key=repr)
    means = [sum(by_place[p]) / len(by_place[p]) for p in shared]
    said_there = [judge[p] - lowest for p in shared]
    raters = [{p: v for p, v in places.items() if p in judge} for places in rated.values()]
    items = [(human, said) for _, human, said in pairs]
    return Agreement(
        dimension=dimension.name,
        items=len(shared),
        ratings=len(pairs),
        kappa=float(weighted_kappa(confusion.astype(np.float64))),
        error=clustered_stderr(_Kappa(size), items, [place[0] for place, _, _ in pairs]),
        spearman=_spearman(said_there, means),
        alpha=_alpha([*raters, {p: judge[p] for p in shared}]),
        human_alpha=_alpha(raters),
        bias=sum(s - m for s, m in zip(said_there, means, strict=True)) / len(shared)
        if shared
        else float("nan"),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def _spearman(one: list[int], other: list[float]) -> float:
    if len(set(one)) < 2 or len(set(other)) < 2:
        return float("nan")
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)


def _alpha(raters: Sequence[Mapping[Place, int]]) -> float:
    places = sorted({place for values in raters for place in values}, key=repr)
    return ordinal_alpha(
        np.array([[values.get(place, np.nan) for place in places] for values in raters], dtype=np.float64)
    )


def ordinal_alpha(ratings: Floats) -> float:
    """Krippendorff's alpha for ordered values: 1 for full agreement, 0 for what chance gives.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".

    Args:
        ratings: (raters, units), NaN where a rater did not rate.

    Returns:
        At most 1; NaN where no unit has two ratings, or all those that have agree on one value.
    """
    values = np.unique(ratings[~np.isnan(ratings)])
    counts = (ratings[:, :, None] == values).sum(axis=0).astype(np.float64)  # (units, values)
    counts = counts[counts.sum(axis=1) >= 2]
    together = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(values))
    coincidences = (together / (counts.sum(axis=1)[:, None, None] - 1)).sum(axis=0)
    totals = coincidences.sum(axis=1)
    # Two values are as far apart as there are ratings between them, those at the ends half.
    middle = np.cumsum(totals) - totals / 2
    distance = (middle[:, None] - middle[None, :]) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = (np.outer(totals, totals) * distance).sum() / (totals.sum() - 1)
        return float(1 - (coincidences * distance).sum() / expected)


def _grade(rubric: Rubric, dimension: Dimension, verdict: Verdict) -> int:
    grade = verdict.scores.get(dimension.name)
    if not dimension.accepts(grade):
        raise JudgeError(
            f"the verdicts are not of rubric {rubric.name}: one has {grade!r} for {dimension.name}"
        )
    return int(grade)  # type: ignore[arg-type]  # a dimension of grades or of yes and no accepts numbers alone


def _value(dimension: Dimension, text: str, rater: str, place: Place) -> int:
    said = text.strip().lower()
    if dimension.kind is Kind.YES_NO and said in _YES | _NO:
        return int(said in _YES)
    if dimension.kind is Kind.SCALE:
        try:
            number = float(said)
        except ValueError:
            number = 0.0
        if number in GRADES:
            return int(number)
    offered = "yes or no" if dimension.kind is Kind.YES_NO else "1 to 5"
    who = f" by {rater}" if rater else ""
    raise JudgeError(
        f"rating of {place[0]}, turn {place[1]}{who}: {dimension.name} is {text!r}, not {offered}"
    )


def read_verdicts(records: Iterable[Mapping[str, Any]]) -> dict[Place, Verdict]:
    """The verdicts of a log by place; of several the last scored one."""
    verdicts: dict[Place, Verdict] = {}
    for record in records:
        try:
            verdict, turn = Verdict.of(record), record["turn"]
            place = str(record["conversation"]), None if turn is None else int(turn)
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
        if verdict.status is Status.SCORED or place not in verdicts:
            verdicts[place] = verdict
    return verdicts

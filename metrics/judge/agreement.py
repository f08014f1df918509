"""How far a judge agrees with people: kappa, rank correlation, alpha, bias and confusion, dimension by dimension."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.rubric import GRADES, Dimension, Kind, Rubric
from csc_tasks.metrics.judge.verdict import SILENT, Status, Verdict
from csc_tasks.metrics.reliability import clustered_kappa, krippendorff_alpha

__all__ = [
    "Agreement",
    "Place",
    "agreement",
    "read_verdicts",
]

Place = tuple[str, int | None] | tuple[str, int | None, int]
"""Conversation and turn, and whose reply by a number where there are those of several; a dialogue has no turn."""
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
    kappa, error = clustered_kappa(
        [(human, said) for _, human, said in pairs], [place[0] for place, _, _ in pairs], size, ordered=True
    )
    return Agreement(
        dimension=dimension.name,
        items=len(shared),
        ratings=len(pairs),
        kappa=kappa,
        error=error,
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
    return krippendorff_alpha(
        np.array([[values.get(place, np.nan) for place in places] for values in raters], dtype=np.float64)
    )


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
    """The verdicts of a log by conversation and turn; of several the last scored one."""
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

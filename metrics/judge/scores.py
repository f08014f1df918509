"""From verdicts, or people's ratings, to numbers: a mean for each dimension, over all of them, and the coverage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from csc_tasks.metrics.base import SHARES, AdditiveMetric, Floats, MeanMetric, MetricInfo, Needs, Scale
from csc_tasks.metrics.judge.rubric import (
    GRADES,
    Dimension,
    Kind,
    Rubric,
    Unit,
    load_rubric,
    shipped_rubrics,
)
from csc_tasks.metrics.judge.verdict import Status, Verdict

__all__ = [
    "COVERAGES",
    "JUDGE",
    "PEOPLE",
    "PREFIX",
    "Coverage",
    "Grader",
    "JudgeScore",
    "judge_metrics",
    "known_columns",
]


@dataclass(frozen=True, slots=True)
class Grader:
    """Who grades: a judge, or people.

    Attributes:
        prefix: of the columns.
        who: in the titles of columns.
        dimension: the title of a dimension's column, of the dimension's own.
        anyone: the implementation of a metric where nobody is named, as in a list of columns.
    """

    prefix: str
    who: str
    dimension: str
    anyone: str


JUDGE = Grader("judge_", "Judge", "{}", "csconv judge")
PEOPLE = Grader("human_", "People", "{} (people)", "csconv human read")
PREFIX = JUDGE.prefix
COVERAGES = frozenset(f"{grader.prefix}coverage" for grader in (JUDGE, PEOPLE))
"""The columns that say how much was graded, and nothing of how good it is."""
WIN_RATE = Dimension("win_rate", "win_rate", Kind.YES_NO, "", ())
"""What people's comparisons of two replies come to, as if it were a question."""
GRADED = Scale(GRADES[0], GRADES[-1])
NOT_SCORED: list[float] = []
"""The item of a sample that has no verdict; counted in the coverage and in nothing else."""


class JudgeScore(AdditiveMetric):
    """The mean grade of some dimensions over the scored verdicts: 1–5, or the share of yes.

    NaN where the coverage is below ``min_coverage``: what a judge refuses or garbles is no random part of
    what it is asked, so a mean of the rest would flatter or punish a model.

    Args:
        info: its entry among the metrics.
        dimensions: names; of several, a verdict's grade is their mean.
        min_coverage: share 0–1 of the verdicts that must be scored.
        scale: what a grade is between.
    """

    counts = False

    def __init__(
        self, info: MetricInfo, dimensions: Sequence[str], min_coverage: float = 0.0, scale: Scale = GRADED
    ) -> None:
        self.info = info
        self.scale = scale
        self.yes_no = info.percent
        self.dimensions = tuple(dimensions)
        self.min_coverage = min_coverage

    def item(self, verdict: Verdict) -> Any:
        """The grade, or ``[]`` where there is none."""
        if verdict.status is not Status.SCORED:
            return NOT_SCORED
        return sum(float(verdict.scores[name]) for name in self.dimensions) / len(self.dimensions)

    def accepts(self, item: Any) -> bool:
        """A grade, or ``[]``."""
        return item == NOT_SCORED or self.scale.holds(item)

    def statistics(self, items: Sequence[Any]) -> Floats:
        """The grade and a one, or zeros where there is none, (n, 2)."""
        rows = [(0.0, 0.0) if isinstance(item, list) else (float(item), 1.0) for item in items]
        return np.asarray(rows, dtype=np.float64).reshape(len(items), 2)

    def from_sums(self, sums: Floats) -> Floats:
        """Sum over count."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., 0] / sums[..., 1])

    def observations(self, sums: Floats) -> float:
        """The count of those that are scored."""
        return float(sums[..., 1].sum())

    def score(self, items: Sequence[Any]) -> float:
        """The mean; NaN where too few are scored."""
        scored = sum(not isinstance(item, list) for item in items)
        return float("nan") if scored < self.min_coverage * len(items) else super().score(items)


def _of_dimension(
    dimension: Dimension, min_coverage: float = 0.0, by: str = "", grader: Grader = JUDGE
) -> JudgeScore:
    scale = dimension.kind is Kind.SCALE
    summary = f"mean grade 1-5 for {dimension.name}" if scale else f"share of yes for {dimension.name}"
    if dimension is WIN_RATE:
        summary = "share of replies that people preferred to another model's, ties half"
    info = MetricInfo(
        grader.prefix + dimension.name,
        grader.dimension.format(dimension.name.replace("_", " ").capitalize()),
        Needs.JUDGE,
        1,
        summary,
        percent=not scale,
        headline=True,
        implementation=by or grader.anyone,
    )
    return JudgeScore(info, [dimension.name], min_coverage, GRADED if scale else SHARES)


def _overall(rubric: Rubric, min_coverage: float, by: str, grader: Grader) -> JudgeScore:
    info = MetricInfo(
        grader.prefix + "overall",
        f"{grader.who}, overall",
        Needs.JUDGE,
        1,
        "mean of the grades 1-5 over all dimensions",
        percent=False,
        headline=True,
        implementation=by or grader.anyone,
    )
    return JudgeScore(info, [d.name for d in rubric.scales], min_coverage)


class Coverage(MeanMetric):
    """The share of what was to be judged that has a verdict, or of what was to be rated that has a rating."""

    yes_no = True

    def __init__(self, by: str = "", grader: Grader = JUDGE) -> None:
        what = "judged that has a verdict" if grader is JUDGE else "rated that has a rating"
        self.info = MetricInfo(
            grader.prefix + "coverage",
            f"{grader.who} coverage",
            Needs.JUDGE,
            1,
            f"share of what was to be {what}",
            headline=True,
            implementation=by or grader.anyone,
        )

    def item(self, verdict: Verdict) -> float:
        """1.0 or 0.0."""
        return float(verdict.status is Status.SCORED)


def judge_metrics(
    rubric: Rubric, min_coverage: float = 0.0, by: str = "", grader: Grader = JUDGE
) -> tuple[JudgeScore | Coverage, ...]:
    """The numbers that verdicts, or people's ratings, under a rubric come to, in table order.

    Args:
        rubric: of the verdicts; of one that compares two replies people's win rate.
        min_coverage: share 0-1 below which scores are withheld.
        by: who gave them; stands in the signature as the metrics' implementation.
        grader: a judge or people.
    """
    if rubric.unit is Unit.PAIR and grader is PEOPLE:
        return (_of_dimension(WIN_RATE, min_coverage, by, grader), Coverage(by, grader))
    overall = (_overall(rubric, min_coverage, by, grader),) if rubric.scales else ()
    asked = [d for d in rubric.dimensions if d.kind is not Kind.CHOICE]
    return (*overall, *(_of_dimension(d, min_coverage, by, grader) for d in asked), Coverage(by, grader))


@cache
def _shipped_columns(grader: Grader) -> dict[str, AdditiveMetric]:
    columns: dict[str, AdditiveMetric] = {}
    order: list[str] = []
    for name in reversed(shipped_rubrics()):
        before = 0
        for metric in judge_metrics(load_rubric(name), grader=grader):
            column = metric.info.name
            if column not in columns:
                # Behind the one that it follows in its own rubric: each version's table keeps the rubric's order.
                order.insert(before, column)
                columns[column] = metric
            before = order.index(column) + 1
    return {column: columns[column] for column in order}


def known_columns(names: Iterable[str]) -> dict[str, AdditiveMetric]:
    """A judge's and people's columns among these names, in table order, those of a user's own rubric included."""
    wanted = set(names)
    found: dict[str, AdditiveMetric] = {}
    for grader in (JUDGE, PEOPLE):
        found |= _columns_of(grader, {name for name in wanted if name.startswith(grader.prefix)})
    return found


def _columns_of(grader: Grader, wanted: set[str]) -> dict[str, AdditiveMetric]:
    if not wanted:
        return {}
    shipped = _shipped_columns(grader)
    own = {
        name: _of_dimension(
            Dimension(name.removeprefix(grader.prefix), name, Kind.SCALE, "", ()), grader=grader
        )
        for name in sorted(wanted - shipped.keys())
    }
    *most, coverage = shipped
    order = [*most, *own, coverage]
    for metric in own.values():  # what a user's rubric asks for is not known here: grades, or yes and no
        metric.scale = Scale(SHARES.low, GRADED.high)
    return {name: (own.get(name) or shipped[name]) for name in order if name in wanted}

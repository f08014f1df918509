"""From verdicts to numbers: a mean for each dimension, over all of them, and the coverage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats, MeanMetric, MetricInfo, Needs
from csc_tasks.metrics.judge.rubric import Dimension, Kind, Rubric, load_rubric, shipped_rubrics
from csc_tasks.metrics.judge.verdict import Status, Verdict
from csc_tasks.metrics.turns import Turns

__all__ = ["PREFIX", "Coverage", "JudgeScore", "Overall", "judge_metrics", "known_columns"]

PREFIX = "judge_"
ANY = "csconv judge"
"""The implementation of a judge's metric where no judge is named, as in a list of columns."""
NOT_SCORED: list[float] = []
"""The item of a turn that has no verdict; counted in the coverage and in nothing else."""


class JudgeScore(AdditiveMetric):
    """The mean of one dimension over the scored verdicts: 1–5, or the share of yes.

    NaN where the coverage is below ``min_coverage``: what a judge refuses or garbles is no random part of
    what it is asked, so a mean of the rest would flatter or punish a model.
    """

    counts = False

    def __init__(self, dimension: Dimension, min_coverage: float = 0.0, judge: str = ANY) -> None:
        scale = dimension.kind is Kind.SCALE
        self.dimension = dimension
        self.min_coverage = min_coverage
        self.info = MetricInfo(
            PREFIX + dimension.name,
            dimension.name.replace("_", " ").capitalize(),
            Needs.JUDGE,
            1,
            f"mean grade 1-5 for {dimension.name}" if scale else f"share of yes for {dimension.name}",
            percent=not scale,
            headline=True,
            implementation=judge,
        )

    def item(self, verdict: Verdict) -> Any:
        """The item of a verdict."""
        if verdict.status is not Status.SCORED:
            return NOT_SCORED
        return float(verdict.scores[self.dimension.name])

    def items(self, turns: Turns) -> list[Any]:
        """The grade, or ``[]`` where there is none, a turn."""
        assert turns.verdicts is not None
        return [self.item(verdict) for verdict in turns.verdicts]

    def statistics(self, items: Sequence[Any]) -> Floats:
        """The grade and a one, or zeros where there is none, (n, 2)."""
        rows = [(0.0, 0.0) if isinstance(item, list) else (float(item), 1.0) for item in items]
        return np.asarray(rows, dtype=np.float64).reshape(len(items), 2)

    def from_sums(self, sums: Floats) -> Floats:
        """Sum over count."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., 0] / sums[..., 1])

    def score(self, items: Sequence[Any]) -> float:
        """The mean; NaN where too few are scored."""
        scored = sum(not isinstance(item, list) for item in items)
        return float("nan") if scored < self.min_coverage * len(items) else super().score(items)


class Overall(JudgeScore):
    """The mean over a rubric's graded dimensions of a verdict, and then over the verdicts: 1–5."""

    def __init__(self, rubric: Rubric, min_coverage: float = 0.0, judge: str = ANY) -> None:
        super().__init__(rubric.scales[0], min_coverage, judge)
        self.names = [d.name for d in rubric.scales]
        self.info = MetricInfo(
            PREFIX + "overall",
            "Judge, overall",
            Needs.JUDGE,
            1,
            "mean of the grades 1-5 over all dimensions",
            percent=False,
            headline=True,
            implementation=judge,
        )

    def item(self, verdict: Verdict) -> Any:
        """The mean of the verdict's grades."""
        if verdict.status is not Status.SCORED:
            return NOT_SCORED
        return sum(float(verdict.scores[name]) for name in self.names) / len(self.names)


class Coverage(MeanMetric):
    """The share of what was to be judged that has a verdict."""

    def __init__(self, judge: str = ANY) -> None:
        self.info = MetricInfo(
            PREFIX + "coverage",
            "Judge coverage",
            Needs.JUDGE,
            1,
            "share of what was to be judged that has a verdict",
            headline=True,
            implementation=judge,
        )

    def item(self, verdict: Verdict) -> float:
        """1.0 or 0.0."""
        return float(verdict.status is Status.SCORED)

    def items(self, turns: Turns) -> list[Any]:
        """1.0 or 0.0 a turn."""
        assert turns.verdicts is not None
        return [self.item(verdict) for verdict in turns.verdicts]


def judge_metrics(
    rubric: Rubric, min_coverage: float = 0.0, judge: str = ANY
) -> tuple[JudgeScore | Coverage, ...]:
    """The numbers that verdicts under a rubric come to, in table order.

    Args:
        rubric: of the verdicts.
        min_coverage: share 0-1 below which scores are withheld.
        judge: who gave them; stands in the signature as the metrics' implementation.
    """
    overall = (Overall(rubric, min_coverage, judge),) if rubric.scales else ()
    asked = [d for d in rubric.dimensions if d.kind is not Kind.CHOICE]
    return (*overall, *(JudgeScore(d, min_coverage, judge) for d in asked), Coverage(judge))


@cache
def _shipped_columns() -> dict[str, AdditiveMetric]:
    columns: dict[str, AdditiveMetric] = {}
    for name in shipped_rubrics():
        for metric in judge_metrics(load_rubric(name)):
            columns.setdefault(metric.info.name, metric)
    columns[PREFIX + "coverage"] = columns.pop(PREFIX + "coverage")  # the last column
    return columns


def known_columns(names: Iterable[str]) -> dict[str, AdditiveMetric]:
    """The judge's columns among these names, in table order, those of a user's own rubric included."""
    wanted = {name for name in names if name.startswith(PREFIX)}
    shipped = _shipped_columns()
    own = {
        name: JudgeScore(Dimension(name.removeprefix(PREFIX), name, Kind.SCALE, "", ()))
        for name in sorted(wanted - shipped.keys())
    }
    *most, coverage = shipped
    order = [*most, *own, coverage]
    return {name: (own.get(name) or shipped[name]) for name in order if name in wanted}

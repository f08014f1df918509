"""Two models on the same turns: paired differences of every metric both have."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults, SectionResults
from csc_tasks.metrics import additive_metric
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import (
    ALPHA,
    LEVEL,
    Adjusted,
    Difference,
    holm,
    paired_difference,
    simultaneous,
)
from csc_tasks.metrics.uncertainty import resample_counts
from csc_tasks.sentences import Sentence

__all__ = ["FEW", "Delta", "delta", "incomparable", "one_family", "with_holm_by_kind"]

FEW = Sentence("pairs.few", "too few conversations to tell from chance, of all that is looked at")
"""Why an adjusted difference has no interval."""


@dataclass(frozen=True, slots=True)
class Delta:
    """One metric of two models: ``first`` minus ``second`` with its uncertainty.

    ``adjusted`` is the p-value after Holm's correction (:func:`one_family`), with which the interval then agrees;
    ``why`` says in words why there is no difference to speak of. ``spreads`` are the standard deviations between
    the seeds of each, of which the uncertainty of the difference knows nothing.
    """

    section: str
    metric: str
    first: float
    second: float
    clusters: int = 0
    difference: Difference | None = None
    adjusted: float = math.nan
    why: str = ""
    spreads: tuple[float | None, float | None] = (None, None)

    @property
    def better(self) -> int:
        """+1 if higher is better, -1 if lower is, 0 for a description."""
        return additive_metric(self.metric).info.better

    @property
    def significant(self) -> bool:
        """Whether the difference is not noise, all metrics considered together."""
        return self.adjusted < ALPHA

    @property
    def conversations(self) -> int:
        """How many it is of."""
        return self.clusters

    def as_one_of(self, found: Adjusted) -> Delta:
        """The same as one of its family."""
        why = self.why or (FEW if math.isnan(found.difference.low) else "")
        return replace(self, difference=found.difference, adjusted=found.p, why=why)


def incomparable(first: ModelResults, second: ModelResults) -> str:
    """In words why two results may not be compared at all; '' if they may."""
    if reason := first.protocol.against(second.protocol):
        return reason
    if not first.sections.keys() & second.sections.keys():
        return (
            f"no task in common: {', '.join(first.sections)} against {', '.join(second.sections)} "
            "(task/context)"
        )
    return ""


def delta(
    first: SectionResults,
    second: SectionResults,
    name: str,
    counts: Callable[[int], Floats] = resample_counts,
    level: float = LEVEL,
) -> Delta:
    """The paired difference of a metric, or why there is none.

    Args:
        first: one model's section.
        second: the other's.
        name: of the metric.
        counts: makes :func:`~csc_tasks.metrics.uncertainty.resample_counts` of c conversations; give a
            cached one for many metrics.
        level: of the interval.
    """
    one, two = first.metrics.get(name), second.metrics.get(name)
    if one is None or two is None:
        missing = (
            Sentence("delta.missing-both", "missing in both")
            if one is two
            else Sentence("delta.missing-first", "missing in the first")
            if one is None
            else Sentence("delta.missing-second", "missing in the second")
        )
        return Delta(first.section, name, _value(one), _value(two), why=missing)
    spreads = one.spread, two.spread
    if reason := _unpaired(one, two):
        return Delta(first.section, name, one.value, two.value, why=reason, spreads=spreads)
    clusters = len(one.conversations)
    # The same resamples of conversations for both, and for all seeds of each.
    weights = counts(clusters)
    change = one.replicates(weights) - two.replicates(weights)
    difference = paired_difference(one.value - two.value, change, clusters, level)
    why = ""
    if math.isnan(difference.low):
        why = Sentence("delta.undefined", "too few conversations, or undefined in some resamples")
    return Delta(first.section, name, one.value, two.value, clusters, difference, why=why, spreads=spreads)


def _value(metric: MetricResults | None) -> float:
    return math.nan if metric is None else metric.value


def _unpaired(one: MetricResults, two: MetricResults) -> str:
    if one.signature != two.signature:
        return Sentence(
            "delta.two-ways", "computed in two ways: {a} against {b}", a=one.signature, b=two.signature
        )
    sides = (Sentence("delta.first", "first"), one), (Sentence("delta.second", "second"), two)
    for which, metric in sides:
        if math.isnan(metric.value):
            reason = metric.why or "undefined"
            return Sentence("delta.unscored", "not scored in the {which} ({why})", which=which, why=reason)
        if not metric.sums:
            return Sentence(
                "delta.no-samples",
                "the {which} has no samples to resample ({why})",
                which=which,
                why=metric.why,
            )
    if one.digest != two.digest:
        return Sentence(
            "delta.other-turns", "not of the same turns ({a} against {b})", a=one.turns, b=two.turns
        )
    return ""


def one_family(tests: Sequence[tuple[Difference, int]], headline: Sequence[bool]) -> list[Adjusted]:
    """Differences as the one family of a report: p-values by Holm, and intervals that agree with them.

    Half of the chance of a false "different" is for the headline scores, by which people decide: they must not lose
    their power to the many others, to strategies and to topics. What they do not need is for the others.

    Args:
        tests: k differences, and how many conversations each is of.
        headline: k, whether it is one of a headline score.
    """
    count = {kind: sum(each is kind for each in headline) for kind in (True, False)}
    weights = [0.5 / count[each] for each in headline]
    return simultaneous([each for each, _ in tests], [clusters for _, clusters in tests], weights)


def with_holm_by_kind(deltas: list[Delta]) -> list[Delta]:
    """The same as benchmark 1 had it: headline scores and all others are two families, intervals as they are alone."""
    out = list(deltas)
    for headline in (True, False):
        family = [
            i
            for i, d in enumerate(deltas)
            if d.difference is not None and d.better and additive_metric(d.metric).info.headline is headline
        ]
        p_values = [d.difference.p for i in family if (d := deltas[i]).difference is not None]
        for i, p in zip(family, holm(p_values).tolist(), strict=True):
            out[i] = replace(deltas[i], adjusted=p)
    return out

"""The interval of a score by what kind of score it is: of a share, of a corrected score, of any other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats
from csc_tasks.metrics.comparison import LEVEL, ROUNDING, Interval, interval, t_quantile
from csc_tasks.metrics.corrected import CorrectedMetric
from csc_tasks.metrics.uncertainty import bootstrap_scores, few_clusters, resample_counts, sums_of

__all__ = ["ScoreWithInterval", "score_interval", "scored_by_cluster", "share_interval"]

_WIDEST = 10.0
"""A scale that is longer than this has no ends that a score comes near to: counts, ratios, what a network says."""


def score_interval(
    metric: AdditiveMetric,
    value: float,
    replicates: Floats,
    clusters: int,
    observations: float = math.nan,
    level: float = LEVEL,
    benchmark: int | None = None,
) -> Interval:
    """The two-sided interval of a score, within its scale; NaN for fewer than two conversations.

    - A share of turns of which something holds has that of :func:`share_interval`.
    - A corrected score has the basic interval: the percentiles of its replicates, which are turned about it, at
      the normal probability of t·sqrt(c/(c-1)) (:func:`~csc_tasks.metrics.comparison.interval`).
    - Any other is the score, less its bias, ± t·s with c - 1 degrees of freedom: s is the standard deviation of the
      replicates times sqrt(c/(c-1)), and the bias what their mean lies above the score. On a scale with ends all this
      is of the logit of how far along the score is, where the skew of BLEU and F1 of few conversations is gone and no
      end is passed.

    A score on a scale with ends that is the same in every resample has not been seen to vary, which proves little:
    its interval is that of a share which is as far along as the score is on its scale.

    Args:
        metric: whose score it is.
        value: the score.
        replicates: (resamples,) from :func:`~csc_tasks.metrics.uncertainty.bootstrap_scores`.
        clusters: c, how many conversations were resampled.
        observations: how many turns the score is a mean of; NaN where it is no mean.
        level: share 0-1 of such intervals that hold the truth.
        benchmark: the benchmark version whose interval is asked for, by default that of today; benchmark 1 had the
            percentiles of the replicates, and its tables stay as they were printed.
    """
    if benchmark == 1:
        return interval(replicates, clusters, level)
    nothing = Interval(math.nan, math.nan)
    if clusters < 2 or not len(replicates) or math.isnan(value) or np.isnan(replicates).any():
        return nothing
    scale = metric.scale
    length = scale.high - scale.low
    stderr = float(np.std(replicates, ddof=1)) * few_clusters(clusters)
    if length <= _WIDEST and (metric.yes_no or stderr <= ROUNDING):
        turns = clusters if math.isnan(observations) else observations
        low, high = share_interval(
            (value - scale.low) / length, (stderr / length) ** 2, clusters, turns, level
        )
        return Interval(scale.low + length * low, scale.low + length * high)
    if isinstance(metric, CorrectedMetric):
        low, high = interval(replicates, clusters, level)
    else:
        along = np.append((replicates - scale.low) / length, (value - scale.low) / length)
        if length <= _WIDEST and ((along > 0) & (along < 1)).all():
            logits = np.log(along / (1 - along))
            ends = _around(float(logits[-1]), logits[:-1], clusters, level)
            low, high = (scale.low + length / (1 + math.exp(-end)) for end in ends)
        else:
            low, high = _around(value, replicates, clusters, level)
    return Interval(*(min(max(end, scale.low), scale.high) for end in (low, high)))


class ScoreWithInterval(NamedTuple):
    """A score with its 95 % interval, NaN for fewer than two conversations; ``items`` are how many it is of."""

    value: float
    low: float
    high: float
    items: int


def scored_by_cluster(
    metric: AdditiveMetric, items: Sequence[Any], clusters: Sequence[str]
) -> ScoreWithInterval:
    """The score of items with its interval, conversations resampled whole.

    Args:
        metric: an additive metric.
        items: n items of it.
        clusters: the conversation of each.
    """
    if not len(items):
        return ScoreWithInterval(math.nan, math.nan, math.nan, 0)
    sums = sums_of(metric, items, clusters)
    value, observations = metric.score(items), metric.observations(sums)
    low = high = math.nan
    if len(sums) > 1:
        scores = bootstrap_scores(metric, sums, resample_counts(len(sums)))
        low, high = score_interval(metric, value, scores, len(sums), observations)
    scored = len(items) if math.isnan(observations) else int(observations)
    return ScoreWithInterval(value, low, high, scored)


def _around(value: float, replicates: Floats, clusters: int, level: float) -> Interval:
    """A score, less its bias, ± t·s."""
    middle = 2 * value - float(np.mean(replicates))
    half = t_quantile(level, clusters) * few_clusters(clusters) * float(np.std(replicates, ddof=1))
    return Interval(middle - half, middle + half)


def share_interval(
    share: float, variance: float, clusters: int, turns: float, level: float = LEVEL
) -> Interval:
    """The score interval of a share of clustered turns, which has a width at 0 and at 1 as well.

    Wilson's (1927) with Student's t on c - 1 degrees of freedom, of an effective number of turns (Korn and Graubard
    1998): turns over the design effect, which is the variance over that of as many independent turns. What is rare
    shows little of how it clusters, and what was never seen nothing: so one turn more of the rarer kind is counted
    whose design effect is the square root of m, the turns of a conversation. That is an intraclass correlation of
    1/(√m+1), a fifth for twelve. So 0 of n turns in c conversations count as 0 of √(n·c) independent ones, between the
    conversations and the turns.

    Args:
        share: of the turns, 0-1.
        variance: of the share between samples of c conversations.
        clusters: c, at least 2.
        turns: n.
        level: of the interval.
    """
    share = min(max(share, 0.0), 1.0)
    unknown = math.sqrt(max(turns / clusters, 1.0))
    rarer = min(share, 1 - share) * turns
    independent = share * (1 - share) / turns
    seen = variance / independent if independent > ROUNDING**2 and variance > ROUNDING**2 else unknown
    effect = (rarer * seen + unknown) / (rarer + 1)
    z = t_quantile(level, clusters) ** 2 * effect / turns
    middle = (share + z / 2) / (1 + z)
    half = math.sqrt(z * (share * (1 - share) + z / 4)) / (1 + z)
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))

"""Whether a score misses a minimum by more than chance."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats, MeanMetric
from csc_tasks.metrics.comparison import ROUNDING, t_quantile

__all__ = ["Shortfall", "shortfall"]


class Shortfall(NamedTuple):
    """By how much a score misses a minimum, in the metric's unit; below zero where it is more than reached.

    ``low`` is the end of the one-sided interval: the score misses the minimum by at least so much. It is NaN
    where the conversations tell nothing of chance.
    """

    value: float
    low: float


def shortfall(
    metric: AdditiveMetric, value: float, replicates: Floats, clusters: int, minimum: float, tail: float
) -> Shortfall:
    """By how much a score misses a minimum, and by how much at least.

    The interval is value - bias ± t·s with c - 1 degrees of freedom: s is the standard deviation of the
    replicates times sqrt(c/(c-1)), and the bias what the mean of the replicates lies above the value (Efron and
    Tibshirani 1993, chapter 10), without which a divergence, never below 0, would miss a maximum that it keeps to.

    Shares near 0 and 1 spread the less the further out they happen to lie, so s is multiplied by the root of
    m(1-m)/v(1-v), m the minimum and v the value, where that is above 1: the spread that a share has at the
    minimum, as in the score test of a proportion (Wilson 1927). A share that is the same in every resample ends at
    1 - (1-v)·tail^(1/c), or v·tail^(1/c) from below: of c independent shares with a mean of m all are v with a
    probability of at most ((1-m)/(1-v))^c, or (m/v)^c. At v = 0 that is the rule of three.

    A mean of shares that must be 0, or 1, is not missed by chance: a single turn tells. Else nothing is told where
    not even all c conversations on one side would be rare enough (2^-c above ``tail``).

    Args:
        metric: whose score it is; its ``better`` says whether the minimum is a maximum.
        value: the score.
        replicates: (resamples,) scores.
        clusters: c, how many conversations were resampled.
        minimum: what must be reached, or not be exceeded where lower is better.
        tail: chance 0-0.5 of missing the truth on this side.
    """
    lower = metric.info.better < 0
    missed = value - minimum if lower else minimum - value
    missed = 0.0 if abs(missed) <= ROUNDING else missed
    share = metric.info.percent
    if share and isinstance(metric, MeanMetric) and minimum == (0.0 if lower else 1.0):
        return Shortfall(missed, missed)
    if clusters < 2 or np.isnan(replicates).any() or 2.0**-clusters >= tail:
        return Shortfall(missed, math.nan)
    stderr = float(np.std(replicates, ddof=1)) * math.sqrt(clusters / (clusters - 1))
    if stderr <= ROUNDING:
        half = (value if lower else 1 - value) * (1 - tail ** (1 / clusters)) if share else 0.0
        return Shortfall(missed, missed - half)
    if share and 0 < value < 1 and 0 <= minimum <= 1:
        stderr *= max(1.0, math.sqrt(minimum * (1 - minimum) / (value * (1 - value))))
    bias = float(np.mean(replicates)) - value
    half = t_quantile(1 - 2 * tail, clusters) * stderr
    return Shortfall(missed, missed - half + (-bias if lower else bias))

"""Which differences are real: intervals, paired differences, and ranks that admit ties.

Everything starts from *replicates*: the scores (resamples,) of a metric on the same seeded cluster
resamples (:mod:`csc_tasks.metrics.uncertainty`). Two models evaluated on the same conversations have
replicates of the same resamples, so their difference is paired: what a resample has of hard
conversations weighs on both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.base import Floats

__all__ = [
    "ALPHA",
    "LEVEL",
    "ROUNDING",
    "Adjusted",
    "Difference",
    "Interval",
    "Ranks",
    "holm",
    "interval",
    "paired_difference",
    "ranks",
    "simultaneous",
    "t_quantile",
]

ALPHA = 0.05
"""Chance of a false "different" that is accepted, over everything that is looked at together."""
LEVEL = 0.95
"""Confidence level of every interval that is not said to have another."""
ROUNDING = 1e-12
"""What rounding may leave of a difference, or of a spread, that is none: scores are of the order of 1."""


class Interval(NamedTuple):
    """A confidence interval, in the metric's unit."""

    low: float
    high: float


class Difference(NamedTuple):
    """A paired difference: estimate, standard error, interval, and two-sided p-value of no difference."""

    value: float
    stderr: float
    low: float
    high: float
    p: float


class Adjusted(NamedTuple):
    """A difference as one of a family: its interval is wider than alone, and ``p`` Holm's adjusted p-value."""

    difference: Difference
    p: float


class Ranks(NamedTuple):
    """Places of k models, each (k,): ``low`` is 1 + the models significantly better, which is also the rank
    shown, so that ties share it; ``high`` is k less the models significantly worse."""

    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]


def interval(replicates: Floats, clusters: int, level: float = LEVEL) -> Interval:
    """Percentile interval of a score, widened for few clusters; NaN for fewer than two.

    The plain percentile interval of c clusters is too narrow by the factor that a normal interval with the
    divisor c lacks; Hesterberg (2015, "What Teachers Should Know About the Bootstrap", section 4.1) takes
    the percentiles at the normal probability of t·sqrt(c/(c-1)) instead. At c = 1,855 nothing changes, at
    c = 32 the 2.5th percentile becomes the 1.9th.

    Args:
        replicates: (resamples,) scores.
        clusters: c, how many conversations were resampled.
        level: share 0-1 of such intervals that hold the truth.
    """
    if clusters < 2 or not len(replicates) or np.isnan(replicates).any():
        return Interval(math.nan, math.nan)
    quantile = t_quantile(level, clusters) * math.sqrt(clusters / (clusters - 1))
    tail = 0.5 * math.erfc(quantile / math.sqrt(2))  # of the normal distribution
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Interval(float(low), float(high))


def paired_difference(value: float, replicates: Floats, clusters: int, level: float = LEVEL) -> Difference:
    """A difference of two scores on the same conversations, with Student's t on c - 1 degrees of freedom.

    A difference of two similar models has no bound to run into and is close to symmetric, so the interval is
    value ± t·s; p-value and interval then always say the same. s is the standard deviation of the
    replicates times sqrt(c/(c-1)), as in :func:`interval`. Two models that agree in every resample differ
    by nothing: p is 1 if the value is 0; what :data:`ROUNDING` could have made of a 0 is one. p is never
    below 2^(1-c): no test that flips the signs of c conversations can be surer, and where all c happen to
    differ by the same, s is 0 whatever the truth. An interval without width of so few conversations that
    this matters is NaN.

    Args:
        value: first score minus second.
        replicates: (resamples,) first replicates minus second.
        clusters: c, how many conversations were resampled.
        level: of the interval.
    """
    if math.isnan(value) or clusters < 2 or np.isnan(replicates).any():
        return Difference(value, math.nan, math.nan, math.nan, math.nan)
    stderr = float(np.std(replicates, ddof=1)) * math.sqrt(clusters / (clusters - 1))
    value, stderr = (0.0 if abs(each) <= ROUNDING else each for each in (value, stderr))
    half = t_quantile(level, clusters) * stderr
    p = float(_p_values(np.array([value]), np.array([stderr]), clusters)[0])
    if not stderr and value and p >= 1 - level:
        half = math.nan
    return Difference(value, stderr, value - half, value + half, p)


def t_quantile(level: float, clusters: int) -> float:
    """Half the width of a two-sided interval of this level in standard errors, with c - 1 degrees of freedom."""
    from scipy.special import stdtrit  # scipy.stats takes a second longer to import

    return float(stdtrit(clusters - 1, (1 + level) / 2))


def _p_values(values: Floats, stderrs: Floats, clusters: int) -> Floats:
    from scipy.special import stdtr

    none = np.abs(values) <= ROUNDING
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(none, 0.0, np.abs(values) / stderrs)
    return np.asarray(
        np.maximum(2 * stdtr(clusters - 1, -statistic), np.where(none, 1.0, 2.0 ** (1 - clusters)))
    )


def holm(p_values: Sequence[float] | Floats, weights: Sequence[float] | None = None) -> Floats:
    """Holm's step-down adjusted p-values (k,) for k tests (Holm 1979); NaN is no test and stays NaN.

    Rejecting where the adjusted value is below α keeps the chance of any false rejection below α, however
    the tests depend on each other, and whatever weights were chosen before.

    Args:
        p_values: one a test.
        weights: (k,) above 0, what share of α each test begins with; by default all the same.
    """
    return np.minimum(1.0, _holm_products(p_values, weights)[0])


def _holm_products(
    p_values: Sequence[float] | Floats, weights: Sequence[float] | None
) -> tuple[Floats, Floats]:
    """Adjusted p-values before they are cut at 1, and how many times the p-value each of them is."""
    values = np.asarray(p_values, dtype=np.float64)
    shares = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    products, factors = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(values))
    order = tests[np.argsort(values[tests] / shares[tests], kind="stable")]
    left = np.cumsum(shares[order][::-1])[::-1]  # the weight of a test and of all after it
    alone = left / shares[order]
    products[order] = np.maximum.accumulate(values[order] * alone)
    with np.errstate(invalid="ignore", divide="ignore"):
        factors[order] = np.where(values[order] > 0, products[order] / values[order], alone)
    return products, factors


def simultaneous(
    differences: Sequence[Difference],
    clusters: Sequence[int],
    weights: Sequence[float] | None = None,
    alpha: float = ALPHA,
) -> list[Adjusted]:
    """k differences as one family: p-values by Holm, and intervals that say the same as they do.

    Holm multiplies a p-value by some number, and the interval has the level 1 - α over that number: it leaves out 0
    where the adjusted p-value is below α, and nowhere else. Of so few conversations that no p-value could be small
    enough (:func:`paired_difference`) there is no such interval; its ends are NaN.

    Args:
        differences: one a test; of a NaN p-value there is no test.
        clusters: (k,) how many conversations each is of.
        weights: of :func:`holm`.
        alpha: chance of any false "different".
    """
    products, factors = _holm_products([each.p for each in differences], weights)
    found = []
    for each, count, product, factor in zip(differences, clusters, products, factors, strict=True):
        if math.isnan(product):
            found.append(Adjusted(each, math.nan))
            continue
        half = t_quantile(1 - alpha / factor, count) * each.stderr
        low, high = each.value - half, each.value + half
        if (low > 0 or high < 0) != (product < alpha):
            low = high = math.nan
        found.append(Adjusted(each._replace(low=low, high=high), float(min(1.0, product))))
    return found


def ranks(scores: Floats, replicates: Floats, clusters: int, better: int, alpha: float = ALPHA) -> Ranks:
    """Places of k models from all paired differences, Holm-corrected over the k(k-1)/2 of them.

    Args:
        scores: (k,), none NaN.
        replicates: (k, resamples), of the same resamples.
        clusters: c, how many conversations were resampled.
        better: +1 if higher is better, -1 if lower is.
        alpha: chance of any false "better" in the whole column.
    """
    count = len(scores)
    if count < 2 or clusters < 2:
        return Ranks(np.ones(count, dtype=np.int64), np.full(count, count, dtype=np.int64))
    first, second = np.triu_indices(count, 1)
    covariance = np.cov(replicates) * clusters / (clusters - 1)
    spread = np.diag(covariance)
    variances = spread[first] + spread[second] - 2 * covariance[first, second]
    # Rounding leaves twins a variance that is not quite zero; they differ by nothing all the same.
    stderrs = np.sqrt(np.maximum(variances, 0.0))
    differences = better * (scores[first] - scores[second])
    adjusted = holm(_p_values(differences, stderrs, clusters))
    real = adjusted < alpha
    wins = np.zeros((count, count), dtype=bool)
    wins[first[real & (differences > 0)], second[real & (differences > 0)]] = True
    wins[second[real & (differences < 0)], first[real & (differences < 0)]] = True
    low = 1 + wins.sum(axis=0)
    high = count - wins.sum(axis=1)
    return Ranks(low.astype(np.int64), high.astype(np.int64))

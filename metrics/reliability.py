"""How far people who rate the same things agree: Krippendorff's alpha and Cohen's kappa, clustered by conversation."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats, MetricInfo, Needs
from csc_tasks.metrics.comparison import Interval, interval
from csc_tasks.metrics.uncertainty import bootstrap_scores, cluster_sums, clustered_stderr, resample_counts

__all__ = [
    "Alpha",
    "Level",
    "alpha_with_interval",
    "clustered_kappa",
    "kappa_between_raters",
    "krippendorff_alpha",
    "weighted_kappa",
]


class Level(Enum):
    """What two values tell: which scale of Stevens's a rating is on."""

    NOMINAL = "nominal"
    """Names: any two differ alike."""
    ORDINAL = "ordinal"
    """An order: two values differ by how many ratings lie between them."""
    INTERVAL = "interval"
    """Numbers: two values differ by their difference."""


class Alpha(NamedTuple):
    """Krippendorff's alpha with a 95 % interval; NaN where undefined. ``units`` have two ratings or more."""

    value: float
    low: float
    high: float
    units: int


def weighted_kappa(confusion: Floats, ordered: bool = True) -> Floats:
    """Cohen's kappa from confusion matrices (..., k, k); NaN where chance agrees always.

    With quadratic weights for values that are ``ordered`` (Cohen 1968); without weights for names, any two of which
    differ alike (Cohen 1960).
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
    """Kappa as a metric, for its clustered error: an item is the values that the one and the other gave."""

    info = MetricInfo("kappa", "Weighted kappa", Needs.JUDGE, 1, "Cohen's kappa with quadratic weights")

    def __init__(self, size: int, ordered: bool = True) -> None:
        self.size = size
        self.ordered = ordered

    def statistics(self, items: Any) -> Floats:
        """A confusion matrix with a single one, flat, an item."""
        rows = np.zeros((len(items), self.size * self.size))
        for row, (one, other) in zip(rows, items, strict=True):
            row[one * self.size + other] = 1
        return rows

    def from_sums(self, sums: Floats) -> Floats:
        """The kappa of the summed matrices."""
        return weighted_kappa(sums.reshape(*sums.shape[:-1], self.size, self.size), self.ordered)


def clustered_kappa(
    pairs: Sequence[tuple[int, int]], clusters: Sequence[str], size: int, ordered: bool = False
) -> tuple[float, float]:
    """Cohen's kappa of two who gave the same things values, and its clustered standard error.

    Args:
        pairs: of each thing the values that the one and the other gave it, from 0 to ``size - 1``.
        clusters: the conversation of each.
        size: how many values there are.
        ordered: of :func:`weighted_kappa`.

    Returns:
        At most 1, and 0 for what chance gives; NaN where there is nothing, or both always gave the same one value.
    """
    confusion = np.zeros((size, size))
    for one, other in pairs:
        confusion[one, other] += 1
    kappa = float(weighted_kappa(confusion, ordered))
    return kappa, clustered_stderr(_Kappa(size, ordered), list(pairs), list(clusters))


def kappa_between_raters(ratings: Floats, size: int, ordered: bool = True) -> float:
    """The mean of Cohen's kappas of every two raters (Light 1971), each weighing as the units that both rated.

    Args:
        ratings: (raters, units) values from 0 to ``size - 1``, NaN where a rater did not rate.
        size: how many values there are.
        ordered: of :func:`weighted_kappa`.

    Returns:
        At most 1; NaN where no two raters share units, or those that do always gave the same one value.
    """
    total = weight = 0.0
    for first, second in combinations(range(len(ratings)), 2):
        shared = ~np.isnan(ratings[first]) & ~np.isnan(ratings[second])
        confusion = np.zeros((size, size))
        np.add.at(confusion, (ratings[first, shared].astype(int), ratings[second, shared].astype(int)), 1)
        kappa = float(weighted_kappa(confusion, ordered))
        if kappa == kappa:
            total += kappa * float(shared.sum())
            weight += float(shared.sum())
    return total / weight if weight else float("nan")


def krippendorff_alpha(ratings: Floats, level: Level = Level.ORDINAL) -> float:
    """Krippendorff's alpha: 1 for full agreement, 0 for what chance gives.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".

    Args:
        ratings: (raters, units), NaN where a rater did not rate.
        level: what two values tell.

    Returns:
        At most 1; NaN where no unit has two ratings, or all those that have agree on one value.
    """
    coincidences, values = _coincidences(ratings)
    return float(_alpha_of(coincidences.sum(axis=0), values, level))


class _Alpha(AdditiveMetric):
    """Alpha as a metric, whose statistics are the coincidences of a unit, flat."""

    info = MetricInfo("alpha", "Krippendorff's alpha", Needs.JUDGE, 1, "agreement between raters")
    counts = False

    def __init__(self, values: Floats, level: Level) -> None:
        self.values = values
        self.level = level

    def statistics(self, items: Any) -> Floats:
        """Coincidences (k, k) an item as rows (n, k²)."""
        return np.asarray(items).reshape(len(items), len(self.values) ** 2)

    def from_sums(self, sums: Floats) -> Floats:
        """The alpha of summed coincidences."""
        size = len(self.values)
        return _alpha_of(sums.reshape(*sums.shape[:-1], size, size), self.values, self.level)


def alpha_with_interval(ratings: Floats, clusters: Sequence[str], level: Level = Level.ORDINAL) -> Alpha:
    """Alpha and its 95 % interval: percentiles over resampled conversations, widened for few of them.

    Args:
        ratings: (raters, units), as for :func:`krippendorff_alpha`.
        clusters: the conversation of each unit.
        level: what two values tell.
    """
    coincidences, values = _coincidences(ratings)
    rated = coincidences.sum(axis=(1, 2)) > 0
    metric = _Alpha(values, level)
    value = float(_alpha_of(coincidences.sum(axis=0), values, level))
    sums = cluster_sums(
        metric.statistics(coincidences[rated]), [c for c, r in zip(clusters, rated, strict=True) if r]
    )
    low, high = Interval(float("nan"), float("nan"))
    if len(sums) > 1 and value == value:
        scores = bootstrap_scores(metric, sums, resample_counts(len(sums)))
        low, high = interval(scores, len(sums))
    return Alpha(value, low, high, int(rated.sum()))


def _coincidences(ratings: Floats) -> tuple[Floats, Floats]:
    """How often which value meets which in each unit, (units, k, k), and the k values; zeros of a single rating."""
    values = np.unique(ratings[~np.isnan(ratings)])
    counts = (ratings[:, :, None] == values).sum(axis=0).astype(np.float64)  # (units, k)
    sizes = counts.sum(axis=1)
    together = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(values))
    return np.asarray(together / np.maximum(sizes - 1, 1)[:, None, None]), values


def _alpha_of(coincidences: Floats, values: Floats, level: Level) -> Floats:
    """Alpha (...) from summed coincidences (..., k, k) of k values."""
    totals = coincidences.sum(axis=-1)
    if level is Level.NOMINAL:
        distance = np.broadcast_to(1 - np.eye(len(values)), coincidences.shape)
    else:
        # Ordered values are as far apart as there are ratings between them, those at the ends half.
        ordinal = level is Level.ORDINAL
        places = np.cumsum(totals, axis=-1) - totals / 2 if ordinal else np.broadcast_to(values, totals.shape)
        distance = (places[..., :, None] - places[..., None, :]) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        products = totals[..., :, None] * totals[..., None, :] * distance
        expected = products.sum(axis=(-2, -1)) / (totals.sum(axis=-1) - 1)
        return np.asarray(1 - (coincidences * distance).sum(axis=(-2, -1)) / expected)

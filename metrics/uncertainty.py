"""Standard errors that respect the data: the conversation is the cluster.

Turns of one conversation share a customer, a problem and a history, so they are not independent, and
an error bar that treats them so is too short. Conversations are resampled whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.base import AdditiveMetric, Floats

__all__ = [
    "RESAMPLES",
    "SEED",
    "bootstrap_scores",
    "cluster_sums",
    "clustered_stderr",
    "few_clusters",
    "resample_counts",
    "stderr_of_sums",
    "sums_of",
]

RESAMPLES = 1000
SEED = 20250806
_BLOCK = 100


def cluster_sums(statistics: Floats, clusters: Sequence[str]) -> Floats:
    """Sums (c, d) of statistics (n, d) within each of c clusters, the clusters in sorted order.

    Sorted, and each cluster added up in the order of its values, so that resamples and sums are the
    same to the last bit however the turns were dealt to processes.
    """
    if not len(clusters):
        return np.zeros((0, statistics.shape[1]))
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    # The first column is the only one that is ever not a whole number, whose order would matter.
    order = np.lexsort((statistics[:, 0], index))
    firsts = np.flatnonzero(np.diff(index[order], prepend=-1))
    return np.asarray(np.add.reduceat(statistics[order], firsts, axis=0))


def sums_of(metric: AdditiveMetric, items: Sequence[Any], clusters: Sequence[str]) -> Floats:
    """Sums (c, d) of a metric's statistics within each of c clusters, the clusters in sorted order.

    Args:
        metric: an additive metric.
        items: n items of the metric; of a linked one all of a conversation's.
        clusters: the conversation of each.
    """
    statistics = metric.statistics(items)
    if not metric.counts or not len(clusters):
        return cluster_sums(statistics, clusters)
    # Whole numbers add up to the same in any order, and most of a wide row is zero.
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    rows, columns = np.nonzero(statistics)
    width = statistics.shape[1]
    flat = np.bincount(index[rows] * width + columns, statistics[rows, columns], len(names) * width)
    return np.asarray(flat.reshape(len(names), width), dtype=np.float64)


def few_clusters(clusters: int) -> float:
    """What the standard deviation of resamples of c clusters falls short by: sqrt(c/(c-1)), 1.016 for 32."""
    return math.sqrt(clusters / (clusters - 1))


def resample_counts(clusters: int, resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """How often each cluster is drawn in each resample, (resamples, clusters); the same for every metric."""
    return np.concatenate(list(_blocks(clusters, resamples, seed)))


def _blocks(clusters: int, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[Floats]:
    """The rows of :func:`resample_counts`, a hundred at a time: of many clusters all are a lot of memory."""
    for block in _drawn(clusters, resamples, seed):
        yield block.astype(np.float64)


@lru_cache(maxsize=2)
def _drawn(clusters: int, resamples: int, seed: int) -> tuple[npt.NDArray[np.uint16], ...]:
    """The same in little memory; drawing takes longer than what is done with it, and every metric wants the same."""
    generator = np.random.default_rng(seed)
    shares = np.full(clusters, 1.0 / clusters)
    return tuple(
        generator.multinomial(clusters, shares, size=min(_BLOCK, resamples - start)).astype(np.uint16)
        for start in range(0, resamples, _BLOCK)
    )


def bootstrap_scores(metric: AdditiveMetric, sums: Floats, counts: npt.NDArray[Any]) -> Floats:
    """The metric's replicates, (resamples,): one matrix product and one formula."""
    return metric.replicates(sums, metric.from_sums(counts @ sums))


def stderr_of_sums(metric: AdditiveMetric, sums: Floats, benchmark: int | None = None) -> float:
    """Cluster-bootstrap standard error from the sums (c, d) of c conversations; NaN for fewer than two.

    The estimate is the standard deviation (n - 1) over ``RESAMPLES`` seeded resamples of conversations
    (Cameron, Gelbach and Miller 2008, pairs cluster bootstrap), so a rerun prints the same figure, times
    :func:`few_clusters`, which benchmark 1 left out.

    Args:
        metric: an additive metric.
        sums: of its statistics.
        benchmark: the benchmark version whose figure is asked for; by default that of today.
    """
    if len(sums) < 2:
        return float("nan")
    resampled = [metric.from_sums(counts @ sums) for counts in _blocks(len(sums))]
    error = float(np.std(metric.replicates(sums, np.concatenate(resampled)), ddof=1))
    return error if benchmark == 1 else error * few_clusters(len(sums))


def clustered_stderr(
    metric: AdditiveMetric, items: Sequence[Any], clusters: Sequence[str], benchmark: int | None = None
) -> float:
    """Standard error of a score with the conversation as the cluster (:func:`stderr_of_sums`).

    Args:
        metric: an additive metric.
        items: n items of the metric.
        clusters: the conversation of each item.
        benchmark: of :func:`stderr_of_sums`.
    """
    if not len(items):
        return float("nan")
    return stderr_of_sums(metric, sums_of(metric, items, clusters), benchmark)

"""Standard errors that respect the data: the conversation is the cluster.

Turns of one conversation share a customer, a problem and a history, so they are not independent, and
an error bar that treats them so is too short. Conversations are resampled whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    "resample_counts",
    "stderr_of_sums",
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


def resample_counts(clusters: int, resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """How often each cluster is drawn in each resample, (resamples, clusters); the same for every metric."""
    return np.concatenate(list(_blocks(clusters, resamples, seed)))


def _blocks(clusters: int, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[Floats]:
    """The rows of :func:`resample_counts`, a hundred at a time: of many clusters all are a lot of memory."""
    generator = np.random.default_rng(seed)
    shares = np.full(clusters, 1.0 / clusters)
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        yield generator.multinomial(clusters, shares, size=size).astype(np.float64)


def bootstrap_scores(metric: AdditiveMetric, sums: Floats, counts: npt.NDArray[Any]) -> Floats:
    """The metric's score on each resample, (resamples,): one matrix product and one formula."""
    return metric.from_sums(counts @ sums)


def stderr_of_sums(metric: AdditiveMetric, sums: Floats) -> float:
    """Cluster-bootstrap standard error from the sums (c, d) of c conversations; NaN for fewer than two.

    The estimate is the standard deviation (n - 1) over ``RESAMPLES`` seeded resamples of conversations
    (Cameron, Gelbach and Miller 2008, pairs cluster bootstrap), so a rerun prints the same figure.
    """
    if len(sums) < 2:
        return float("nan")
    scores = [bootstrap_scores(metric, sums, counts) for counts in _blocks(len(sums))]
    return float(np.std(np.concatenate(scores), ddof=1))


def clustered_stderr(metric: AdditiveMetric, items: Sequence[Any], clusters: Sequence[str]) -> float:
    """Standard error of a score with the conversation as the cluster (:func:`stderr_of_sums`).

    Args:
        metric: an additive metric.
        items: n items of the metric.
        clusters: the conversation of each item.
    """
    if not len(items):
        return float("nan")
    return stderr_of_sums(metric, cluster_sums(metric.statistics(items), clusters))

"""A metric over more turns than memory should hold: items added a chunk at a time, score and error at the end."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats, Metric, SetMetric
from csc_tasks.metrics.corrected import CorrectedMetric
from csc_tasks.metrics.uncertainty import cluster_sums, stderr_of_sums

__all__ = ["Tally"]


_WIDE = 32
"""Statistics with more columns than this are kept as their non-zero entries."""


class Tally:
    """Adds up a metric's items; gives exactly what scoring all items at once gives.

    Of counts the sums of each conversation are kept, or, where a statistic is wide and mostly zero (a
    confusion matrix), what is not; of other statistics the numbers (some 24 bytes a turn), of set
    metrics a fold. Items of a linked metric are kept themselves, numbers as arrays: a chunk may end within a
    conversation. One item that is ``None`` (not scored) makes the score NaN; ``unscored`` counts them.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.unscored = 0
        self.turns = 0
        self._codes: dict[str, int] = {}
        self._clusters = array("q")
        self._rows: list[Floats] = []
        self._sums: Floats | None = None
        self._width = 0
        self._places, self._values = array("q"), array("i")
        self._fold = metric.fold() if isinstance(metric, SetMetric) else None
        self._linked: dict[str, list[array[int]]] = {}

    def add(self, items: Sequence[Any], conversations: Sequence[str]) -> None:
        """Add n items and the conversation of each."""
        self.turns += len(items)
        self.unscored += sum(item is None for item in items)
        if self.unscored or not items:
            return
        if self._fold is not None:
            self._fold.add(items)
            return
        assert isinstance(self.metric, AdditiveMetric)
        if self.metric.linked:
            for name, *numbers in items:
                self._linked.setdefault(name, []).append(array("h", numbers))
            return
        codes = [self._codes.setdefault(c, len(self._codes)) for c in conversations]
        statistics = self.metric.statistics(items)
        if not self.metric.counts:
            self._rows.append(statistics)
            self._clusters.extend(codes)
            return
        width = statistics.shape[1]
        if width > _WIDE:
            rows, columns = np.nonzero(statistics)
            self._width = width
            self._places.frombytes((np.asarray(codes)[rows] * width + columns).astype(np.int64).tobytes())
            self._values.frombytes(statistics[rows, columns].astype(np.int32).tobytes())
            return
        if self._sums is None:
            self._sums = np.zeros((0, statistics.shape[1]))
        if len(self._codes) > len(self._sums):
            grown = np.zeros((2 * len(self._codes), statistics.shape[1]))
            grown[: len(self._sums)] = self._sums
            self._sums = grown
        np.add.at(self._sums, codes, statistics)

    def score(self) -> float:
        """The score of everything added."""
        if self.unscored or not self.turns:
            return float("nan")
        if self._fold is not None:
            return self._fold.score()
        assert isinstance(self.metric, AdditiveMetric)
        if isinstance(self.metric, CorrectedMetric):
            return self.metric.value(self.sums())
        total = self.total()
        # Where a metric is undefined without turns, of a third for instance, so is the sum of nothing.
        return float(self.metric.from_sums(total)) if total.any() else self.metric.score([])

    def total(self) -> Floats:
        """The summed statistics (d,) of an additive metric."""
        assert isinstance(self.metric, AdditiveMetric)
        sums = self.sums() if self._linked else self._conversations()
        return self.metric.total(sums if sums is not None else np.concatenate(self._rows))

    def _conversations(self) -> Floats | None:
        """The sums (conversations, d) of counts, in the order in which the conversations came first."""
        if not self._width:
            return self._sums
        flat = np.zeros(len(self._codes) * self._width)
        np.add.at(flat, np.asarray(self._places), np.asarray(self._values))
        return flat.reshape(-1, self._width)

    def stderr(self, benchmark: int | None = None) -> float:
        """The standard error clustered by conversation, as of a benchmark version; NaN where there is none."""
        if self.unscored or not isinstance(self.metric, AdditiveMetric) or not self.turns:
            return float("nan")
        return stderr_of_sums(self.metric, self.sums(), benchmark)

    def sums(self) -> Floats:
        """The statistics of an additive metric summed by conversation (c, d), conversations in sorted order.

        Of a metric with an item that was not scored there are none.
        """
        assert isinstance(self.metric, AdditiveMetric)
        assert not self.unscored
        if self._linked:
            return np.concatenate([self._of_conversation(name) for name in sorted(self._linked)])
        names = list(self._codes)
        sums = self._conversations()
        if sums is None:
            return cluster_sums(np.concatenate(self._rows), [names[code] for code in self._clusters])
        order = sorted(range(len(names)), key=names.__getitem__)
        return sums[order]

    def _of_conversation(self, name: str) -> Floats:
        """The sums (1, d) of a linked metric over one conversation."""
        assert isinstance(self.metric, AdditiveMetric)
        items = [[name, *numbers] for numbers in self._linked[name]]
        return np.asarray(self.metric.statistics(items).sum(axis=0, keepdims=True))

"""Scores that few turns put too high, less what they are too high by.

A divergence is never below 0, so that chance alone moves it up: two models with the same shares differ in every
sample. The excess is that of Quenouille's jackknife over conversations (Quenouille 1949; Efron and Tibshirani 1993,
chapter 11), (g - 1)·(mean of the scores without one of g groups - score): what the bootstrap's estimate comes to
without its random numbers, so that anybody can compute the score again to the last digits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats, Scale
from csc_tasks.metrics.uncertainty import sums_of

__all__ = ["CorrectedMetric", "jackknife_bias"]


def jackknife_bias(metric: AdditiveMetric, sums: Floats, groups: int | None = None) -> float:
    """By how much ``from_sums`` lies too high on average, from the sums (c, d) of c conversations; 0 for one.

    Args:
        metric: whose ``from_sums`` it is.
        sums: of conversations in sorted order.
        groups: leave out one of so many groups of neighbours of equal size, not each conversation, if there are more.
    """
    if groups is not None and len(sums) > groups:
        ends = np.linspace(0, len(sums), groups + 1).astype(np.int64)[:-1]
        sums = np.add.reduceat(sums, ends, axis=0)
    if len(sums) < 2:
        return 0.0
    total = sums.sum(axis=0)
    without = metric.from_sums(total - sums)
    return float((len(sums) - 1) * (without.mean() - metric.from_sums(total)))


class CorrectedMetric(AdditiveMetric):
    """A score of counts less its bias.

    ``from_sums`` is the quantity that is corrected, the score itself or its square, as it is counted; ``value`` and
    ``score`` are the score, within its scale. Its items begin with their conversation, for what one conversation
    more or less changes has to be known. The replicates are those of the quantity turned about the corrected one,
    so that their percentiles are the ends of the basic interval (Davison and Hinkley 1997, section 5.2.1): the
    percentiles as they are lie above the truth.
    """

    groups: int | None = None
    """Of :func:`jackknife_bias`; for a formula that takes long."""

    @abstractmethod
    def in_unit(self, quantity: Floats) -> Floats:
        """The score of a quantity as ``from_sums`` has it."""

    @abstractmethod
    def bounded(self, quantity: float) -> float:
        """The nearest quantity that there can be."""

    def score(self, items: Sequence[Any]) -> float:
        """The corrected score; NaN for no items, or where it is undefined without one of the conversations."""
        if not len(items):
            return float("nan")
        return self.value(sums_of(self, items, [item[0] for item in items]))

    def value(self, sums: Floats) -> float:
        """The corrected score of c conversations from the sums (c, d) of each."""
        return float(self.in_unit(np.asarray(self.bounded(self._corrected(sums)))))

    def replicates(self, sums: Floats, resampled: Floats) -> Floats:
        """The resampled quantities turned about the corrected one, in the unit of the score.

        About the score as it is told: turned about a negative one, of a truth of about 0, many an interval would be
        beyond the end of the scale.
        """
        return self.in_unit(self.bounded(self._corrected(sums)) + np.mean(resampled) - resampled)

    @property
    def replicate_scale(self) -> Scale:
        """A turned replicate may lie beyond the ends of the score by as much as it is long."""
        low, high = self.scale
        return Scale(2 * low - high, 2 * high - low)

    def _corrected(self, sums: Floats) -> float:
        bias = jackknife_bias(self, sums, self.groups)
        return float(self.from_sums(sums.sum(axis=0))) - bias

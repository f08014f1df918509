"""Corpus BLEU-2 and BLEU-4, equal to sacrebleu's on the same tokens.

Papineni et al. 2002; sacrebleu's defaults: exponential smoothing, no effective order, case kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats, MetricInfo, Needs, TurnMetric, are_counts
from csc_tasks.metrics.turns import Turns

__all__ = ["Bleu"]


class Bleu(TurnMetric, AdditiveMetric):
    """BLEU up to n-grams of ``order``, of texts as they are written or, with ``norm``, in one spelling.

    The item of a turn is ``[m1, …, mN, t1, …, tN, hypothesis length, reference length]``: clipped
    matches and totals of each order, lengths in tokens.
    """

    def __init__(self, order: int, norm: bool = False) -> None:
        self.order = order
        self.norm = norm
        info = MetricInfo(
            name=f"bleu_{order}",
            title=f"BLEU-{order}",
            needs=Needs.TEXT,
            better=1,
            summary=f"corpus BLEU with n-grams up to {order}, as sacrebleu computes it",
            headline=True,
            tokenized=True,
            implementation="sacrebleu formula, smooth:exp, eff:no, case:mixed",
        )
        self.info = info.normal() if norm else info

    def items(self, turns: Turns) -> list[Any]:
        """Sufficient statistics, 2N + 2 integers a turn."""
        counts = turns.normal_overlaps if self.norm else turns.overlaps
        orders = range(1, self.order + 1)
        columns = [
            *map(counts.ngram_matches, orders),
            *map(counts.ngram_totals, orders),
            counts.hypothesis_lengths,
            counts.reference_lengths,
        ]
        items: list[Any] = np.stack(columns, axis=1).tolist()
        return items

    def accepts(self, item: Any) -> bool:
        """2N + 2 counts."""
        return are_counts(item, 2 * self.order + 2)

    def statistics(self, items: Sequence[Any]) -> Floats:
        """The items as they are, (n, 2N + 2)."""
        return np.asarray(items, dtype=np.float64).reshape(len(items), 2 * self.order + 2)

    def from_sums(self, sums: Floats) -> Floats:
        """BLEU in 0–1 from summed statistics; 0 where nothing matches."""
        n = self.order
        matches, totals = sums[..., :n], sums[..., n : 2 * n]
        hyp_length, ref_length = sums[..., 2 * n], sums[..., 2 * n + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            # The k-th order without a match, of those that exist, gets 1 / (2^k · total).
            missed = (matches == 0) & (totals > 0)
            smoothed = 1.0 / (2.0 ** np.cumsum(missed, axis=-1) * totals)
            precision = np.where(missed, smoothed, matches / totals)
            brevity = np.where(hyp_length < ref_length, np.exp(1.0 - ref_length / hyp_length), 1.0)
            score = brevity * np.exp(np.log(precision).mean(axis=-1))
        # No match at all, or hypotheses too short to have an n-gram of every order: 0.
        zero = (matches.sum(axis=-1) == 0) | (totals == 0).any(axis=-1)
        return np.where(np.isnan(sums).any(axis=-1), np.nan, np.where(zero, 0.0, score))

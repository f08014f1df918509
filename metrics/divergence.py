"""How one-sidedly a model chooses strategies, whatever the number of turns: divergences and spreads less their bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from csc_tasks.metrics.base import Floats, MetricInfo, Needs, Scale, TurnMetric
from csc_tasks.metrics.bradley_terry import bradley_terry
from csc_tasks.metrics.corrected import CorrectedMetric
from csc_tasks.metrics.sequences import is_place, transition_rows
from csc_tasks.metrics.stages import STAGES, STRATEGIES
from csc_tasks.metrics.strategy import are_labels, jensen_shannon, label_columns, one_hot_confusion, shares
from csc_tasks.metrics.turns import UNREADABLE, Turns

__all__ = ["CorrectedPreference", "CorrectedShares", "CorrectedTransitions"]


def _labelled(turns: Turns) -> list[Any]:
    """``[conversation, gold, predicted]`` a turn."""
    gold, predicted = label_columns(turns)
    return [list(row) for row in zip(turns.conversations, gold.tolist(), predicted.tolist(), strict=True)]


def _is_labelled(item: Any) -> bool:
    return (
        isinstance(item, list)
        and len(item) == 3
        and isinstance(item[0], str)
        and are_labels(item[1:2], item[2:])
    )


def _divergence(sums: Floats, kinds: int) -> Floats:
    """Of counts (…, 2·kinds), gold before predicted, in bits; NaN where nothing was predicted."""
    both = sums.reshape(*sums.shape[:-1], 2, kinds)
    gold, predicted = both[..., 0, :], both[..., 1, :]
    value = jensen_shannon(shares(predicted), shares(gold))
    return np.where(predicted.sum(axis=-1) == 0, np.nan, value)


class CorrectedShares(TurnMetric, CorrectedMetric):
    """Jensen-Shannon divergence of the predicted from the gold shares of the strategies, less its bias, in bits.

    Its statistics are counts of the twelve strategies, gold and then predicted.
    """

    info = MetricInfo(
        "strategy_jsd_bc",
        "Share JSD, corrected",
        Needs.STRATEGY,
        -1,
        "Jensen-Shannon divergence (bits) of predicted to gold strategy shares, less its bias; no unreadable labels",
        percent=False,
    )

    def items(self, turns: Turns) -> list[Any]:
        """``[conversation, gold, predicted]`` a turn."""
        return _labelled(turns)

    def accepts(self, item: Any) -> bool:
        """A conversation and two labels."""
        return _is_labelled(item)

    def statistics(self, items: Sequence[Any]) -> Floats:
        """Ones in the columns of the gold and of the predicted strategy, (n, 24)."""
        out = np.zeros((len(items), 2 * STRATEGIES))
        for start, column in ((0, 1), (STRATEGIES, 2)):
            labels = np.array([item[column] for item in items], dtype=np.int64)
            readable = np.flatnonzero(labels != UNREADABLE)
            out[readable, start + labels[readable]] = 1.0
        return out

    def from_sums(self, sums: Floats) -> Floats:
        """The divergence as it is counted."""
        return _divergence(sums, STRATEGIES)

    def in_unit(self, quantity: Floats) -> Floats:
        """The same."""
        return quantity

    def bounded(self, quantity: float) -> float:
        """Within 0 and 1."""
        return float(np.clip(quantity, *self.scale))


class CorrectedTransitions(TurnMetric, CorrectedMetric):
    """Jensen-Shannon divergence of the model's stage transitions from the gold ones, less its bias, in bits.

    Transitions are those of :class:`~csc_tasks.metrics.sequences.StageTransitions`; the statistics are counts of
    the 36 pairs of stages, gold and then predicted, with the later turn of a pair.
    """

    linked = True
    info = MetricInfo(
        "stage_transition_jsd_bc",
        "Transition JSD, corrected",
        Needs.STRATEGY,
        -1,
        "Jensen-Shannon divergence (bits) of predicted to gold stage-to-stage transitions, less its bias",
        percent=False,
    )

    def items(self, turns: Turns) -> list[Any]:
        """``[conversation, position, gold, predicted]`` a turn."""
        gold, predicted = label_columns(turns)
        columns = (turns.conversations, turns.positions.tolist(), gold.tolist(), predicted.tolist())
        return [list(row) for row in zip(*columns, strict=True)]

    def accepts(self, item: Any) -> bool:
        """A conversation, a position and two labels."""
        return is_place(item, 4) and are_labels(item[2:3], item[3:])

    def statistics(self, items: Sequence[Any]) -> Floats:
        """A one in the column of each transition that ends at the turn, (n, 72), in any order of the turns."""
        names = {name: code for code, name in enumerate(dict.fromkeys([item[0] for item in items]))}
        codes = np.array([names[item[0]] for item in items], dtype=np.int64)
        positions, *labels = (np.array([item[k] for item in items], dtype=np.int64) for k in (1, 2, 3))
        out = np.zeros((len(items), 2 * STAGES * STAGES))
        for start, label in zip((0, STAGES * STAGES), labels, strict=True):
            rows, pairs = transition_rows(codes, positions, label)
            out[rows, start + pairs] = 1.0
        return out

    def from_sums(self, sums: Floats) -> Floats:
        """The divergence as it is counted."""
        return _divergence(sums, STAGES * STAGES)

    def in_unit(self, quantity: Floats) -> Floats:
        """The same."""
        return quantity

    def bounded(self, quantity: float) -> float:
        """Within 0 and 1."""
        return float(np.clip(quantity, *self.scale))


class CorrectedPreference(TurnMetric, CorrectedMetric):
    """How unevenly a model prefers strategies over the gold ones: 0 for none, larger for more.

    As :class:`~csc_tasks.metrics.strategy.PreferenceBias` but for its smoothing and its bias. Wins are shares of
    the turns whose label is another than the gold one, and a tenth is added, spread evenly over the ordered pairs: so
    the same shares give the same spread, however many turns they are of. What chance adds to the spread of strengths
    adds to its square, so the square is corrected.
    """

    groups = 128
    info = MetricInfo(
        "preference_bias_bc",
        "Pref. bias, corrected",
        Needs.STRATEGY,
        -1,
        "spread of Bradley-Terry strengths of predicted over gold strategies, a tenth of smoothing, less its bias",
        percent=False,
    )
    scale = Scale(0.0, math.sqrt(STRATEGIES - 1))
    smoothing = 0.1

    def items(self, turns: Turns) -> list[Any]:
        """``[conversation, gold, predicted]`` a turn."""
        return _labelled(turns)

    def accepts(self, item: Any) -> bool:
        """A conversation and two labels."""
        return _is_labelled(item)

    def statistics(self, items: Sequence[Any]) -> Floats:
        """One-hot confusion matrices, (n, 156)."""
        gold, predicted = (np.array([item[k] for item in items], dtype=np.int64) for k in (1, 2))
        return one_hot_confusion(gold, predicted)

    def from_sums(self, sums: Floats) -> Floats:
        """The variance of the strengths; 0 where no readable label is wrong, NaN where none could be read."""
        counts = sums.reshape(*sums.shape[:-1], STRATEGIES, STRATEGIES + 1)[..., :STRATEGIES]
        others = 1 - np.eye(STRATEGIES)
        wins = np.swapaxes(counts, -1, -2) * others
        wrong = wins.sum(axis=(-1, -2), keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            won = np.where(wrong > 0, wins / wrong, 0.0)
        strengths = bradley_terry(won + self.smoothing * others / others.sum())
        nothing = counts.sum(axis=(-1, -2)) == 0
        return np.where(nothing, np.nan, strengths.var(axis=-1))

    def in_unit(self, quantity: Floats) -> Floats:
        """The standard deviation of strengths with this variance."""
        return np.asarray(np.sqrt(np.clip(quantity, 0.0, STRATEGIES - 1)))

    def bounded(self, quantity: float) -> float:
        """Within 0 and 11."""
        return float(np.clip(quantity, 0.0, STRATEGIES - 1))

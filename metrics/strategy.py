"""How well, and how one-sidedly, a model chooses strategies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.base import AdditiveMetric, Floats, MeanMetric, MetricInfo, Needs, Scale, TurnMetric
from csc_tasks.metrics.bradley_terry import newman
from csc_tasks.metrics.stages import STAGE_OF, STRATEGIES
from csc_tasks.metrics.turns import UNREADABLE, Turns

__all__ = [
    "F1",
    "ClassScores",
    "JensenShannon",
    "PreferenceBias",
    "StageAccuracy",
    "StrategyAccuracy",
    "StrategyInvalid",
    "TopK",
    "class_scores",
    "confusion",
]

_STAGES = np.array(STAGE_OF)


def label_columns(turns: Turns) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Gold and predicted strategies of n turns, each (n,)."""
    assert turns.gold is not None
    assert turns.predicted is not None
    return turns.gold, turns.predicted


def one_hot_confusion(gold: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> Floats:
    """The confusion matrix of each turn alone, (n, 156): a one in its gold row and predicted column, of 13."""
    columns = STRATEGIES + 1
    out = np.zeros((len(gold), STRATEGIES * columns))
    column = np.where(predicted == UNREADABLE, STRATEGIES, predicted)
    out[np.arange(len(gold)), gold * columns + column] = 1.0
    return out


def are_labels(gold: Sequence[object], predicted: Sequence[object]) -> bool:
    """Whether these are numbers of strategies, the predicted ones perhaps of what could not be read."""
    return all(type(label) is int and 0 <= label < STRATEGIES for label in gold) and all(
        type(label) is int and (label == UNREADABLE or 0 <= label < STRATEGIES) for label in predicted
    )


def stage_of(strategies: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Stage 0–4 (5 for 其它) of strategy indices; an unreadable strategy stays unreadable."""
    return np.where(strategies == UNREADABLE, UNREADABLE, _STAGES[strategies])


def confusion(
    gold: Sequence[int] | npt.NDArray[np.int64], predicted: Sequence[int] | npt.NDArray[np.int64]
) -> Floats:
    """Counts (12, 13): rows gold, columns predicted, the last column for unreadable labels."""
    gold, predicted = np.asarray(gold, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    column = np.where(predicted == UNREADABLE, STRATEGIES, predicted)
    flat = np.bincount(gold * (STRATEGIES + 1) + column, minlength=STRATEGIES * (STRATEGIES + 1))
    return flat.reshape(STRATEGIES, STRATEGIES + 1).astype(np.float64)


class ClassScores(NamedTuple):
    """Per-strategy figures, each (12,): fractions 0–1, NaN for precision where never predicted
    and for recall where never gold; ``support`` counts gold turns, ``predicted`` predictions."""

    precision: Floats
    recall: Floats
    f1: Floats
    support: Floats
    predicted: Floats


def class_scores(counts: Floats) -> ClassScores:
    """Precision, recall and F1 of each strategy from a confusion matrix (…, 12, 13)."""
    hits = np.diagonal(counts[..., :STRATEGIES], axis1=-2, axis2=-1)
    support, predicted = counts.sum(axis=-1), counts[..., :STRATEGIES].sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(support + predicted > 0, 2 * hits / (support + predicted), np.nan)
        return ClassScores(hits / predicted, hits / support, f1, support, predicted)


class StrategyAccuracy(TurnMetric, MeanMetric):
    """Share of turns whose predicted strategy is the gold one."""

    yes_no = True
    info = MetricInfo(
        "strategy_acc",
        "Strategy acc.",
        Needs.STRATEGY,
        1,
        "share of turns with the gold strategy; unreadable is wrong",
        headline=True,
    )

    def items(self, turns: Turns) -> list[Any]:
        """1.0 or 0.0 a turn."""
        gold, predicted = label_columns(turns)
        return list((gold == predicted).astype(float).tolist())


class StageAccuracy(TurnMetric, MeanMetric):
    """Share of turns whose predicted strategy belongs to the gold strategy's stage."""

    yes_no = True
    info = MetricInfo(
        "stage_acc",
        "Stage acc.",
        Needs.STRATEGY,
        1,
        "share of turns in the gold stage; 其它 is a stage of its own",
    )

    def items(self, turns: Turns) -> list[Any]:
        """1.0 or 0.0 a turn."""
        gold, predicted = label_columns(turns)
        return list((stage_of(gold) == stage_of(predicted)).astype(float).tolist())


class StrategyInvalid(TurnMetric, MeanMetric):
    """Share of turns without a readable strategy."""

    yes_no = True
    info = MetricInfo(
        "strategy_invalid",
        "Unreadable",
        Needs.STRATEGY,
        -1,
        "share of replies that name none of the twelve strategies",
        headline=True,
    )

    def items(self, turns: Turns) -> list[Any]:
        """1.0 or 0.0 a turn."""
        return list((label_columns(turns)[1] == UNREADABLE).astype(float).tolist())


class F1(TurnMetric, AdditiveMetric):
    """Macro- or weighted F1 over the strategies.

    The mean runs over the strategies that are gold or predicted at least once, as in scikit-learn;
    weights are gold counts. An unreadable label is a false negative of the gold strategy and a false
    positive of none. The item of a turn is ``[gold, predicted]``.
    """

    def __init__(self, average: str) -> None:
        self.average = average
        self.info = MetricInfo(
            f"strategy_f1_{average}",
            f"Strategy F1 ({average})",
            Needs.STRATEGY,
            1,
            f"{average}-averaged F1 over the strategies, as in scikit-learn",
            headline=average == "macro",
        )

    def items(self, turns: Turns) -> list[Any]:
        """``[gold, predicted]`` a turn."""
        items: list[Any] = np.stack(label_columns(turns), axis=1).tolist()
        return items

    def accepts(self, item: Any) -> bool:
        """A gold and a predicted label."""
        return isinstance(item, list) and len(item) == 2 and are_labels(item[:1], item[1:])

    def statistics(self, items: Sequence[Any]) -> Floats:
        """One-hot confusion matrices, (n, 156)."""
        pairs = np.asarray(items, dtype=np.int64).reshape(len(items), 2)
        return one_hot_confusion(pairs[:, 0], pairs[:, 1])

    def from_sums(self, sums: Floats) -> Floats:
        """F1 in 0–1 from summed confusion matrices (…, 156)."""
        counts = sums.reshape(*sums.shape[:-1], STRATEGIES, STRATEGIES + 1)
        scores = class_scores(counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.average == "macro":
                present = ~np.isnan(scores.f1)
                return np.asarray(np.nansum(scores.f1, axis=-1) / present.sum(axis=-1))
            return np.asarray(np.nansum(scores.f1 * scores.support, axis=-1) / scores.support.sum(axis=-1))


class TopK(TurnMetric, MeanMetric):
    """Share of turns whose gold strategy is among the k that the model ranks highest."""

    yes_no = True

    def __init__(self, k: int) -> None:
        self.k = k
        self.info = MetricInfo(
            f"strategy_top{k}",
            f"Top-{k} acc.",
            Needs.RANKS,
            1,
            f"share of turns with the gold strategy among the top {k}",
            headline=True,
        )

    def items(self, turns: Turns) -> list[Any]:
        """1.0 or 0.0 a turn."""
        assert turns.ranks is not None
        return list((turns.ranks <= self.k).astype(float).tolist())


class PreferenceBias(TurnMetric, AdditiveMetric):
    """How unevenly a model prefers strategies over the gold ones: 0 for none, larger for more.

    Kang et al. 2024 ("Can Large Language Models be Good Emotional Supporter?"): the number of turns on
    which strategy i is predicted while j is gold counts as wins of i over j; a Bradley-Terry model gives
    each strategy a strength p_i, scaled to mean 1, and the bias is the population standard deviation
    of p. With twelve strategies it is at most sqrt(11) ≈ 3.3. Half a win is added to every ordered pair,
    so that the figure exists when a strategy is never gold or never predicted; it weighs the less the more turns
    there are, so figures of two sets of turns do not compare (``preference_bias_bc``).
    """

    info = MetricInfo(
        "preference_bias",
        "Pref. bias",
        Needs.STRATEGY,
        -1,
        "spread of Bradley-Terry strengths of predicted over gold strategies, half a win of smoothing",
        percent=False,
        until=1,
    )
    scale = Scale(0.0, math.sqrt(STRATEGIES - 1))
    smoothing = 0.5

    items = F1.items
    accepts = F1.accepts
    statistics = F1.statistics

    def from_sums(self, sums: Floats) -> Floats:
        """Bias from summed confusion matrices (…, 156); NaN where no label could be read."""
        counts = sums.reshape(*sums.shape[:-1], STRATEGIES, STRATEGIES + 1)[..., :STRATEGIES]
        wins = np.swapaxes(counts, -1, -2) + self.smoothing
        wins = wins * (1 - np.eye(STRATEGIES))
        # As benchmark 1 has it, to the last digit.
        strengths = newman(wins)
        nothing = counts.sum(axis=(-1, -2)) == 0
        return np.where(nothing, np.nan, strengths.std(axis=-1))


def jensen_shannon(p: Floats, q: Floats) -> Floats:
    """Jensen-Shannon divergence (…,) in bits, 0–1, of distributions (…, k)."""

    def kl(a: Floats, m: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(a > 0, a * np.log2(a / m), 0.0).sum(axis=-1))

    middle = (p + q) / 2
    return np.asarray((kl(p, middle) + kl(q, middle)) / 2)


def shares(counts: Floats) -> Floats:
    """Counts (…, k) as shares that add up to 1; NaN of nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


class JensenShannon(TurnMetric, AdditiveMetric):
    """Jensen-Shannon divergence of the predicted from the gold shares of the strategies, in bits."""

    info = MetricInfo(
        "strategy_jsd",
        "Share JSD",
        Needs.STRATEGY,
        -1,
        "Jensen-Shannon divergence (bits) of predicted to gold strategy shares; unreadable labels left out",
        percent=False,
        until=1,
    )

    items = F1.items
    accepts = F1.accepts
    statistics = F1.statistics

    def from_sums(self, sums: Floats) -> Floats:
        """Divergence in 0–1; NaN where no label could be read."""
        counts = sums.reshape(*sums.shape[:-1], STRATEGIES, STRATEGIES + 1)
        predicted = counts[..., :STRATEGIES].sum(axis=-2)
        value = jensen_shannon(shares(predicted), shares(counts.sum(axis=-1)))
        return np.where(predicted.sum(axis=-1) == 0, np.nan, value)

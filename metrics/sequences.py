"""How a model's strategies follow one another in a conversation: runs of one strategy, moves between stages."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.base import MOST, Floats, Fold, MetricInfo, Needs, Scale, SetMetric, TurnMetric
from csc_tasks.metrics.stages import STAGE_OF, STAGES
from csc_tasks.metrics.strategy import are_labels, jensen_shannon, label_columns, shares, stage_of
from csc_tasks.metrics.turns import UNREADABLE, Turns

__all__ = ["LongestRun", "StageTransitions", "is_place", "transition_rows"]


def transition_rows(
    conversations: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    strategies: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The transitions between stages at neighbouring turns of a conversation, the one place that says which they are.

    A pair of which a turn was not evaluated (``--limit``, ``--samples``) or has an unreadable label is none.

    Args:
        conversations: (n,) numbers of conversations, in any order.
        positions: (n,) positions of the turns in them.
        strategies: (n,) their labels.

    Returns:
        Of each transition the row of its later turn, and 6 times the earlier stage plus the later one.
    """
    order = np.lexsort((positions, conversations))
    owners, places, labels = conversations[order], positions[order], strategies[order]
    stages = stage_of(labels)
    follows = (owners[1:] == owners[:-1]) & (places[1:] == places[:-1] + 1)
    readable = labels != UNREADABLE
    ends = 1 + np.flatnonzero(follows & readable[1:] & readable[:-1])
    return order[ends], stages[ends - 1] * STAGES + stages[ends]


class _Conversations(Fold):
    """Items ``[conversation, position, …]``, all numbers, by conversation."""

    def __init__(self, width: int, formula: Callable[[Iterator[list[list[int]]]], float]) -> None:
        self.width = width
        self.formula = formula
        self.rows: dict[str, array[int]] = {}

    def add(self, items: Sequence[Any]) -> None:
        for conversation, *numbers in items:
            self.rows.setdefault(conversation, array("h")).extend(numbers)

    def score(self) -> float:
        return self.formula(self.groups())

    def groups(self) -> Iterator[list[list[int]]]:
        """The numbers of each conversation's items, sorted by position."""
        for row in self.rows.values():
            yield sorted(list(row[k : k + self.width]) for k in range(0, len(row), self.width))


class LongestRun(TurnMetric, SetMetric):
    """Longest run of one predicted strategy in a conversation, mean over conversations.

    The upstream rules allow two in a row; a model stuck on one strategy shows here. Unreadable labels
    break a run. The item of a turn is ``[conversation, position, predicted]``.
    """

    info = MetricInfo(
        "strategy_longest_run",
        "Longest run",
        Needs.STRATEGY,
        0,
        "turns in the longest run of one predicted strategy, mean over conversations",
        percent=False,
    )
    scale = Scale(0.0, MOST)

    def items(self, turns: Turns) -> list[Any]:
        """``[conversation, position, predicted]`` a turn."""
        predicted = label_columns(turns)[1].tolist()
        return [
            list(row) for row in zip(turns.conversations, turns.positions.tolist(), predicted, strict=True)
        ]

    def accepts(self, item: Any) -> bool:
        """A conversation, a position and a label."""
        return is_place(item, 3) and are_labels((), item[2:])

    def fold(self) -> Fold:
        """Positions and predictions by conversation."""
        return _Conversations(2, _mean_longest_run)


def is_place(item: Any, width: int) -> bool:
    """Whether an item is a conversation, a position in it, and so many values in all."""
    return (
        isinstance(item, list)
        and len(item) == width
        and isinstance(item[0], str)
        and type(item[1]) is int
        and 0 <= item[1] < MOST
    )


def _mean_longest_run(conversations: Iterator[list[list[int]]]) -> float:
    longest = []
    for group in conversations:
        best = run = 0
        last: object = None
        for _, predicted in group:
            run = 0 if predicted == UNREADABLE else run + 1 if predicted == last else 1
            last = predicted
            best = max(best, run)
        longest.append(best)
    return float(np.mean(longest)) if longest else float("nan")


class StageTransitions(TurnMetric, SetMetric):
    """Jensen-Shannon divergence of the model's stage transitions from the gold ones, in bits.

    A transition is a pair of stages at neighbouring turns of a conversation; pairs with an unreadable
    label are left out. The item of a turn is ``[conversation, position, gold, predicted]``.
    """

    info = MetricInfo(
        "stage_transition_jsd",
        "Transition JSD",
        Needs.STRATEGY,
        -1,
        "Jensen-Shannon divergence (bits) of predicted to gold stage-to-stage transitions",
        percent=False,
        until=1,
    )

    def items(self, turns: Turns) -> list[Any]:
        """``[conversation, position, gold, predicted]`` a turn."""
        gold, predicted = label_columns(turns)
        columns = (turns.conversations, turns.positions.tolist(), gold.tolist(), predicted.tolist())
        return [list(row) for row in zip(*columns, strict=True)]

    def accepts(self, item: Any) -> bool:
        """A conversation, a position and two labels."""
        return is_place(item, 4) and are_labels(item[2:3], item[3:])

    def fold(self) -> Fold:
        """Positions, gold and predicted strategies by conversation."""
        return _Conversations(3, _transition_divergence)


def _transition_divergence(conversations: Iterator[list[list[int]]]) -> float:
    """Divergence in 0–1; NaN where there is no readable transition."""
    gold, predicted = _count(conversations)
    if not gold.sum() or not predicted.sum():
        return float("nan")
    return float(jensen_shannon(shares(predicted.ravel()), shares(gold.ravel())))


def _count(conversations: Iterator[list[list[int]]]) -> tuple[Floats, Floats]:
    """Stage-to-stage counts (6, 6), gold and predicted: rows are the earlier turn's stage."""
    gold, predicted = np.zeros((STAGES, STAGES)), np.zeros((STAGES, STAGES))
    for group in conversations:
        for before, after in itertools.pairwise(group):
            if after[0] != before[0] + 1:  # turns between them were not evaluated (--limit, --samples)
                continue
            gold[STAGE_OF[before[1]], STAGE_OF[after[1]]] += 1
            if UNREADABLE not in (before[2], after[2]):
                predicted[STAGE_OF[before[2]], STAGE_OF[after[2]]] += 1
    return gold, predicted

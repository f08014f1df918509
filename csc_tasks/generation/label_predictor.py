"""The strongest guess of a strategy that reads no word: from the labels so far and the position alone.

Support follows a plan: who knows that the last two turns restated the problem and analysed it guesses what
comes next better than one who sees the texts and not the labels. A model that reads the conversation has to do
better than this, or it has not shown that it reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from csc_tasks.framework import Strategy
from csc_tasks.metrics.base import Floats
from csc_tasks.protocol.turns import TurnDoc, gold_strategy

__all__ = ["LabelHistory", "LabelPredictor"]

_LAST = 2
"""How many of the last labels are looked at one by one. With a third the guess got worse on csconv_mini."""
_UNKNOWN = len(Strategy)
"""The category of a label that could not be read, or that the data do not have."""
_NONE = _UNKNOWN + 1
"""In the place of a last label: there were not so many turns."""
_KINDS = _NONE + 1
_WIDTH = _LAST * _KINDS + _NONE + 2
_ITERATIONS = 2000


class LabelHistory(NamedTuple):
    """All that is read of what comes before a turn.

    ``labels`` are the supporter's so far, ``None`` where one could not be read; ``spoke`` says whether the customer
    said anything since the supporter's last turn. How long the conversation will be is not known at that turn.
    """

    labels: tuple[Strategy | None, ...]
    spoke: bool


class LabelPredictor:
    """Multinomial logistic regression (L2, C = 1, lbfgs) of the next label.

    It reads the last two labels (one-hot, the unreadable and the absent as kinds of their own), how often each label
    was used so far, the turn's number, and whether the customer spoke since the turn before. There is nothing random
    in it: the same training turns give the same probabilities in every process.

    Args:
        training: labelled turns, each conversation's in order. All of RoleCS (137,405 turns) take ten seconds.
    """

    def __init__(self, training: Sequence[TurnDoc]) -> None:
        histories, golds = zip(*_training_histories(training), strict=True)
        self._classes = np.unique(golds)
        self._model: Any = None
        if len(self._classes) > 1:  # of one class there is nothing to be learnt
            from sklearn.linear_model import LogisticRegression

            self._model = LogisticRegression(max_iter=_ITERATIONS).fit(_features(histories), golds)

    def probabilities(self, histories: Sequence[LabelHistory]) -> Floats:
        """The probability of each of the twelve strategies, (n, 12); 0 of those that training does not have."""
        found = np.zeros((len(histories), len(Strategy)))
        if len(histories):
            found[:, self._classes] = self._model.predict_proba(_features(histories)) if self._model else 1.0
        return found


def _training_histories(turns: Sequence[TurnDoc]) -> Iterator[tuple[LabelHistory, int]]:
    """What came before each turn, and its label's index."""
    labels: list[Strategy | None] = []
    for turn in turns:
        if turn["turn"] == 0:
            labels = []
        gold = cast(Strategy, gold_strategy(turn))
        yield LabelHistory(tuple(labels), bool(turn["customers"])), gold.index
        labels.append(gold)


def _features(histories: Sequence[LabelHistory]) -> Any:
    """A sparse matrix (n, 43); in it are a dozen numbers a turn, all of the order of 1."""
    from scipy.sparse import csr_array

    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for labels, spoke in histories:
        codes = [_UNKNOWN if label is None else label.index for label in labels]
        for place in range(_LAST):
            columns.append(place * _KINDS + (codes[-1 - place] if place < len(codes) else _NONE))
            values.append(1.0)
        for code in sorted(set(codes)):
            columns.append(_LAST * _KINDS + code)
            values.append(float(codes.count(code)))
        columns += [_WIDTH - 2, _WIDTH - 1]
        values += [len(codes) / 10, float(spoke)]
        ends.append(len(columns))
    return csr_array((values, columns, ends), shape=(len(histories), _WIDTH))

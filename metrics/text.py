"""Plain properties of the replies: variety, length, and whether there is one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.base import (
    MOST,
    AdditiveMetric,
    Floats,
    Fold,
    MeanMetric,
    MetricInfo,
    Needs,
    Scale,
    SetMetric,
    TurnMetric,
    are_counts,
)
from csc_tasks.metrics.tokenizers import DEFAULT_TOKENIZER, tokens_of
from csc_tasks.metrics.turns import Turns

__all__ = ["Distinct", "Failed", "LengthRatio", "NoAnswer", "NoText", "Truncated"]


class Distinct(TurnMetric, SetMetric):
    """Distinct-n (Li et al. 2016): different n-grams over all n-grams of all replies.

    It falls as the number of replies grows, so it compares only runs over the same turns. The item of
    a turn is its reply: n-grams of different replies cannot be summed, only united.
    """

    def __init__(self, order: int, tokenizer: str = DEFAULT_TOKENIZER) -> None:
        self.order = order
        self.tokenizer = tokenizer
        self.info = MetricInfo(
            f"distinct_{order}",
            f"Distinct-{order}",
            Needs.TEXT,
            1,
            f"different {order}-grams over all {order}-grams of all replies",
            headline=order == 2,
            tokenized=True,
        )

    def items(self, turns: Turns) -> list[Any]:
        """The reply of each turn."""
        assert turns.hypotheses is not None
        return list(turns.hypotheses)

    def accepts(self, item: Any) -> bool:
        """A text."""
        return isinstance(item, str)

    def fold(self) -> Fold:
        """The n-grams seen."""
        return _NGrams(self.order, self.tokenizer)


class _NGrams(Fold):
    def __init__(self, order: int, tokenizer: str) -> None:
        self.order = order
        self.tokenizer = tokenizer
        self.seen: set[Any] = set()
        self.total = 0

    def add(self, items: Sequence[Any]) -> None:
        for reply in items:
            tokens = tokens_of(self.tokenizer, reply)
            if self.order == 1:
                self.seen.update(tokens)
            elif self.order == 2:
                self.seen.update(pairwise(tokens))
            else:
                self.seen.update(zip(*(tokens[k:] for k in range(self.order)), strict=False))
            self.total += max(len(tokens) - self.order + 1, 0)

    def score(self) -> float:
        """A fraction 0–1; NaN where no reply has an n-gram."""
        return len(self.seen) / self.total if self.total else float("nan")


class LengthRatio(TurnMetric, AdditiveMetric):
    """Tokens in all replies over tokens in all references; 1 is the gold supporter's length."""

    info = MetricInfo(
        "length_ratio",
        "Length ratio",
        Needs.TEXT,
        0,
        "tokens in replies over tokens in references",
        percent=False,
        headline=True,
        tokenized=True,
    )

    scale = Scale(0.0, MOST)

    def items(self, turns: Turns) -> list[Any]:
        """``[reply length, reference length]`` in tokens."""
        pairs = turns.pairs
        items: list[Any] = np.stack([pairs.hypotheses.lengths, pairs.references.lengths], axis=1).tolist()
        return items

    def accepts(self, item: Any) -> bool:
        """Two lengths."""
        return are_counts(item, 2)

    def statistics(self, items: Sequence[Any]) -> Floats:
        """The items as they are, (n, 2)."""
        return np.asarray(items, dtype=np.float64).reshape(len(items), 2)

    def from_sums(self, sums: Floats) -> Floats:
        """The ratio, 0 or more; NaN where the references are empty."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., 0] / sums[..., 1])


class _ShareOfTurns(TurnMetric, MeanMetric):
    """The share of turns of which something holds; the item of a turn is 1.0 or 0.0."""

    yes_no = True

    def holds(self, turns: Turns) -> npt.NDArray[np.bool_]:
        """Whether it does, (n,)."""
        raise NotImplementedError

    def items(self, turns: Turns) -> list[Any]:
        """1.0 or 0.0 a turn."""
        return list(self.holds(turns).astype(float).tolist())


class NoAnswer(_ShareOfTurns):
    """Share of turns on which the model said nothing: empty, or thinking that never ended."""

    info = MetricInfo(
        "no_answer",
        "No answer",
        Needs.ANSWERS,
        -1,
        "share of replies that are empty or end inside their thinking",
    )

    def holds(self, turns: Turns) -> npt.NDArray[np.bool_]:
        """Nothing was said, and nothing failed."""
        assert turns.answered is not None
        return ~turns.answered if turns.failed is None else ~turns.answered & ~turns.failed


class Failed(_ShareOfTurns):
    """Share of turns for which the backend has an error in the place of an answer; nothing that the model did."""

    info = MetricInfo(
        "failed",
        "Failed",
        Needs.BACKEND,
        -1,
        "share of replies in whose place the backend has an error",
    )

    def holds(self, turns: Turns) -> npt.NDArray[np.bool_]:
        """It failed; of none is that known where nobody looked."""
        return np.zeros(len(turns), dtype=bool) if turns.failed is None else turns.failed


class NoText(_ShareOfTurns):
    """Share of turns on which the model said something, a strategy say, and no utterance."""

    info = MetricInfo(
        "no_text",
        "No text",
        Needs.TEXT,
        -1,
        "share of replies that have something, a strategy say, but no utterance",
    )

    def holds(self, turns: Turns) -> npt.NDArray[np.bool_]:
        """There is no text, though something was said."""
        assert turns.hypotheses is not None
        empty = np.array([not text for text in turns.hypotheses], dtype=bool)
        return empty if turns.answered is None else empty & turns.answered


class Truncated(_ShareOfTurns):
    """Share of turns whose oldest history was left out to fit the model's window, where it is known."""

    info = MetricInfo(
        "truncated",
        "Truncated",
        Needs.DIALOGUE,
        -1,
        "share of turns whose history was cut to fit the model's window",
    )

    def holds(self, turns: Turns) -> npt.NDArray[np.bool_]:
        """Its history was cut."""
        assert turns.truncated is not None
        return turns.truncated

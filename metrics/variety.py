"""How much of what the replies say is said only once: distinct-n, and the same adjusted for their length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from csc_tasks.metrics.base import MOST, Fold, MetricInfo, Needs, Scale, SetMetric, TurnMetric
from csc_tasks.metrics.encoding import Ints, Vocabulary, distinct_ngrams
from csc_tasks.metrics.tokenizers import DEFAULT_TOKENIZER, NORM
from csc_tasks.metrics.turns import Turns

__all__ = ["AdjustedDistinct", "Distinct"]


class Distinct(TurnMetric, SetMetric):
    """Distinct-n (Li et al. 2016), n of 1 or 2: different n-grams over all n-grams of all replies.

    It falls as replies grow in number or length. The item of a turn is its reply: n-grams of different replies
    cannot be summed, only united.
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
        return _DistinctFold(self.order, self.tokenizer)


class AdjustedDistinct(TurnMetric, SetMetric):
    """Expectation-adjusted distinct (EAD, Liu et al. 2022) of pairs of tokens under ``zh-norm``.

    N different ones of C in all replies, over how many there would be if each were drawn from V equally likely ones:
    N / (V (1 − ((V − 1) / V)^C)). V is the same for all models: :data:`OF_REFERENCES` times the different pairs in
    the references of the same turns. The paper leaves V to the user, as long as it is not one model's. Pairs of
    tokens are drawn far from equally, so that a V too small rewards long replies and one too large short ones, as
    distinct-2 does. This one does neither much, in 400 turns as in 25,810 (figures in docs/metrics.md); no fixed
    number does so in both.

    The item of a turn is its reply and its reference in normal form.
    """

    OF_REFERENCES = 2

    info = MetricInfo(
        "ead_2",
        "EAD-2",
        Needs.TEXT,
        1,
        "different 2-grams of all replies over how many the references lead to expect at their length (zh-norm)",
        headline=True,
        tokenized=True,
        implementation=f"Liu et al. 2022, V = {OF_REFERENCES} x the references' different 2-grams",
        tokens=NORM,
        instead_of="distinct_2",
    )
    scale = Scale(0.0, MOST)

    def items(self, turns: Turns) -> list[Any]:
        """``[reply, reference]`` in normal form."""
        return list(map(list, zip(turns.normal_hypotheses, turns.normal_references, strict=True)))

    def accepts(self, item: Any) -> bool:
        """Two texts."""
        return isinstance(item, list) and len(item) == 2 and all(isinstance(text, str) for text in item)

    def fold(self) -> Fold:
        """The pairs of tokens seen on both sides."""
        return _AdjustedFold()


class _Seen:
    """The different n-grams of texts, and how many there were."""

    def __init__(self, order: int, tokenizer: str, vocabulary: Vocabulary) -> None:
        self.order = order
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary
        self.total = 0
        self._seen = np.zeros(0, dtype=np.int64)
        self._new: list[Ints] = []

    def add(self, texts: Sequence[str]) -> None:
        encoded = self.vocabulary.encode(texts, self.tokenizer)
        self.total += int(np.maximum(encoded.lengths - self.order + 1, 0).sum())
        self._new.append(distinct_ngrams(encoded, self.order))
        if sum(map(len, self._new)) > len(self._seen):
            self._unite()

    def _unite(self) -> None:
        first = not len(self._seen) and len(self._new) == 1
        self._seen = self._new[0] if first else np.unique(np.concatenate([self._seen, *self._new]))
        self._new = []

    @property
    def different(self) -> int:
        if self._new:
            self._unite()
        return len(self._seen)


class _DistinctFold(Fold):
    def __init__(self, order: int, tokenizer: str) -> None:
        self.seen = _Seen(order, tokenizer, Vocabulary())

    def add(self, items: Sequence[Any]) -> None:
        self.seen.add(items)

    def score(self) -> float:
        """A fraction 0–1; NaN where no reply has an n-gram."""
        return self.seen.different / self.seen.total if self.seen.total else float("nan")


class _AdjustedFold(Fold):
    def __init__(self) -> None:
        vocabulary = Vocabulary()
        self.replies, self.references = (_Seen(2, NORM, vocabulary) for _ in range(2))

    def add(self, items: Sequence[Any]) -> None:
        self.replies.add([reply for reply, _ in items])
        self.references.add([reference for _, reference in items])

    def score(self) -> float:
        """0 or more; NaN where no reply, or no reference, has two tokens."""
        size = AdjustedDistinct.OF_REFERENCES * self.references.different
        if not size or not self.replies.total:
            return float("nan")
        expected = -size * math.expm1(self.replies.total * math.log1p(-1 / size))
        return self.replies.different / expected

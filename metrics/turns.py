"""The columns that metrics are computed from: one row a turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.encoding import EncodedPairs
from csc_tasks.metrics.tokenizers import DEFAULT_TOKENIZER

__all__ = ["UNREADABLE", "Turns"]

UNREADABLE = -1
"""The predicted strategy where the model's label could not be read: wrong everywhere, right nowhere."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Turns:
    """n turns as columns.

    ``conversations`` and ``positions`` say where each turn stands; ``gold`` and ``predicted`` are
    strategy indices 0–11 (``predicted`` may be :data:`UNREADABLE`); ``hypotheses`` and ``references``
    are texts; ``ranks`` is the rank (1 = best) of the gold strategy among the twelve, where the model
    ranked them; ``answered`` says whether the model said anything, ``failed`` whether an error stands in the
    place of what it would have said; ``totals`` is the number of supporter turns of the turn's conversation;
    ``truncated`` says whether the history was cut to fit the model's window. Columns that a task does not have
    are ``None``.
    """

    conversations: Sequence[str]
    positions: Ints
    gold: Ints | None = None
    predicted: Ints | None = None
    hypotheses: Sequence[str] | None = None
    references: Sequence[str] | None = None
    answered: npt.NDArray[np.bool_] | None = None
    failed: npt.NDArray[np.bool_] | None = None
    ranks: Ints | None = None
    totals: Ints | None = None
    truncated: npt.NDArray[np.bool_] | None = None
    tokenizer: str = DEFAULT_TOKENIZER

    def __len__(self) -> int:
        return len(self.conversations)

    @cached_property
    def pairs(self) -> EncodedPairs:
        """Hypotheses and references as token numbers, tokenised once for all metrics."""
        assert self.hypotheses is not None
        assert self.references is not None
        return EncodedPairs.of(self.hypotheses, self.references, self.tokenizer)

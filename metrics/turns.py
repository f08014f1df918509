"""The columns that metrics are computed from: one row a turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.orthography import normal_forms
from csc_tasks.metrics.overlap import Overlaps
from csc_tasks.metrics.tokenizers import DEFAULT_TOKENIZER, NORM

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
    def overlaps(self) -> Overlaps:
        """What hypotheses and references have in common under the run's tokenizer, counted once for all metrics."""
        return Overlaps.of(self._texts(self.hypotheses), self._texts(self.references), self.tokenizer)

    @cached_property
    def normal_hypotheses(self) -> list[str]:
        """The hypotheses in their normal form."""
        return normal_forms(self._texts(self.hypotheses))

    @cached_property
    def normal_references(self) -> list[str]:
        """The references in their normal form."""
        return normal_forms(self._texts(self.references))

    @cached_property
    def normal_overlaps(self) -> Overlaps:
        """The same as :attr:`overlaps` under ``zh-norm``; of turns on which the two agree nothing is counted twice."""
        hypotheses, references = self.normal_hypotheses, self.normal_references
        if self.tokenizer != DEFAULT_TOKENIZER:
            return Overlaps.of(hypotheses, references, NORM)
        written = zip(self._texts(self.hypotheses), self._texts(self.references), strict=True)
        normal = zip(hypotheses, references, strict=True)
        # Where nothing is spelled otherwise and nothing stands in brackets, zh-norm is zh.
        other = [a != b or "[" in b[0] or "[" in b[1] for a, b in zip(written, normal, strict=True)]
        return self.overlaps.but_for(np.flatnonzero(other), hypotheses, references, NORM)

    @staticmethod
    def _texts(column: Sequence[str] | None) -> Sequence[str]:
        assert column is not None
        return column

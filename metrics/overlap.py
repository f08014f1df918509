"""What replies and references have in common, counted once and shared by BLEU, ROUGE-L and length."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import LCSseq

from csc_tasks.metrics.encoding import EncodedPairs, EncodedTexts

__all__ = ["Overlaps"]

Ints = npt.NDArray[np.int64]

ORDERS = 4
"""Tokens of the longest n-grams that any metric counts."""


class Overlaps:
    """Counts over n pairs of texts, each made when it is first asked for.

    Args:
        pairs: the texts that are counted in.
        rows: which of the n pairs they are; all others are as in ``base``.
        base: the same pairs, in other tokens.
    """

    def __init__(self, pairs: EncodedPairs, rows: Ints | None = None, base: Overlaps | None = None) -> None:
        self._pairs = pairs
        self._rows = rows
        self._base = base

    @classmethod
    def of(cls, hypotheses: Sequence[str], references: Sequence[str], tokenizer: str) -> Overlaps:
        """Of n hypotheses and references, under ``zh-norm`` in normal form."""
        return cls(EncodedPairs.of(hypotheses, references, tokenizer))

    def but_for(
        self, rows: Ints, hypotheses: Sequence[str], references: Sequence[str], tokenizer: str
    ) -> Overlaps:
        """The same with some rows counted in other texts and tokens."""
        some = rows.tolist()
        pairs = EncodedPairs.of([hypotheses[i] for i in some], [references[i] for i in some], tokenizer)
        return Overlaps(pairs, rows, self)

    @cached_property
    def hypothesis_lengths(self) -> Ints:
        """Tokens in each hypothesis, (n,)."""
        return self._with(self._pairs.hypotheses.lengths, lambda base: base.hypothesis_lengths)

    @cached_property
    def reference_lengths(self) -> Ints:
        """Tokens in each reference, (n,)."""
        return self._with(self._pairs.references.lengths, lambda base: base.reference_lengths)

    @cached_property
    def common_subsequences(self) -> Ints:
        """The length of each pair's longest common subsequence of tokens, (n,)."""
        found = map(LCSseq.similarity, *map(_as_characters, (self._pairs.hypotheses, self._pairs.references)))
        counts = np.fromiter(found, dtype=np.int64, count=len(self._pairs))
        return self._with(counts, lambda base: base.common_subsequences)

    @cached_property
    def _matches(self) -> Ints:
        """Clipped matches of the n-grams of one to :data:`ORDERS` tokens, (ORDERS, n)."""
        counts = self._pairs.ngram_matches(ORDERS)
        return self._with(counts, lambda base: base._matches)

    def ngram_matches(self, order: int) -> Ints:
        """Clipped matches of the n-grams of ``order``, (n,)."""
        matches: Ints = self._matches[order - 1]
        return matches

    def ngram_totals(self, order: int) -> Ints:
        """How many n-grams of ``order`` the hypotheses have, (n,)."""
        return np.maximum(self.hypothesis_lengths - order + 1, 0)

    def _with(self, own: Ints, of: Callable[[Overlaps], Ints]) -> Ints:
        """Counts of all n pairs: ``own`` of the rows counted here, the others ``of`` the base."""
        if self._base is None or self._rows is None:
            return own
        counts = of(self._base).copy()
        counts[..., self._rows] = own
        return counts


def _as_characters(encoded: EncodedTexts) -> list[str]:
    """Each token as one character: rapidfuzz is fastest on strings."""
    # Token numbers stay far below 0x110000, the number of code points.
    everything = encoded.tokens.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    return [everything[a:b] for a, b in itertools.pairwise(encoded.starts.tolist())]

"""Texts as arrays of token numbers, and n-gram counts over them without a Python loop per n-gram."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.tokenizers import tokens_of

Ints = npt.NDArray[np.int64]

CHUNK = 1024
"""Pairs counted at a time: small enough that pair, and four tokens, fit into one 63-bit key."""


@dataclass(frozen=True)
class EncodedTexts:
    """n texts as one array of token numbers; text i is ``tokens[starts[i]:starts[i + 1]]``."""

    tokens: Ints
    starts: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Ints:
        """Tokens in each text."""
        return np.diff(self.starts)


class Vocabulary:
    """Numbers tokens in order of first appearance, so that equal tokens get equal numbers."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict()
        self._numbers.default_factory = self._numbers.__len__

    def __len__(self) -> int:
        return len(self._numbers)

    def encode(self, tokenized: Sequence[list[str]]) -> EncodedTexts:
        """Number the tokens of every text."""
        starts = np.zeros(len(tokenized) + 1, dtype=np.int64)
        np.cumsum([len(tokens) for tokens in tokenized], out=starts[1:])
        numbers = self._numbers
        everything = chain.from_iterable(tokenized)
        flat = np.fromiter(map(numbers.__getitem__, everything), dtype=np.int64, count=int(starts[-1]))
        return EncodedTexts(flat, starts)


@dataclass(frozen=True)
class EncodedPairs:
    """Hypotheses and references over one vocabulary of ``types`` distinct tokens."""

    hypotheses: EncodedTexts
    references: EncodedTexts
    types: int

    @classmethod
    def of(cls, hypotheses: Sequence[str], references: Sequence[str], tokenizer: str) -> EncodedPairs:
        """Tokenise and number n pairs of texts."""
        vocabulary = Vocabulary()
        hyps = vocabulary.encode([tokens_of(tokenizer, text) for text in hypotheses])
        refs = vocabulary.encode([tokens_of(tokenizer, text) for text in references])
        return cls(hyps, refs, len(vocabulary))

    def ngram_matches(self, order: int) -> tuple[Ints, Ints]:
        """Clipped matches and hypothesis totals of the n-grams of ``order``, per pair: two arrays (n,).

        A match is clipped as BLEU wants it: an n-gram counts at most as often as the reference has it.
        """
        n = len(self.hypotheses)
        matches = np.zeros(n, dtype=np.int64)
        totals = np.maximum(self.hypotheses.lengths - order + 1, 0)
        for first in range(0, n, CHUNK):
            last = min(first + CHUNK, n)
            hyp = _Grams(self.hypotheses, first, last, order)
            ref = _Grams(self.references, first, last, order)
            hyp_keys, ref_keys = _keys(hyp, ref, self.types, order)
            hyp_unique, hyp_first, hyp_counts = np.unique(hyp_keys, return_index=True, return_counts=True)
            ref_unique, ref_counts = np.unique(ref_keys, return_counts=True)
            common, in_hyp, in_ref = np.intersect1d(
                hyp_unique, ref_unique, assume_unique=True, return_indices=True
            )
            if len(common):
                clipped = np.minimum(hyp_counts[in_hyp], ref_counts[in_ref])
                pairs = hyp.owner[hyp_first[in_hyp]]
                matches[first:last] = np.bincount(pairs, weights=clipped, minlength=last - first).astype(
                    np.int64
                )
        return matches, totals


class _Grams:
    """Positions of all n-grams of texts ``first`` to ``last``, and the text (from 0) each belongs to."""

    def __init__(self, texts: EncodedTexts, first: int, last: int, order: int) -> None:
        low, high = int(texts.starts[first]), int(texts.starts[last])
        self.tokens = texts.tokens[low:high]
        lengths = texts.lengths[first:last]
        owner = np.repeat(np.arange(last - first), lengths)
        count = max(len(self.tokens) - order + 1, 0)
        # An n-gram may not run from one text into the next.
        inside = owner[:count] == owner[order - 1 :][:count] if count else np.zeros(0, dtype=bool)
        self.positions = np.flatnonzero(inside)
        self.owner = owner[self.positions]


def _keys(hyp: _Grams, ref: _Grams, types: int, order: int) -> tuple[Ints, Ints]:
    """One number for each (pair, n-gram), equal if and only if both are equal."""
    both = np.concatenate([hyp.owner, ref.owner])
    size = max(types, 1)
    high = CHUNK
    for offset in range(order):
        if high * size >= 2**62:  # the next token would not fit: renumber the prefixes densely
            _, both = np.unique(both, return_inverse=True)
            high = int(both.max(initial=0)) + 1
        token = np.concatenate([hyp.tokens[hyp.positions + offset], ref.tokens[ref.positions + offset]])
        both = both * size + token
        high *= size
    split = len(hyp.owner)
    return both[:split], both[split:]

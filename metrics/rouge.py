"""ROUGE-L per turn (Lin 2004), equal to rouge-score's F1 on the same tokens."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from rapidfuzz.distance import LCSseq

from csc_tasks.metrics.base import MeanMetric, MetricInfo, Needs, TurnMetric
from csc_tasks.metrics.encoding import EncodedPairs, EncodedTexts, Vocabulary
from csc_tasks.metrics.tokenizers import tokenize_ascii
from csc_tasks.metrics.turns import Turns

__all__ = ["RougeL", "RougeLAscii"]


def _f1(pairs: EncodedPairs) -> list[float]:
    """F1 of the longest common subsequence for each pair; 0 where either side has no tokens."""
    lcs = np.fromiter(
        map(LCSseq.similarity, _texts(pairs.hypotheses), _texts(pairs.references)),
        dtype=np.float64,
        count=len(pairs.hypotheses),
    )
    hyp, ref = pairs.hypotheses.lengths, pairs.references.lengths
    with np.errstate(invalid="ignore", divide="ignore"):
        # Written as rouge-score does, 2PR / (P + R), so that the last bit agrees.
        precision, recall = lcs / hyp, lcs / ref
        f1 = 2 * precision * recall / (precision + recall)
    values: list[float] = np.where(lcs > 0, f1, 0.0).tolist()
    return values


def _texts(encoded: EncodedTexts) -> list[str]:
    """Each token as one character: rapidfuzz is fastest on strings."""
    # Token numbers stay far below 0x110000, the number of code points.
    everything = encoded.tokens.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    bounds = encoded.starts.tolist()
    return [everything[a:b] for a, b in itertools.pairwise(bounds)]


class RougeL(TurnMetric, MeanMetric):
    """Mean F1 of the longest common subsequence of tokens."""

    info = MetricInfo(
        name="rouge_l",
        title="ROUGE-L",
        needs=Needs.TEXT,
        better=1,
        summary="longest common subsequence of tokens, F1, mean over turns",
        headline=True,
        tokenized=True,
        implementation="rouge-score formula, sentence level, no stemming",
    )

    def items(self, turns: Turns) -> list[Any]:
        """F1 of each turn, 0–1."""
        return _f1(turns.pairs)


class RougeLAscii(TurnMetric, MeanMetric):
    """ROUGE-L under rouge-score's default tokenizer, which drops every Chinese character.

    It measures the overlap of digits and Latin words only. It is here because published Chinese
    figures are sometimes computed so; it is no measure of a Chinese reply and never shown as ROUGE-L.
    """

    info = MetricInfo(
        name="rouge_l_ascii",
        title="R-L (ASCII only)",
        needs=Needs.TEXT,
        better=1,
        summary="rouge-score with its default tokenizer: digits and Latin words only, Chinese dropped",
        implementation="rouge-score formula and default tokenizer, no stemming",
    )

    def items(self, turns: Turns) -> list[Any]:
        """F1 of each turn over ASCII tokens, 0–1."""
        assert turns.hypotheses is not None
        assert turns.references is not None
        vocabulary = Vocabulary()
        hyps = vocabulary.encode([tokenize_ascii(t) for t in turns.hypotheses])
        refs = vocabulary.encode([tokenize_ascii(t) for t in turns.references])
        return _f1(EncodedPairs(hyps, refs, len(vocabulary)))

"""ROUGE-L per turn (Lin 2004), equal to rouge-score's F1 on the same tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from csc_tasks.metrics.base import MeanMetric, MetricInfo, Needs, TurnMetric
from csc_tasks.metrics.encoding import EncodedPairs, Vocabulary
from csc_tasks.metrics.overlap import Overlaps
from csc_tasks.metrics.tokenizers import has_ascii_word, tokenize_ascii
from csc_tasks.metrics.turns import Turns

__all__ = ["RougeL", "RougeLAscii"]


def _f1(counts: Overlaps) -> list[float]:
    """F1 of the longest common subsequence for each pair; 0 where either side has no tokens."""
    lcs = counts.common_subsequences.astype(np.float64)
    hyp, ref = counts.hypothesis_lengths, counts.reference_lengths
    with np.errstate(invalid="ignore", divide="ignore"):
        # Written as rouge-score does, 2PR / (P + R), so that the last bit agrees.
        precision, recall = lcs / hyp, lcs / ref
        f1 = 2 * precision * recall / (precision + recall)
    values: list[float] = np.where(lcs > 0, f1, 0.0).tolist()
    return values


class RougeL(TurnMetric, MeanMetric):
    """Mean F1 of the longest common subsequence of tokens, as written or, with ``norm``, in one spelling."""

    def __init__(self, norm: bool = False) -> None:
        self.norm = norm
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
        self.info = info.normal() if norm else info

    def items(self, turns: Turns) -> list[Any]:
        """F1 of each turn, 0–1."""
        return _f1(turns.normal_overlaps if self.norm else turns.overlaps)


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
        scores: list[Any] = [0.0] * len(turns.hypotheses)
        # Of most turns one side has no such token.
        written = enumerate(zip(turns.hypotheses, turns.references, strict=True))
        rows = [row for row, (hyp, ref) in written if has_ascii_word(hyp) and has_ascii_word(ref)]
        vocabulary = Vocabulary()
        hyps, refs = (
            vocabulary.encode_tokens([tokenize_ascii(texts[row]) for row in rows])
            for texts in (turns.hypotheses, turns.references)
        )
        for row, score in zip(rows, _f1(Overlaps(EncodedPairs.numbered(hyps, refs))), strict=True):
            scores[row] = score
        return scores

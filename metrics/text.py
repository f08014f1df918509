"""Plain properties of the replies: length, spelling, and whether there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.base import (
    MOST,
    AdditiveMetric,
    Floats,
    MeanMetric,
    MetricInfo,
    Needs,
    Scale,
    TurnMetric,
    are_counts,
)
from csc_tasks.metrics.orthography import are_changed, spelling_version
from csc_tasks.metrics.turns import Turns

__all__ = ["Failed", "LengthRatio", "NoAnswer", "NoText", "NormChanged", "Truncated"]


class LengthRatio(TurnMetric, AdditiveMetric):
    """Tokens in all replies over tokens in all references; 1 is the gold supporter's length.

    As written or, with ``norm``, in one spelling.
    """

    scale = Scale(0.0, MOST)

    def __init__(self, norm: bool = False) -> None:
        self.norm = norm
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
        self.info = info.normal() if norm else info

    def items(self, turns: Turns) -> list[Any]:
        """``[reply length, reference length]`` in tokens."""
        counts = turns.normal_overlaps if self.norm else turns.overlaps
        items: list[Any] = np.stack([counts.hypothesis_lengths, counts.reference_lengths], axis=1).tolist()
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


class NormChanged(_ShareOfTurns):
    """Share of replies that are spelled otherwise than ordinary simplified text: what ``zh-norm`` forgives."""

    info = MetricInfo(
        "norm_changed",
        "Spelled otherwise",
        Needs.TEXT,
        0,
        "share of replies that zh-norm changed: another width, another form of a mark, traditional characters",
    )

    @property
    def implementation(self) -> str:
        """Names the versions that decide what is changed."""
        return f"csconv, {spelling_version()}"

    def holds(self, turns: Turns) -> npt.NDArray[np.bool_]:
        """It is no normal form; the direction of quotes does not count."""
        assert turns.hypotheses is not None
        return np.array(are_changed(turns.hypotheses, turns.normal_hypotheses), dtype=bool)


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

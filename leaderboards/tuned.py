"""A base and a model that was tuned from it, side by side, as plain values of a board."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PairedScore", "TunedPair"]


@dataclass(frozen=True, slots=True)
class PairedScore:
    """One score of both: ``difference`` is the tuned model's minus the base's, in the metric's own unit.

    ``low`` and ``high`` are the ends of its 95 % interval, clustered by conversation, and ``p`` its p-value, both
    corrected by Holm over all scores of all pairs of the table, so that they say the same; ``None`` where there is
    none, and ``why`` says in words why. ``conversations`` is how many it is of.
    """

    column: str
    base: float | None
    tuned: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    conversations: int = 0
    why: str = ""

    @property
    def real(self) -> bool:
        """Whether the difference is told from chance: the interval leaves out 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class TunedPair:
    """A row of a table and that of the model it was tuned from.

    ``tuned`` and ``base`` are row ids, ``base`` '' where no row, or no single one, is the base: ``why`` says in words
    why. ``name`` is what the run calls the base and ``told_by`` what told it; ``caution`` says in words what speaks
    against the pair.
    """

    tuned: str
    base: str
    name: str
    told_by: str
    scores: tuple[PairedScore, ...] = ()
    why: str = ""
    caution: str = ""

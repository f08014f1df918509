"""How far a run is, what it came to, and why it ended early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from csc_tasks.errors import CSConvError

__all__ = ["Halt", "Halted", "OnSynthesis", "SynthesisProgress"]


class Halt(Enum):
    """Why a run ended before everything was made."""

    BUDGET = "the budget is used up"
    INTERRUPTED = "interrupted"
    HOPELESS = "no answer can be used"
    BROKEN = "broken"
    BALANCED = "the shares are met"


class Halted(CSConvError):
    """Less was made than was to be; ``why``. Nothing is lost."""

    def __init__(self, why: Halt, trouble: str = "") -> None:
        super().__init__(trouble or f"{why.value}; the same command goes on from here")
        self.why = why


@dataclass
class SynthesisProgress:
    """What a run did, and what it knows while it runs; a process of several counts its own.

    Attributes:
        total: cases there are.
        kept, dropped: cases that are over with a conversation and without, those of earlier runs included.
        requests: answers that came in this run.
        repeated: answers of earlier runs that were not asked for again.
        tokens: of prompts and answers, in this run.
        cost: of this run, in the configuration's currency.
        reasons: why cases were dropped, in this run and earlier ones.
        rejected: answers that could not be used in this run, by role and reason.
        waiting: cases that were begun and could not be ended, for their server failed.
        stopped: why the run ended early; ``trouble`` says more.
    """

    total: int | None = None
    kept: int = 0
    dropped: int = 0
    requests: int = 0
    repeated: int = 0
    tokens: int = 0
    cost: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    waiting: int = 0
    stopped: Halt | None = None
    trouble: str = ""

    @property
    def done(self) -> int:
        """Cases that are over."""
        return self.kept + self.dropped


OnSynthesis = Callable[[SynthesisProgress], None]

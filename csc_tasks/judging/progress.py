"""How far a judging is, what it came to, and why one ended early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from csc_tasks.errors import CSConvError
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import Status, Verdict

__all__ = ["JudgeProgress", "OnProgress", "OnVerdict", "Stop", "Stopped", "Withheld", "no_progress"]


class Stop(Enum):
    """Why a run ended before everything was asked."""

    BUDGET = "the budget is used up"
    INTERRUPTED = "interrupted"
    HOPELESS = "the judge gives no verdicts"
    BROKEN = "broken"


class Stopped(CSConvError):
    """Less was asked than was to be; ``why``. Nothing is lost.

    Args:
        what: was to be judged.
        why: the run stopped.
        trouble: what there is to say of that.
    """

    def __init__(self, what: str, why: Stop, trouble: str = "") -> None:
        super().__init__(f"{what}: {trouble or f'{why.value}; the same command goes on from here'}")
        self.why = why


class Withheld(CSConvError):
    """Too few verdicts came, so that there are no scores. What came is kept."""


@dataclass
class JudgeProgress:
    """What a run did, and what it knows while it runs.

    ``cost`` is what this run spent; ``asked`` the samples that were put to the judge, ``reasked`` how often
    one was put again because an answer was no verdict, ``cached`` those that were answered from earlier runs.
    """

    total: int | None = None
    done: int = 0
    asked: int = 0
    reasked: int = 0
    cached: int = 0
    attempts: int = 0
    cost: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    stopped: Stop | None = None
    trouble: str = ""

    @property
    def failures(self) -> int:
        """Samples without a verdict so far."""
        return self.done - self.statuses[Status.SCORED]


OnVerdict = Callable[[Sample, Verdict], None]
OnProgress = Callable[[JudgeProgress], None]


def no_progress(_: JudgeProgress) -> None:
    """Nobody wants to know how far a run is."""

"""Which conversations: the split that is evaluated or trained on, and the subset that a task evaluates."""

from __future__ import annotations

from enum import Enum

__all__ = ["Split", "Subset"]


class Split(Enum):
    """The two halves of the data: what is evaluated, and what few-shot examples may be drawn from."""

    EVALUATION = "evaluation"
    TRAINING = "training"


class Subset(Enum):
    """How much of the data a task evaluates on."""

    FULL = "full"
    LITE = "lite"
    MINI = "mini"

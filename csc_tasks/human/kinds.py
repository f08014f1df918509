"""What raters can be asked for, and in which languages: the words of commands, which cost no import."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Languages", "RatingKind"]


class RatingKind(StrEnum):
    """What raters do."""

    RATE = "rate"
    """Grade one turn, or one whole conversation, on every dimension of a rubric."""
    PAIR = "pair"
    """Say which of two replies to the same turn is better."""


class Languages(StrEnum):
    """In which languages the questions are put."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"

"""What is judged: the texts of one turn, one dialogue or one pair of replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """The texts that are shown, by the rubric's field names, and where they come from.

    ``turn`` counts the supporter's turns of a conversation from 0; a whole dialogue has none.
    ``silent`` says that there is nothing to judge: the model under test did not answer.
    """

    conversation: str
    turn: int | None
    fields: Mapping[str, str]
    silent: bool = False

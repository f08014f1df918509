"""What a task asks at a turn, and whose history stands before it."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, StrEnum
from typing import NamedTuple

from csc_tasks.sentences import Sentence

__all__ = ["ROLE_PLAY_SECTION", "Context", "TaskKind", "Units", "in_order", "units_of"]


class TaskKind(Enum):
    """What is asked of the model at a turn; the value is the name in signatures."""

    STRATEGY = "strategy"
    STRATEGY_MC = "strategy_mc"
    RESPONSE = "response"
    RESPONSE_ORACLE = "response_oracle"

    @property
    def needs_labels(self) -> bool:
        """Whether nothing can be asked or scored where the data has no strategies."""
        return self is not TaskKind.RESPONSE

    @property
    def predicts_strategy(self) -> bool:
        """Whether the answer carries a strategy that is scored."""
        return self is not TaskKind.RESPONSE_ORACLE

    @property
    def writes_text(self) -> bool:
        """Whether the answer carries an utterance that is scored."""
        return self in (TaskKind.RESPONSE, TaskKind.RESPONSE_ORACLE)


class Context(StrEnum):
    """Whose turns stand in the history; the value is the name in signatures."""

    REFERENCE = "reference"
    """The gold ones."""
    GENERATED = "generated"
    """The model's own; the customer's are gold in both."""
    ROLE_PLAY = "roleplay"
    """The model's own, and the customer's are a simulator's."""


ROLE_PLAY_SECTION = f"{TaskKind.RESPONSE.value}/{Context.ROLE_PLAY}"
_SECTIONS = [
    f"{kind.value}/{context}"
    for kind in (TaskKind.RESPONSE, TaskKind.RESPONSE_ORACLE, TaskKind.STRATEGY, TaskKind.STRATEGY_MC)
    for context in (Context.REFERENCE, Context.GENERATED)
] + [ROLE_PLAY_SECTION]


def in_order(present: Collection[str]) -> list[str]:
    """Sections, each named by task and context (``response/reference``), in the order in which people read them.

    The paper's task comes first, of each task the reference context before the generated one, and unknown ones last.
    """
    known = [section for section in _SECTIONS if section in present]
    return known + sorted(set(present) - set(known))


class Units(NamedTuple):
    """What has a score by itself, and what these are drawn by, in words, in the plural."""

    turns: str
    clusters: str


# Made once: they are asked for with every line of a log.
_OF_ROLE_PLAYS = Units(Sentence("unit.role-plays", "role-plays"), Sentence("unit.cards", "cards"))
_OF_TURNS = Units(Sentence("unit.turns", "turns"), Sentence("unit.conversations", "conversations"))


def units_of(section: str) -> Units:
    """The words for a section, which is named by task and context: of role-plays a turn is a whole role-play."""
    return _OF_ROLE_PLAYS if section.endswith(f"/{Context.ROLE_PLAY}") else _OF_TURNS

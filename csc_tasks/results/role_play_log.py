"""Role-plays in a sample log: what stands with each turn of the supporter beside its reply, written and read here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from csc_tasks.protocol.signature_parts import Count, Text

__all__ = [
    "LoggedCase",
    "LoggedCustomer",
    "LoggedMove",
    "LoggedOutcome",
    "LoggedRolePlay",
    "LoggedRolePlayTurn",
    "card_of",
    "fault_words",
    "faults_in_words",
    "name_of",
    "role_plays_in",
]

MANY = 1000
"""Trials of a card, and facts of one, that nobody has."""
_Trial = Annotated[int, Field(ge=0, lt=MANY, strict=True)]


_FAULTS = {
    "empty": "it said nothing",
    "swapped_role": "it spoke as the supporter",
    "invented_fact": "it made up a figure or told what it was not asked",
    "refused": "it would not play",
    "unreadable": "its answer had not the form that was asked for",
    "own_error": "its server failed",
    "not_played": "it was not played to the end",
    "supporter_failed": "the supporter's endpoint failed",
}
"""What was wrong with a simulated customer, as logs and results call it, for people."""
_COUNTED = re.compile(rf"\b({'|'.join(_FAULTS)}) (\d{{1,9}})\b", re.ASCII)
_TRIALS_TOLD = 10


def fault_words(fault: str) -> str:
    """What was wrong with a simulated customer, for people; what a newer csconv calls it, as it stands."""
    return _FAULTS.get(fault, fault)


def faults_in_words(reason: str) -> str:
    """Why scores are withheld, as results have it (``swapped_role 4``), with what was wrong in words."""
    return _COUNTED.sub(lambda found: f"{fault_words(found[1])}: {found[2]}", reason)


def name_of(card: str, trial: int) -> str:
    """What a trial (from 0) of a card is called where conversations have names."""
    return f"{card}#{trial}"


def card_of(conversation: str) -> str:
    """The card of a trial by its name, which is its cluster; of any other conversation its own name."""
    return conversation.partition("#")[0]


class _Logged(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LoggedCustomer(_Logged):
    """What the customer said to a turn.

    ``end`` is whether it is over with that, ``mood`` 1 to 5, ``told`` the facts that it tells, ``direction`` what it
    was to do, ``fault`` why it could not be played, ``again`` the faults of answers that were asked for again.
    """

    text: Text
    end: Text = "none"
    mood: Annotated[int, Field(ge=1, le=5)] = 3
    told: list[Text] = Field(default_factory=list)
    direction: Text = ""
    fault: Text | None = None
    again: list[Text] = Field(default_factory=list)


class LoggedMove(_Logged):
    """What a turn of the supporter did by the rules of the card.

    ``asked`` are names of facts, ``done`` steps counted from 1, ``marks`` are ``identity``, ``refused``, ``granted``,
    ``promised``, ``disclosed``, ``rude``, ``comforts``, ``goodbye``, ``repeated``; ``figures`` those that nobody knows.
    """

    asked: list[Text] = Field(default_factory=list)
    done: list[Count] = Field(default_factory=list)
    marks: list[Text] = Field(default_factory=list)
    figures: list[Text] = Field(default_factory=list)


class LoggedCase(_Logged):
    """What was played: with the first turn of a trial. ``facts`` and ``optional`` are names of facts."""

    who: Text
    scenario: Text
    goal: Text
    satisfied: Text
    system_information: list[Text]
    facts: list[Text]
    optional: list[Text] = Field(default_factory=list)
    steps: Count = 0
    demand: Text = ""


class LoggedOutcome(_Logged):
    """What became of it, with the last turn of a trial.

    ``resolved_at`` is a turn from 1, or 0; ``missing`` says in words what was not done that the card asks for.
    """

    end: Text
    resolved_at: Count
    broken: bool = False
    disclosed: bool = False
    missing: list[Text] = Field(default_factory=list)


class LoggedRolePlayTurn(_Logged):
    """What stands beside the reply of a turn."""

    trial: _Trial
    heard: LoggedCustomer | None = None
    did: LoggedMove = LoggedMove()
    case: LoggedCase | None = None
    outcome: LoggedOutcome | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is added to a reply's record."""
        return self.model_dump(exclude_none=True, exclude_defaults=True) | {"trial": self.trial}


class LoggedRolePlay(_Logged):
    """One role-play: a case, and for each turn the reply's record and what stands beside it."""

    card: Text
    topic: Text
    trial: int
    case: LoggedCase
    turns: list[tuple[dict[str, Any], LoggedRolePlayTurn]]
    outcome: LoggedOutcome

    @property
    def mood(self) -> int:
        """The customer's at the end, 1 to 5; 0 where they said nothing."""
        return next((turn.heard.mood for _, turn in reversed(self.turns) if turn.heard is not None), 0)


def role_plays_in(
    card: str, topic: str, trials: int, records: Sequence[Mapping[str, Any]]
) -> Iterator[LoggedRolePlay]:
    """The role-plays of a card, from the records of all its turns in the order of the log.

    Raises:
        ValueError: a record is not as it is written here, or a trial is missing or not whole.
    """
    by_trial: dict[int, list[tuple[dict[str, Any], LoggedRolePlayTurn]]] = {}
    for record in records:
        turn = LoggedRolePlayTurn.model_validate(record)
        by_trial.setdefault(turn.trial, []).append((dict(record), turn))
    if len(by_trial) != trials or max(by_trial, default=0) >= trials:
        found = sorted(by_trial)
        told = ", ".join(str(trial + 1) for trial in found[:_TRIALS_TOLD]) or "none"
        more = f" and {len(found) - _TRIALS_TOLD} more" if len(found) > _TRIALS_TOLD else ""
        raise ValueError(
            f"card {card} was to be played {trials} times, and there are turns of trial {told}{more}"
        )
    for trial, turns in sorted(by_trial.items()):
        where = f"trial {trial + 1} of card {card}"
        case, outcome = turns[0][1].case, turns[-1][1].outcome
        if case is None:
            raise ValueError(f"{where}: its first turn does not say what is played")
        if outcome is None:
            raise ValueError(f"{where}: its last turn does not say how it ended")
        silent = next((n for n, (_, turn) in enumerate(turns[:-1], 1) if turn.heard is None), 0)
        if silent:
            raise ValueError(f"{where}: nobody answers turn {silent}, and it goes on")
        yield LoggedRolePlay(card=card, topic=topic, trial=trial, case=case, turns=turns, outcome=outcome)

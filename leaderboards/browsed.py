"""What people may read of a run beside its scores: how much, whole role-plays, and what was said of replies."""

from __future__ import annotations

from dataclasses import dataclass

from csc_tasks.errors import ConfigError

__all__ = [
    "KEPT",
    "BrowsedCase",
    "BrowsedExchange",
    "BrowsedRemark",
    "BrowsedRolePlay",
    "conversations_wanted",
]

KEPT = 40
"""Conversations, or role-plays, of a log: as many as a single file can carry and be sent."""


def conversations_wanted(text: str) -> int | None:
    """How many conversations of a log are to be read: a whole number from 1, or ``None`` for ``all``.

    Raises:
        ConfigError: it is neither.
    """
    if text.strip().lower() == "all":
        return None
    number = text.strip()
    if not (number.isascii() and number.isdecimal() and len(number) < 10 and int(number) > 0):
        raise ConfigError(f"--browse {text!r}: give how many conversations, from 1 on, or all")
    return int(number)


@dataclass(frozen=True, slots=True)
class BrowsedRemark:
    """What a judge or a person said of a reply; ``turn`` is from 0, or ``None`` where it is of the whole.

    ``by`` names the judge, or the person by a number; ``human`` says which of the two it is. ``scores`` has (dimension,
    value as it was given) each; ``status`` is empty where there are scores, else why there are none.
    """

    turn: int | None
    by: str
    human: bool
    scores: tuple[tuple[str, str], ...]
    reason: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class BrowsedCase:
    """What a trial (from 0) of a card plays, the same for every model; ``id`` names both.

    ``facts`` are names of those that have to be asked for and ``optional`` of the others, ``steps`` how many steps
    the solution needs, ``demand`` why something must be refused, or ''.
    """

    id: str
    card: str
    trial: int
    topic: str
    who: str
    scenario: str
    goal: str
    satisfied: str
    system_information: tuple[str, ...]
    facts: tuple[str, ...]
    optional: tuple[str, ...]
    steps: int
    demand: str


@dataclass(frozen=True, slots=True)
class BrowsedExchange:
    """A turn of the model, what it did by the rules of the card, and what the customer said to it.

    ``strategy`` is 0-11, or -1 if unreadable. ``asked`` are names of facts, ``done`` steps from 1, ``marks`` and the
    rest as in :class:`~csc_tasks.results.role_play_log.LoggedMove`. ``customer`` is ``None`` where nobody answered,
    ``mood`` then 0, ``told`` what facts the answer tells, ``direction`` what it was to do, ``fault`` what was wrong.
    """

    strategy: int
    text: str
    asked: tuple[str, ...] = ()
    done: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    customer: str | None = None
    mood: int = 0
    told: tuple[str, ...] = ()
    direction: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class BrowsedRolePlay:
    """A role-play of a model, from the first turn to the last.

    ``resolved_at`` is a turn from 1, or 0; ``missing`` says in the words of the log what the card asks for and was not
    done; ``mood`` is the customer's at the end, 1 to 5, or 0 where they said nothing.
    """

    exchanges: tuple[BrowsedExchange, ...]
    end: str
    resolved_at: int
    broken: bool
    disclosed: bool
    missing: tuple[str, ...] = ()
    mood: int = 0

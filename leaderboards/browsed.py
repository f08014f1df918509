"""Whole role-plays for the sample browser, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BrowsedCase", "BrowsedExchange", "BrowsedRolePlay"]


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

    ``resolved_at`` is a turn from 1, or 0; ``outcome`` says in words what became of it.
    """

    exchanges: tuple[BrowsedExchange, ...]
    end: str
    resolved_at: int
    broken: bool
    disclosed: bool
    outcome: tuple[str, ...]

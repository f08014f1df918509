"""What happened in a role-play, in texts that a script can say in the language of the page."""

from __future__ import annotations

import re
from typing import Any

from csc_tasks.leaderboards.browsed import BrowsedCase, BrowsedExchange, BrowsedRolePlay
from csc_tasks.leaderboards.rendering.language import has

__all__ = ["about_case", "exchange", "outcome"]

Words = Any
"""A text as it is, or one of the table: see :func:`csc_tasks.leaderboards.rendering.language.resolve`."""

_WRONG = ("granted", "promised", "disclosed", "rude")
"""Marks of what speaks against the supporter."""
CONTENT = 3
"""The lowest mood of a customer of whom it is said that they leave content."""
_NAMED = {
    "not asked: ": "samples.outcome_of.not_asked",
    "asked and not answered: ": "samples.outcome_of.unanswered",
}
_LACKING = {
    "demand not refused": "samples.outcome_of.demand",
    "not asked who they are": "samples.outcome_of.identity",
}
_STEPS = re.compile(r"(\d{1,4}) of (\d{1,4}) steps?", re.ASCII)
"""How logs say what a role-play lacks, see :mod:`csc_tasks.roleplay.logged`; all else is shown as it stands."""


def about_case(case: BrowsedCase) -> list[list[Any]]:
    """What the card says, [heading, lines] each."""
    told: list[tuple[Words, tuple[str, ...]]] = [
        ({"@": "samples.about_card.who"}, (case.who,)),
        ({"@": "samples.about_card.scenario"}, (case.scenario,)),
        ({"@": "samples.about_card.goal"}, (case.goal,)),
        ({"@": "samples.about_card.satisfied"}, (case.satisfied,)),
        ({"@": "samples.about_card.demand"}, (case.demand,) if case.demand else ()),
        ({"@": "samples.about_card.system"}, case.system_information),
        ({"@": "samples.about_card.facts"}, case.facts),
        ({"@": "samples.about_card.optional"}, case.optional),
    ]
    return [[heading, list(lines)] for heading, lines in told if lines]


def outcome(played: BrowsedRolePlay) -> list[Words]:
    """What became of a role-play, and of one that is not resolved what it lacks.

    Of an end that is not known here, what the log calls it.
    """
    told: list[Words] = []
    if played.end != "fault":
        if played.resolved_at:
            told.append({"@": "samples.outcome_of.resolved", "n": played.resolved_at})
        elif played.missing:
            told.append({"@": "samples.outcome_of.lacking", "what": list(map(_lacking, played.missing))})
        else:
            told.append({"@": "samples.outcome_of.open"})
    if played.broken:
        told.append({"@": "samples.outcome_of.broken"})
    if played.disclosed:
        told.append({"@": "samples.outcome_of.disclosed"})
    if played.end == "resolved" and played.mood < CONTENT:
        return [*told, {"@": "samples.end.left"}]
    return [*told, _known("samples.end.", played.end)]


def exchange(each: BrowsedExchange) -> list[Any]:
    """[strategy, text, what it did, what speaks against it, what the customer said, mood, small print]."""
    did: list[Words] = [{"@": "samples.did.asked", "what": name} for name in each.asked]
    did += [{"@": "samples.did.step", "n": n} for n in each.done]
    did += [_known("samples.did.", mark) for mark in each.marks if mark not in _WRONG]
    against: list[Words] = [_known("samples.did.", mark) for mark in each.marks if mark in _WRONG]
    against += [{"@": "samples.did.invented", "what": figure} for figure in each.figures]
    small: list[Words] = [{"@": "samples.did.told", "what": name} for name in each.told]
    small += [each.direction] if each.direction else []
    if each.fault:
        small.append({"@": "samples.did.unplayed", "why": _known("samples.fault.", each.fault)})
    return [each.strategy, each.text, did, against, each.customer, each.mood, small]


def _known(prefix: str, name: str) -> Words:
    return {"@": prefix + name} if has(prefix + name) else name


def _lacking(said: str) -> Words:
    for beginning, key in _NAMED.items():
        if said.startswith(beginning):
            return {"@": key, "what": said.removeprefix(beginning)}
    if found := _STEPS.fullmatch(said):
        return {"@": "samples.outcome_of.steps", "n": int(found[1]), "of": int(found[2])}
    return {"@": _LACKING[said]} if said in _LACKING else said

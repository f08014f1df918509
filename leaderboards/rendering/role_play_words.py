"""What happened in a role-play, in texts that a script can say in the language of the page."""

from __future__ import annotations

from typing import Any

from csc_tasks.leaderboards.browsed import BrowsedCase, BrowsedExchange, BrowsedRolePlay
from csc_tasks.leaderboards.reading.outcomes import outcome_sentences
from csc_tasks.leaderboards.rendering.language import has, spec_of

__all__ = ["about_case", "exchange", "outcome"]

Words = Any
"""A text as it is, or one of the table: see :func:`csc_tasks.leaderboards.rendering.language.resolve`."""

_WRONG = ("granted", "promised", "disclosed", "rude")
"""Marks of what speaks against the supporter."""


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
    """What became of a role-play, and of one that is not resolved what it lacks."""
    told = outcome_sentences(
        played.end, played.resolved_at, played.missing, played.broken, played.disclosed, played.mood
    )
    return list(map(spec_of, told))


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

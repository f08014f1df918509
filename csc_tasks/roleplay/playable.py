"""Whether a case card can be played and scored: all that a role-play needs is there, and nothing contradicts it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from csc_tasks.roleplay.cards import MANY, CaseCard
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.leaks import gives_away
from csc_tasks.roleplay.playing import play
from csc_tasks.roleplay.rules import figures_in
from csc_tasks.roleplay.scripted_customer import ScriptedCustomer
from csc_tasks.roleplay.scripted_supporters import ScriptedSupporter, SupporterKind
from csc_tasks.roleplay.wordings import Wordings

__all__ = ["faults_of"]

_KEYS = 3
"""Choices of values and wordings that are tried."""


def faults_of(card: CaseCard) -> list[str]:
    """What keeps a card from being played; each names the field and the cure. Empty for a sound card."""
    found = list(dict.fromkeys(_missing(card)))
    if not found:
        cases = [CaseInPlay(card, f"check {n}") for n in range(_KEYS)]
        found = list(dict.fromkeys(fault for case in cases for fault in _contradictions(case)))
    # Playing it out is the proof; where something is known to be wrong it would only say so in other words.
    return found or list(dict.fromkeys(fault for case in cases for fault in _unplayable(case)))


def _missing(card: CaseCard) -> Iterator[str]:
    if not any(not fact.optional for fact in card.facts):
        yield "facts: none is needed (optional = false); what the supporter has to find out makes the case"
    if not any(step.done_by and not step.optional for step in card.steps):
        yield "steps: none that is not optional has done_by, the words by which it is known to be done"
    if not card.gives_up:
        yield "gives_up: missing; what the customer says who loses patience"
    if not card.lookups:
        yield "lookups: missing; what the supporter can look up, so that inventing can be told from knowing"
    if card.demand and not card.demand.about:
        yield "demand.about: missing; the words that name the demand"


def _contradictions(case: CaseInPlay) -> Iterator[str]:
    card = case.card
    for n, step in enumerate(card.steps):
        for said in _every(case, step.says):
            if step.done_by and not case.does(step, said):
                yield f"steps {n + 1}: done_by does not find the step in its own words: {said:.60}"
            if case.promises(said):
                yield f"steps {n + 1}: says what never forbids: {said:.60}"
            if card.demand and case.grants(card.demand, said, answers=False):
                yield f"steps {n + 1}: grants the demand: {said:.60}"
    if card.demand:
        for said in _every(case, card.demand.refusal):
            if not case.refuses(card.demand, said, answers=True):
                yield f"demand.refusal: is not read as a refusal: {said:.60}"
            if case.promises(said):
                yield f"demand.refusal: says what never forbids: {said:.60}"
    for line in case.system_information:
        if asked := case.asked(line):
            yield f"lookups: reading one aloud would ask for {asked[0].name}: {line:.60}"
        if gives_away(line, case.goal):
            yield f"lookups: gives the goal away: {line:.60}"
    for each in card.lookups:
        for word in each.shown_by:
            if not any(case.fill(word) in said for said in _every(case, (each.finds,))):
                yield f"lookups {each.name.text:.20}: shown_by {word} is not in what it finds"
    for said in _every(case, card.opening):
        for fact in case.needed:
            if any(gives_away(said, told) for told in _every(case, fact.says)):
                yield f"opening: tells {fact.name}, which the supporter has to find out"
            elif any(
                own <= figures_in(said) for told in _every(case, fact.says) if (own := figures_in(told))
            ):
                yield f"opening: names the figures of {fact.name}, which the supporter has to find out"
    if gives_away(card.scenario, case.goal):
        yield "scenario: gives the goal away, which the supporter must not know"


def _every(case: CaseInPlay, sentences: tuple[Wordings, ...]) -> Iterator[str]:
    """All wordings of some sentences, with the values that the key has chosen."""
    for sentence in sentences:
        yield from map(case.fill, islice(sentence.every(), MANY))


def _unplayable(case: CaseInPlay) -> Iterator[str]:
    """What goes wrong when supporters of whom it is known what to expect play it with the scripted customer."""
    good = play(case, ScriptedSupporter(SupporterKind.GOOD, case).say, ScriptedCustomer(case))
    progress = good.progress()
    if not progress.resolved:
        open_facts = [fact.name for fact in case.needed if fact.name not in progress.told]
        open_steps = [str(n + 1) for n in case.needed_steps if n not in progress.done]
        what = (
            f"facts never told: {'、'.join(open_facts)}" if open_facts
            else f"steps never done: {'、'.join(open_steps)}" if open_steps
            else "the demand is never refused" if progress.demanded and not progress.refused
            else "something against the card was said"
        )  # fmt: skip
        yield f"a supporter who does all that the card asks for does not resolve it ({what}, end {good.end})"
    for kind in (SupporterKind.POLITE, SupporterKind.RUDE, SupporterKind.PROMISER, SupporterKind.READER):
        played = play(case, ScriptedSupporter(kind, case).say, ScriptedCustomer(case))
        if played.progress().resolved:
            yield f"a supporter who is only {kind} resolves it"

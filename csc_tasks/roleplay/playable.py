"""Whether a case card can be played and scored: all that a role-play needs is there, and nothing contradicts it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from csc_tasks.roleplay.card_faults import CardFault, FaultKind
from csc_tasks.roleplay.cards import MANY, CaseCard
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.leaks import gives_away
from csc_tasks.roleplay.playing import play
from csc_tasks.roleplay.rules import figures_in
from csc_tasks.roleplay.scripted_customer import ScriptedCustomer
from csc_tasks.roleplay.scripted_supporters import ScriptedSupporter, SupporterKind
from csc_tasks.roleplay.wordings import Wordings

__all__ = ["faults_of", "playing_faults"]

_KEYS = 3
"""Choices of values and wordings that are tried."""
_COMPARED = 100
"""Wordings of a sentence that are held against those of another one."""


def faults_of(card: CaseCard) -> list[str]:
    """What keeps a card from being played; each names the field and the cure. Empty for a sound card."""
    return [str(fault) for fault in playing_faults(card)]


def playing_faults(card: CaseCard) -> list[CardFault]:
    """The same as values."""
    found = list(dict.fromkeys(_missing(card)))
    if not found:
        cases = [CaseInPlay(card, f"check {n}") for n in range(_KEYS)]
        found = list(dict.fromkeys(fault for case in cases for fault in _contradictions(case)))
    # Playing it out is the proof; where something is known to be wrong it would only say so in other words.
    return found or list(dict.fromkeys(fault for case in cases for fault in _unplayable(case)))


def _missing(card: CaseCard) -> Iterator[CardFault]:
    names = [fact.name for fact in card.facts]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield CardFault("facts", FaultKind.FACT_TWICE, name)
    if not any(not fact.optional for fact in card.facts):
        yield CardFault("facts", FaultKind.NO_FACT)
    if not any(step.done_by and not step.optional for step in card.steps):
        yield CardFault("steps", FaultKind.NO_STEP)
    if not card.gives_up:
        yield CardFault("gives_up", FaultKind.NO_GIVING_UP)
    if not card.lookups:
        yield CardFault("lookups", FaultKind.NO_LOOKUP)
    if card.demand and not card.demand.about:
        yield CardFault("demand.about", FaultKind.NO_ABOUT)


def _contradictions(case: CaseInPlay) -> Iterator[CardFault]:
    yield from _of_steps(case)
    yield from _of_lookups(case)
    yield from _of_the_opening(case)
    if gives_away(case.card.scenario, case.goal):
        yield CardFault("scenario", FaultKind.SCENARIO_GOAL)


def _of_steps(case: CaseInPlay) -> Iterator[CardFault]:
    card = case.card
    for n, step in enumerate(card.steps):
        field = f"steps {n + 1}"
        for said in _every(case, step.says):
            if step.done_by and not case.does(step, said):
                yield CardFault(field, FaultKind.STEP_NOT_FOUND, said)
            if case.promises(said):
                yield CardFault(field, FaultKind.STEP_FORBIDDEN, said)
            if card.demand and case.grants(card.demand, said, answers=False):
                yield CardFault(field, FaultKind.STEP_GRANTS, said)
    if card.demand:
        for said in _every(case, card.demand.refusal):
            if not case.refuses(card.demand, said, answers=True):
                yield CardFault("demand.refusal", FaultKind.NO_REFUSAL, said)
            if case.promises(said):
                yield CardFault("demand.refusal", FaultKind.STEP_FORBIDDEN, said)


def _of_lookups(case: CaseInPlay) -> Iterator[CardFault]:
    for line in case.system_information:
        if asked := case.asked_by_words(line):
            yield CardFault("lookups", FaultKind.LOOKUP_ASKS, f"{asked[0].name}: {line:.40}")
        if gives_away(line, case.goal):
            yield CardFault("lookups", FaultKind.LOOKUP_GOAL, line)
    for each in case.card.lookups:
        for word in each.shown_by:
            if not any(case.fill(word) in said for said in _every(case, (each.finds,))):
                yield CardFault(f"lookups {each.name.text:.20}", FaultKind.LOOKUP_SHOWN, word)


def _of_the_opening(case: CaseInPlay) -> Iterator[CardFault]:
    openings = _spread(_every(case, case.card.opening))
    for fact in case.needed:
        told = _spread(_every(case, fact.says))
        figures = [own for each in told if (own := figures_in(each))]
        for said in openings:
            named = figures_in(said)
            if any(gives_away(said, each) for each in told):
                yield CardFault("opening", FaultKind.OPENING_TELLS, fact.name)
            elif any(own <= named for own in figures):
                yield CardFault("opening", FaultKind.OPENING_FIGURES, fact.name)


def _every(case: CaseInPlay, sentences: tuple[Wordings, ...]) -> Iterator[str]:
    """All wordings of some sentences, with the values that the key has chosen."""
    for sentence in sentences:
        yield from map(case.fill, islice(sentence.every(), MANY))


def _spread(said: Iterator[str]) -> list[str]:
    """Some of many wordings, evenly: each of them is held against each of others."""
    every = list(dict.fromkeys(said))
    return every[:: -(-len(every) // _COMPARED)] if every else every


def _unplayable(case: CaseInPlay) -> Iterator[CardFault]:
    """What goes wrong when supporters of whom it is known what to expect play it with the scripted customer."""
    good = play(case, ScriptedSupporter(SupporterKind.GOOD, case).say, ScriptedCustomer(case))
    progress = good.progress()
    if not progress.resolved:
        open_steps = [str(n + 1) for n in progress.open_steps]
        what = (
            f"facts never told: {'、'.join(progress.open_facts)}" if progress.open_facts
            else f"steps never done: {'、'.join(open_steps)}" if open_steps
            else "the demand is never refused" if progress.demanded and not progress.refused
            else "something against the card was said"
        )  # fmt: skip
        yield CardFault("", FaultKind.UNRESOLVED, f"{what}, end {good.end}")
    for kind in (SupporterKind.POLITE, SupporterKind.RUDE, SupporterKind.PROMISER, SupporterKind.READER):
        played = play(case, ScriptedSupporter(kind, case).say, ScriptedCustomer(case))
        if played.progress().resolved:
            yield CardFault("", FaultKind.TOO_EASY, kind)

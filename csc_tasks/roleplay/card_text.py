"""A case card, and a role-play of it, as a person reads them. Every line is fit for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from csc_tasks.printable import printable
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.playing import Played, play
from csc_tasks.roleplay.scripted_customer import ScriptedCustomer
from csc_tasks.roleplay.scripted_supporters import ScriptedSupporter, SupporterKind
from csc_tasks.roleplay.transcript import End
from csc_tasks.roleplay.wordings import Wordings

__all__ = ["line_of_card", "lines_of_card", "lines_of_play", "played_lines"]


def lines_of_card(card: CaseCard) -> list[str]:
    """A card: who calls, what is told when asked, what can be looked up, what is to be done and what refused."""
    return [_fit(line) for line in _of_card(card)]


def line_of_card(card: CaseCard) -> str:
    """A card in one line."""
    demand = "a demand" if card.demand else "no demand"
    return _fit(
        f"{card.id}  {card.topic}  {len(card.facts)} facts, {len(card.steps)} steps, {demand}: {card.goal.text}"
    )


def _fit(line: str) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + printable(line)


def _row(name: str, *values: str, indent: int = 2) -> Iterator[str]:
    """One value beside its name, several beneath it; nothing where there is none."""
    if len(values) == 1:
        yield f"{' ' * indent}{name}: {values[0]}"
    elif values:
        yield f"{' ' * indent}{name}:"
        yield from (f"{' ' * (indent + 2)}· {value}" for value in values)


def _said(sentences: Sequence[Wordings]) -> list[str]:
    return [sentence.text for sentence in sentences]


def _of_card(card: CaseCard) -> Iterator[str]:
    yield f"{card.id} · {card.topic} · {card.company}"
    yield from _row("who", card.who)
    yield from _row("scenario, which the supporter knows", card.scenario)
    yield from _row("goal, which the customer alone knows", card.goal.text)
    yield from _row("satisfied", card.satisfied)
    for name, options in card.values.items():
        yield from _row(f"{{{name}}} is one of", "、".join(options))
    yield from _row("opening", *_said(card.opening))
    mood = card.mood
    yield from _row("mood", f"{mood.at_first} ({mood.start} of 5)")
    yield from _row("upset", *_said(mood.upset), indent=4)
    yield from _row("eased by", mood.eased_by, indent=4)
    yield from _row("comfort", *_said(mood.comfort), indent=4)
    worsened = f" ({'、'.join(mood.worsened_words)})" if mood.worsened_words else ""
    yield from _row("worsened by", mood.worsened_by + worsened, indent=4)
    if card.worry:
        yield from _row("worry", *_said(card.worry.says))
    yield from _facts(card)
    yield from _steps(card)
    if card.demand:
        yield from _row("demand, which must be refused", *_said(card.demand.says))
        yield from _row("because", card.demand.because, indent=4)
        yield from _row("refused by", *_said(card.demand.refusal), indent=4)
        yield from _row("named by", "、".join(card.demand.about), indent=4)
        yield from _row("granted by", "、".join(card.demand.granted_by), indent=4)
    else:
        yield "  demand: none"
    if card.never:
        yield from _row("never promised", "、".join(card.never))
    yield from _row(f"gives up after {card.patience} turns that bring nothing", *_said(card.gives_up))
    yield from _row("closing", *_said(card.closing))
    if card.made_from:
        yield from _row("made from", card.made_from)


def _facts(card: CaseCard) -> Iterator[str]:
    yield "  facts, told when asked:"
    for n, fact in enumerate(card.facts, 1):
        yield f"    {n}. {fact.name}{' (optional)' if fact.optional else ''}"
        yield from _row("asked by", "、".join(fact.asked_by), indent=7)
        yield from _row("asks", *_said(fact.asks), indent=7)
        yield from _row("says", *_said(fact.says), indent=7)
    yield "  lookups, which the supporter is shown:"
    for n, each in enumerate(card.lookups, 1):
        yield f"    {n}. {each.name.text}：{each.finds.text}"
        if each.shown_by:
            yield from _row("private", "、".join(each.shown_by), indent=7)


def _steps(card: CaseCard) -> Iterator[str]:
    yield "  steps:"
    for n, step in enumerate(card.steps, 1):
        yield f"    {n}. {step.does.zh}{' (optional)' if step.optional else ''}"
        yield from _row("asked", *_said(step.asked), indent=7)
        yield from _row("says", *_said(step.says), indent=7)
        groups = " and ".join(f"({'、'.join(words)})" for words in step.done_by)
        yield from _row("done by", groups or "– (not checked)", indent=7)
        yield from _row("reply", *_said(step.reply), indent=7)


def played_lines(card: CaseCard, kind: SupporterKind, trial: int = 0, seed: int = 0) -> list[str]:
    """How a call goes between a scripted supporter and the scripted customer, as lines."""
    case = CaseInPlay(card, CaseInPlay.key_of(card, trial, seed))
    return lines_of_play(play(case, ScriptedSupporter(kind, case).say, ScriptedCustomer(case)))


def lines_of_play(played: Played) -> list[str]:
    """A role-play with what was found out by each turn, and what it came to."""
    lines = []
    for said, heard in played.turns:
        label = f" [{said.strategy.zh}]" if said.strategy else ""
        lines.append(f"  客服{label} {said.text}")
        if heard is not None:
            notes = [f"mood {heard.mood}", *(f"tells {name}" for name in heard.told)]
            notes += ["demands"] * heard.demanded + ["says who they are"] * heard.identified
            notes += [f"ends: {heard.end}"] * (heard.end is not End.NONE)
            lines.append(f"  客户 ({'; '.join(notes)}) {heard.text}")
    progress = played.progress()
    needed, to_do = played.case.needed, played.case.needed_steps
    told = len(needed) - len(progress.open_facts)
    done = len(to_do) - len(progress.open_steps)
    broken = [
        name
        for name, yes in (
            ("granted the demand", progress.granted),
            ("promised what nobody may", progress.promised),
            ("said what is private", progress.disclosed),
        )
        if yes
    ]
    verdict = "resolved" if progress.resolved else "not resolved"
    found = ", ".join([f"{told} of {len(needed)} needed facts", f"{done} of {len(to_do)} steps", *broken])
    lines.append(f"  {verdict} after {len(played.turns)} turns, end {played.end}: {found}")
    return [_fit(line) for line in lines]

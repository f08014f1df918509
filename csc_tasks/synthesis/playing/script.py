"""A whole call written out from a case card: who says what, in which order, decided by a key and without chance."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from csc_tasks.framework import Strategy
from csc_tasks.roleplay.cards import CardFact, CaseCard, Demand, SolutionStep
from csc_tasks.roleplay.pen import Pen
from csc_tasks.roleplay.wordings import Wordings, wordings_of

__all__ = ["Beat", "ScriptPen", "script_of"]

SCRIPT = "script-zh-1"
# How often there is what need not be: so that the shares of strategies come near those of CSConv.
RESTATED, MORE_FACTS, MORE_STEPS, WORRIED, DEMANDS, HURT, ASKED_BACK, FUTURE = (
    0.85, 0.3, 0.4, 0.75, 0.45, 0.5, 0.8, 0.7,
)  # fmt: skip
MOST = 17
"""Beats of a call."""
S = Strategy
_FIRST = {
    S.INFORMATION_DELIVERY: "inform_first",
    S.PROVIDING_SUGGESTIONS: "suggest_first",
    S.RESOLUTION_IMPLEMENTATION: "act_first",
}


@dataclass(slots=True)
class Beat:
    """What the supporter says, and what the customer answers.

    Attributes:
        strategy: of what the supporter says.
        says: the supporter.
        reply: the customer; empty after the goodbye.
        direction: what the reply is to do, in a few words.
        owed: the reply answers a question, and no other may take its place.
        finished: the customer has nothing more.
    """

    strategy: Strategy
    says: str
    reply: str = ""
    direction: str = "对客服刚才的话作出反应"
    owed: bool = False
    finished: bool = False

    def answer(self, reply: str, direction: str, owed: bool = False) -> None:
        """Give the reply another text."""
        self.reply, self.direction, self.owed = reply, direction, owed


@cache
def _phrases() -> Mapping[str, tuple[Wordings | None, ...]]:
    file = resources.files("csc_tasks.synthesis") / "data" / f"{SCRIPT}.toml"
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        name: tuple(wordings_of(text) if text else None for text in texts) for name, texts in content.items()
    }


class ScriptPen(Pen):
    """Writes as well what is of no case in particular."""

    def phrase(self, name: str, slot: str = "") -> str:
        """One of the script's phrases of a name."""
        return self.write(_phrases()[name], f"{name} {slot}")


def script_of(card: CaseCard, key: str, attempt: int = 0) -> tuple[Beat, ...]:
    """The call of a card, from greeting to goodbye: 8 to 17 beats.

    Args:
        card: whose call it is.
        key: decides what is said, and in which order.
        attempt: gives it other wordings.
    """
    pen = ScriptPen(card, key, attempt)
    greeting = Beat(S.GREETING, pen.phrase("greeting"))
    greeting.answer(pen.write(card.opening, "opening"), "说明为什么打来电话", owed=True)
    beats = [greeting, *_identified(pen), *_understood(pen)]
    for beat in _solved(pen):
        beat(beats)
    return (*beats, *_ended(pen, MOST - len(beats)))


def _identified(pen: ScriptPen) -> list[Beat]:
    """Who it is; and comfort at once for who is upset."""
    mood, name = pen.card.mood, pen.phrase("introduced")
    asked = Beat(S.IDENTITY_VERIFICATION, pen.phrase("identity"))
    if not mood.upset:
        asked.answer(f"{name}。", "报上姓名和号码", owed=True)
        return [asked]
    asked.answer(f"{name}，{pen.write(mood.upset, 'upset')}", "报上姓名和号码，把心里的情绪带出来", owed=True)
    comfort = Beat(S.EMOTIONAL_MANAGEMENT, pen.write(mood.comfort, "comfort"))
    comfort.answer(pen.write(mood.calmer, "calmer"), "情绪缓下来一点", owed=True)
    return [asked, comfort]


def _understood(pen: ScriptPen) -> list[Beat]:
    """What the matter is: asked for, and said back."""
    facts = sorted(pen.card.facts, key=lambda fact: fact.optional)
    asked = [fact for fact in facts if not fact.optional or pen.chance(f"fact {fact.name}") < MORE_FACTS]
    # Not the same strategy three times in a row.
    beats = [_asked(pen, fact) for fact in asked[:2] or [facts[pen.place("fact", len(facts))]]]
    if pen.chance("whether restated") < RESTATED:
        said_back = Beat(S.RESTATEMENT, pen.phrase("restatement"))
        said_back.answer(pen.phrase("confirms"), "确认客服理解得对不对", owed=True)
        beats.insert(pen.place("where restated", len(beats) + 1), said_back)
    if not pen.card.mood.upset:
        beats[0].says = pen.phrase("verified") + beats[0].says
    return beats


def _asked(pen: ScriptPen, fact: CardFact) -> Beat:
    beat = Beat(S.PROBLEM_REFINEMENT, pen.write(fact.asks, f"asks {fact.name}"))
    told = pen.phrase("told_first", fact.name) + pen.write(fact.says, f"tells {fact.name}")
    beat.answer(told, f"回答客服关于“{fact.name}”的问题", owed=True)
    return beat


def _solved(pen: ScriptPen) -> list[Callable[[list[Beat]], None]]:
    """The steps of the solution, with a worry and a demand among them: each adds itself to the beats of before."""
    card = pen.card
    steps = [s for n, s in enumerate(card.steps) if not s.optional or pen.chance(f"step {n}") < MORE_STEPS]
    adding: list[Callable[[list[Beat]], None]] = [
        _step(pen, step, f"step {n}") for n, step in enumerate(steps)
    ]
    # A worry and a demand interrupt: what comes after them begins with a question, or is the end.
    places = [n for n, step in enumerate(steps) if n and step.asked]
    ends = [*places, len(steps)]
    if card.worry and places and pen.chance("worry") < WORRIED:
        early = places[: (len(places) + 1) // 2]
        place = early[pen.place("where worried", len(early))]
        adding.insert(place, _worry(pen))
        ends = [len(adding)]
    if card.demand and pen.chance("demand") < DEMANDS:
        before = [n for n in ends if not _same_twice(steps, n, card.demand)]
        if before:
            adding.insert(before[pen.place("where demanded", len(before))], _demand(pen, card.demand))
    return adding


def _same_twice(steps: Sequence[SolutionStep], place: int, demand: Demand) -> bool:
    """Whether a refusal before this step would be one too many of its strategy."""
    return any(step.does is demand.does for step in steps[max(0, place - 1) : place + 1])


def _step(pen: ScriptPen, step: SolutionStep, slot: str) -> Callable[[list[Beat]], None]:
    def add(beats: list[Beat]) -> None:
        if step.asked and not beats[-1].owed:
            asked = pen.phrase("asked_first", slot) + pen.write(step.asked, f"asked {slot}")
            beats[-1].answer(asked, "接着问下一件放不下的事")
        beat = Beat(step.does, pen.phrase(_FIRST[step.does], slot) + pen.write(step.says, slot))
        beat.answer(pen.write(step.reply, f"reply {slot}"), "对客服刚才的话作出反应")
        beats.append(beat)

    return add


def _worry(pen: ScriptPen) -> Callable[[list[Beat]], None]:
    def add(beats: list[Beat]) -> None:
        worry = pen.card.worry
        if worry is None or beats[-1].owed:
            return
        beats[-1].answer(pen.write(worry.says, "worries"), "把心里最担心的事说出来")
        comfort = Beat(S.EMOTIONAL_MANAGEMENT, pen.write(worry.comfort, "comforts"))
        comfort.answer(pen.phrase("comforted", "worry"), "听了安慰，愿意继续谈")
        beats.append(comfort)

    return add


def _demand(pen: ScriptPen, demand: Demand) -> Callable[[list[Beat]], None]:
    def add(beats: list[Beat]) -> None:
        if beats[-1].owed:
            return
        beats[-1].answer(pen.write(demand.says, "demands"), "提一个自己也知道有点过分的要求")
        accepts = pen.write(demand.accepts, "accepts")
        refusal = Beat(demand.does, pen.write(demand.refusal, "refuses"))
        refusal.answer(accepts, "道理讲通了，不再坚持")
        beats.append(refusal)
        if pen.chance("hurt") < HURT:
            refusal.answer(pen.phrase("refused"), "被拒绝了，心里不痛快")
            comfort = Beat(S.EMOTIONAL_MANAGEMENT, pen.phrase("regret"))
            comfort.answer(accepts, "道理讲通了，不再坚持")
            beats.append(comfort)

    return add


def _ended(pen: ScriptPen, room: int) -> list[Beat]:
    """Asked whether it was good, told what may come, said goodbye to; in as many beats as there is room for."""
    card = pen.card
    beats: list[Beat] = []
    future = pen.chance("future") < FUTURE
    if not future or (room > 2 and pen.chance("feedback") < ASKED_BACK):
        asked = Beat(S.FEEDBACK_REQUEST, pen.phrase("feedback"))
        pool = "content_after_all" if card.mood.upset else "content"
        asked.answer(pen.phrase(pool), "说说对这次服务的看法")
        beats.append(asked)
    if future:
        beats.append(Beat(S.RELATIONSHIP_CONTINUATION, pen.write(card.future, "future")))
    beats[-1].answer(pen.write(card.closing, "closing"), "没有别的事了，自然地结束")
    beats[-1].finished = True
    return [*beats, Beat(S.APPRECIATION_AND_CLOSURE, pen.phrase("goodbye"))]

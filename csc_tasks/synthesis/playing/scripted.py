"""Who answers in a run without models: each role from a case card and from what it is shown, and from nothing else.

An answer is a function of the case, the question and the attempt, so that a run which goes on says what it would have
said. What comes of it is simple, and its card says so; the pipeline around it is the real one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.roleplay.cards import CaseCard, load_cards
from csc_tasks.synthesis.playing.marks import faults_in
from csc_tasks.synthesis.playing.roleplay import MARKS
from csc_tasks.synthesis.playing.script import Beat, ScriptPen, script_of
from csc_tasks.synthesis.steps import Case, Role, Step

__all__ = ["card_on", "scripted_answer"]

_TRIES = 40
_INSTEAD = (
    Strategy.RESTATEMENT,
    Strategy.EMOTIONAL_MANAGEMENT,
    Strategy.RELATIONSHIP_CONTINUATION,
    Strategy.FEEDBACK_REQUEST,
    Strategy.OTHERS,
    Strategy.APPRECIATION_AND_CLOSURE,
)
"""What any card has a sentence of, for a strategy of the script that may not come now."""


def card_on(topic: str, number: int) -> str:
    """The id of a card on a topic; by number one after the other.

    Raises:
        ConfigError: there is none on this topic.
    """
    cards = [card for card in load_cards().values() if card.topic == topic]
    if not cards:
        topics = "、".join(dict.fromkeys(card.topic for card in load_cards().values()))
        raise ConfigError(
            f"there is no case card on {topic!r:.60}, and scripts need one; there are cards on {topics}"
        )
    return cards[number % len(cards)].id


def scripted_answer(case: Case, step: Step, attempt: int) -> str:
    """The text of an answer: a JSON object in the form that the role is told.

    Args:
        case: ``content`` has ``topic``, and may name a ``card``.
        step: ``material`` has what the role sees, ``utterances`` so far, and where the role may see them ``allowed``
            and ``strategy``.
        attempt: from 0; another wording each time.
    """
    answer = _ROLES.get(step.role)
    if answer is None:
        raise ConfigError(f"there is no script for the role {step.role}")
    return json.dumps(answer(_Call(case, attempt), step.material), ensure_ascii=False)


class _Call:
    """The call of a case, written out."""

    def __init__(self, case: Case, attempt: int) -> None:
        self.card = _card_of(case)
        self.key, self.attempt = case.id, attempt
        self.beats = _script(self.card.id, case.id, attempt)

    def now(self, said: Sequence[Utterance]) -> int:
        """Which beat it is, by how often the supporter has spoken."""
        return sum(u.speaker is Speaker.SUPPORTER for u in said)

    def beat(self, number: int) -> Beat:
        """The beat of this number; from the end on the last one."""
        return self.beats[min(number, len(self.beats) - 1)]


@lru_cache(maxsize=256)
def _script(card: str, key: str, attempt: int) -> tuple[Beat, ...]:
    return script_of(load_cards()[card], key, attempt)


def _card_of(case: Case) -> CaseCard:
    name = case.content.get("card") or card_on(str(case.content["topic"]), case.number)
    try:
        return load_cards()[name]
    except KeyError:
        raise ConfigError(
            f"there is no case card {name!r:.60}; there are {', '.join(load_cards())}"
        ) from None


def _planner(call: _Call, material: Mapping[str, Any]) -> dict[str, Any]:
    goal = ScriptPen(call.card, call.key).write((call.card.goal,), "goal")
    return {"dialogue_scenario": call.card.scenario, "customer_goal": goal}


def _supporter_assistant(call: _Call, material: Mapping[str, Any]) -> dict[str, Any]:
    planned = call.beat(call.now(material["utterances"])).strategy
    allowed = material["allowed"]
    if planned in allowed:
        chosen, reason = planned, "按通话的进程，这时该这样说"
    else:
        chosen = next((s for s in _INSTEAD if s in allowed), allowed[0])
        reason = f"{planned.zh}这时不能用，换一种"
    return {"reason": reason, "strategy": chosen.zh}


def _supporter(call: _Call, material: Mapping[str, Any]) -> dict[str, Any]:
    strategy, now = material["strategy"], call.now(material["utterances"])
    beat, said = call.beat(now), {u.text for u in material["utterances"]}
    if beat.strategy is strategy and beat.says not in said:
        return {"text": beat.says}
    others = (_in_other_words(call, strategy, now + n) for n in range(_TRIES))
    return {"text": next((text for text in others if text not in said), beat.says)}


def _in_other_words(call: _Call, strategy: Strategy, now: int) -> str:
    """Something of a strategy that is not the script's at this place."""
    pen, card = ScriptPen(call.card, call.key, call.attempt), call.card
    slot = f"instead {now}"
    if strategy is Strategy.EMOTIONAL_MANAGEMENT:
        return pen.write(card.mood.comfort, slot)
    if strategy is Strategy.RELATIONSHIP_CONTINUATION:
        return pen.write(card.future, slot)
    if strategy is Strategy.PROBLEM_REFINEMENT:
        return pen.write(card.facts[now % len(card.facts)].asks, slot)
    steps = [step for step in card.steps if step.does is strategy]
    if steps:
        return pen.write(steps[now % len(steps)].says, slot)
    phrases = {
        Strategy.GREETING: "greeting",
        Strategy.IDENTITY_VERIFICATION: "identity",
        Strategy.RESTATEMENT: "restatement",
        Strategy.FEEDBACK_REQUEST: "feedback",
        Strategy.APPRECIATION_AND_CLOSURE: "goodbye",
    }
    return pen.phrase(phrases.get(strategy, "out_of_scope"), slot)


def _customer_assistant(call: _Call, material: Mapping[str, Any]) -> dict[str, Any]:
    return {"direction": call.beat(call.now(material["utterances"]) - 1).direction}


def _customer(call: _Call, material: Mapping[str, Any]) -> dict[str, Any]:
    """What is owed to a question that was not the script's is what the card says to it."""
    said: Sequence[Utterance] = material["utterances"]
    beat = call.beat(call.now(said) - 1)
    reply, finished = beat.reply, beat.finished
    asked = said[-1].text if said else ""
    if asked != beat.says and (fact := call.card.asked_in(asked)) is not None:
        reply, finished = (
            ScriptPen(call.card, call.key, call.attempt).write(fact.says, f"tells {fact.name}"),
            False,
        )
    return {"reason": beat.direction, "is_dialogue_finished": finished, "text": reply}


def _critic(call: _Call, material: Mapping[str, Any]) -> dict[str, Any]:
    faults = faults_in(material["utterances"])
    reason = "；".join(faults.values()) or "没有找到规则看得出的毛病"
    return {"reason": reason, **{mark: mark not in faults for mark in MARKS}}


_ROLES: Mapping[Role, Callable[[_Call, Mapping[str, Any]], dict[str, Any]]] = {
    Role.PLANNER: _planner,
    Role.SUPPORTER_ASSISTANT: _supporter_assistant,
    Role.SUPPORTER: _supporter,
    Role.CUSTOMER_ASSISTANT: _customer_assistant,
    Role.CUSTOMER: _customer,
    Role.CRITIC: _critic,
}

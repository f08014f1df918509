"""Role-play as RoleCS was made: a planner, and two pairs of an assistant who decides and a speaker who says it.

The information pattern is in :mod:`csc_tasks.synthesis.information`. Upstream (arXiv 2508.04423, aliyun/qwen-dianjin)
ends at a goodbye, when the customer is finished, or after 50 utterances; so does this, but a customer who is finished
is still said goodbye to, for the construction rules of CSConv want that. Two questions have one answer by upstream's
rules (the first two strategies): they are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.roleplay.asking.answers import Unusable, object_of, spoken, strategy_of, text_of, truth_of
from csc_tasks.roleplay.asking.prompts import Framed, object_schema
from csc_tasks.roleplay.cards import load_cards
from csc_tasks.roleplay.leaks import gives_away
from csc_tasks.synthesis.information import SEES, Item, seen_by
from csc_tasks.synthesis.journal import digest_of
from csc_tasks.synthesis.limits import UPSTREAM, Limits
from csc_tasks.synthesis.playing.topics import topic_line
from csc_tasks.synthesis.prompts import RolePrompts
from csc_tasks.synthesis.steps import Case, CaseOutcome, Machine, Role, Step

__all__ = ["MARKS", "Roleplay", "Setting", "allowed_now"]

MARKS = ("strategy_followed", "unreasonable_demands_named", "natural", "varied", "in_role")
"""What a conversation must be, each: upstream's five marks."""
ROLES = (
    Role.PLANNER,
    Role.SUPPORTER_ASSISTANT,
    Role.SUPPORTER,
    Role.CUSTOMER_ASSISTANT,
    Role.CUSTOMER,
    Role.CRITIC,
)
_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_TRUTH: Mapping[str, Any] = {"type": "boolean"}
_NOTHING_YET = Framed("（对话还没有开始）")


class Setting(NamedTuple):
    """Who calls about what: a profile as text, a topic, and the id of the case card that a scripted call follows."""

    profile: str
    topic: str
    card: str = ""


class _Plan(NamedTuple):
    scenario: str
    goal: str


class _Said(NamedTuple):
    text: str
    finished: bool
    reason: str


def allowed_now(
    said: Sequence[Utterance], finished: bool = False, limits: Limits = UPSTREAM
) -> tuple[Strategy, ...]:
    """The strategies that the supporter can choose next.

    Args:
        said: the conversation so far.
        finished: the customer has said everything.
        limits: of the conversation.
    """
    used = [u.strategy for u in said if u.speaker is Speaker.SUPPORTER]
    if not used:
        return (Strategy.GREETING,)
    if len(used) == 1:
        return (Strategy.IDENTITY_VERIFICATION,)
    if finished:
        return (Strategy.APPRECIATION_AND_CLOSURE,)
    closed = {Strategy.GREETING, Strategy.IDENTITY_VERIFICATION}
    if len(used) + 1 < limits.turns:
        closed.add(Strategy.APPRECIATION_AND_CLOSURE)
    last = used[-limits.in_a_row :]
    if len(last) == limits.in_a_row and len(set(last)) == 1 and last[0] is not None:
        closed.add(last[0])
    return tuple(s for s in Strategy if s not in closed)


class Roleplay:
    """Conversations between a supporter and a customer who are played.

    Args:
        settings: who calls about what, in order.
        prompts: what the roles are told.
        seed: of the run.
        source: what the settings are, for the run's signature, as JSON values.
        limits: of a conversation.
    """

    kind = "roleplay"
    roles = ROLES

    def __init__(
        self,
        settings: Sequence[Setting],
        prompts: RolePrompts,
        seed: int,
        source: Mapping[str, Any],
        limits: Limits = UPSTREAM,
    ) -> None:
        self._settings, self._prompts, self._seed, self._limits = settings, prompts, seed, limits
        self._source = source

    @property
    def signature(self) -> Mapping[str, Any]:
        """What must be the same for a run to go on."""
        return {
            "prompts": f"{self._prompts.version} ({self._prompts.sha256[:8]})",
            "limits": self._limits.model_dump(),
            "source": dict(self._source),
        }

    def cases(self) -> Iterator[Case]:
        """A case for each setting."""
        for number, setting in enumerate(self._settings):
            content = {"profile": setting.profile, "topic": setting.topic}
            identity = digest_of(self.kind, self._seed, content)[:16]
            if setting.card:
                content |= {"card": setting.card, "who": load_cards()[setting.card].who}
            yield Case(identity, number, content)

    def machine(self, case: Case) -> Machine:
        """The conversation of a setting, step by step."""
        return _Play(case, self._prompts, self._limits).machine()


class _Play:
    """One conversation: what is known, and what each role is asked."""

    def __init__(self, case: Case, prompts: RolePrompts, limits: Limits) -> None:
        self._prompts, self._limits = prompts, limits
        self._topic = str(case.content["topic"])
        self._profile = str(case.content["profile"])
        self._known: dict[Item, Framed] = {
            Item.PROFILE: Framed.of(self._profile),
            Item.TOPIC: Framed.of(topic_line(self._topic)),
            Item.STRATEGIES: prompts.all_strategies(),
        }
        self._card = str(case.content.get("card") or "")
        self._who = str(case.content.get("who") or self._profile)
        self._goal = ""
        self._said: list[Utterance] = []
        self._lines: list[Framed] = []
        self._labelled: list[Framed] = []
        self._notes: list[dict[str, str]] = []

    def machine(self) -> Machine:
        """Everything that is asked, in order."""
        plan = yield self._planner()
        self._goal = plan.goal
        self._known |= {Item.SCENARIO: Framed.of(plan.scenario), Item.GOAL: Framed.of(plan.goal)}
        finished, ended = False, ""
        while not ended:
            allowed = allowed_now(self._said, finished, self._limits)
            strategy, why = allowed[0], ""
            if len(allowed) > 1:
                strategy, why = yield self._supporter_assistant(allowed)
            text = yield self._supporter(strategy)
            self._say(Utterance(Speaker.SUPPORTER, strategy, text), {"reason": why})
            if strategy is Strategy.APPRECIATION_AND_CLOSURE:
                ended = "customer" if finished else "goodbye"
                break
            if len(self._said) >= self._limits.utterances:
                ended = "limit"
                break
            direction = yield self._customer_assistant()
            said = yield self._customer(direction)
            self._say(
                Utterance(Speaker.CUSTOMER, None, said.text), {"direction": direction, "reason": said.reason}
            )
            finished = said.finished
            if len(self._said) >= self._limits.utterances:
                ended = "limit"
        marks = yield self._critic()
        failed = [name for name in MARKS if not marks[name]]
        dropped = f"mark {failed[0]}" if failed else ""
        conversation = None if failed else Conversation.of(self._topic, self._said)
        return CaseOutcome(conversation, dropped, self._provenance(plan, ended, marks))

    def _provenance(self, plan: _Plan, ended: str, marks: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "topic": self._topic,
            "profile": self._who,
            **({"card": self._card} if self._card else {}),
            "scenario": plan.scenario,
            "goal": plan.goal,
            "ended": ended,
            "marks": {name: marks[name] for name in MARKS},
            "marks_reason": marks["reason"],
            "utterances": self._notes,
        }

    def _say(self, utterance: Utterance, note: Mapping[str, str]) -> None:
        self._said.append(utterance)
        line = Framed.of(f"{utterance.speaker.value}: {utterance.text}")
        self._lines.append(line)
        label = utterance.strategy.zh if utterance.strategy else ""
        labelled = f"{utterance.speaker.value}: [{label}] {utterance.text}"
        self._labelled.append(Framed.of(labelled) if label else line)
        self._notes.append({name: text for name, text in note.items() if text})

    # --- the questions ---

    def _step(
        self,
        role: Role,
        fields: Mapping[str, Mapping[str, Any]],
        read: Any,
        more: Mapping[Item, str] | None = None,
        **values: Any,
    ) -> Step:
        sees = SEES[role]
        known = {**self._known, **{item: Framed.of(text) for item, text in (more or {}).items()}}
        if Item.HISTORY in sees:
            known[Item.HISTORY] = Framed.lines(self._lines) if self._lines else _NOTHING_YET
        if Item.LABELLED_HISTORY in sees:
            known[Item.LABELLED_HISTORY] = Framed.lines(self._labelled) if self._labelled else _NOTHING_YET
        material: dict[str, Any] = {str(item): shown.text for item, shown in seen_by(role, known).items()}
        if role is Role.PLANNER:
            material["topic"] = self._topic
        else:
            material["utterances"] = tuple(self._said)
        messages = self._prompts.messages(role, known)
        return Step(role, messages, object_schema(role, fields), read, {**material, **values})

    def _planner(self) -> Step:
        profile = self._profile

        def read(text: str) -> _Plan:
            found = object_of(text, ("dialogue_scenario", "customer_goal"))
            scenario = text_of(found["dialogue_scenario"], "dialogue_scenario", 1000)
            goal = text_of(found["customer_goal"], "customer_goal", 500)
            if gives_away(scenario, goal):
                raise Unusable("the scenario gives the goal away")
            if gives_away(scenario, profile):
                raise Unusable("the scenario gives the profile away")
            return _Plan(scenario, goal)

        return self._step(Role.PLANNER, {"dialogue_scenario": _TEXT, "customer_goal": _TEXT}, read)

    def _supporter_assistant(self, allowed: Sequence[Strategy]) -> Step:
        def read(text: str) -> tuple[Strategy, str]:
            found = object_of(text, ("strategy",))
            return strategy_of(found["strategy"], allowed), _reason(found)

        names = {"type": "string", "enum": [s.zh for s in allowed]}
        listed = {Item.ALLOWED: "、".join(s.zh for s in allowed)}
        return self._step(
            Role.SUPPORTER_ASSISTANT,
            {"reason": _TEXT, "strategy": names},
            read,
            listed,
            allowed=tuple(allowed),
        )

    def _supporter(self, strategy: Strategy) -> Step:
        def read(text: str) -> str:
            said = spoken(object_of(text, ("text",))["text"], "supporter")
            self._require_news(said, Speaker.SUPPORTER)
            return said

        chosen = {Item.STRATEGY: self._prompts.define(strategy)}
        return self._step(Role.SUPPORTER, {"text": _TEXT}, read, chosen, strategy=strategy)

    def _customer_assistant(self) -> Step:
        goal = self._goal

        def read(text: str) -> str:
            direction = text_of(object_of(text, ("direction",))["direction"], "direction", 500)
            if gives_away(direction, goal):
                raise Unusable("the direction gives the goal away")
            return direction

        return self._step(Role.CUSTOMER_ASSISTANT, {"direction": _TEXT}, read)

    def _customer(self, direction: str) -> Step:
        def read(text: str) -> _Said:
            found = object_of(text, ("text", "is_dialogue_finished"))
            said = spoken(found["text"], "customer")
            self._require_news(said, Speaker.CUSTOMER)
            finished = truth_of(found["is_dialogue_finished"], "is_dialogue_finished")
            return _Said(said, finished, _reason(found))

        fields = {"reason": _TEXT, "is_dialogue_finished": _TRUTH, "text": _TEXT}
        return self._step(Role.CUSTOMER, fields, read, {Item.DIRECTION: direction})

    def _critic(self) -> Step:
        def read(text: str) -> dict[str, Any]:
            found = object_of(text, MARKS)
            return {**{name: truth_of(found[name], name) for name in MARKS}, "reason": _reason(found)}

        return self._step(Role.CRITIC, {"reason": _TEXT, **dict.fromkeys(MARKS, _TRUTH)}, read)

    def _require_news(self, text: str, speaker: Speaker) -> None:
        """Check that nobody repeats what was said: an echo of the other one, or a longer text of one's own again."""
        last = self._said[-1] if self._said else None
        if last is not None and last.text == text:
            raise Unusable("it repeats what the other one said")
        if len(text) > 15 and any(u.text == text for u in self._said if u.speaker is speaker):
            raise Unusable("it repeats itself")


def _reason(found: Mapping[str, Any]) -> str:
    """The reason that a role gives, where it gives one; it decides nothing."""
    reason = found.get("reason", "")
    return reason.strip()[:1000] if isinstance(reason, str) else ""

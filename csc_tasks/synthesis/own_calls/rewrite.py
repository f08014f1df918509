"""Conversations out of real calls, as CSConv was made: filter, rewriting with labels, a critic; or labels alone.

After upstream's way (arXiv 2508.04423, aliyun/qwen-dianjin): a rule filter; a model that leaves out abuse and cold
supporters; one request that rewrites and labels; a model that looks at what came of it; the construction rules.
Here the rules are held to in reading the answer: one that breaks them is asked for again and read by no critic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.roleplay.asking.answers import Unusable, object_of, spoken, strategy_of, text_of, truth_of
from csc_tasks.roleplay.asking.prompts import Framed, object_schema
from csc_tasks.synthesis.information import Item
from csc_tasks.synthesis.journal import digest_of
from csc_tasks.synthesis.own_calls.call_rules import (
    CallFilter,
    ConstructionRules,
    is_stage_direction,
    with_square_brackets,
)
from csc_tasks.synthesis.own_calls.reading import CallFile, RealCall
from csc_tasks.synthesis.own_calls.redaction import redact_call
from csc_tasks.synthesis.prompts import RolePrompts
from csc_tasks.synthesis.steps import Case, CaseOutcome, Machine, Role, Step

__all__ = ["ANNOTATE_PROMPTS", "CHECKS", "REWRITE_PROMPTS", "Rewriting", "roles_of"]

REWRITE_PROMPTS, ANNOTATE_PROMPTS = "rewrite-zh-1", "annotate-zh-1"
CHECKS = ("ends_properly", "strategies_followed", "two_speakers_only")
"""What a rewritten conversation must be, each."""
_TRUTH: Mapping[str, Any] = {"type": "boolean"}
_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_NAMES = [strategy.zh for strategy in Strategy]
_DIALOGUE: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "speaker": {"type": "string", "enum": [speaker.value for speaker in Speaker]},
            "strategy": {"type": "string", "enum": [*_NAMES, ""]},
            "text": _TEXT,
        },
        "required": ["speaker", "strategy", "text"],
        "additionalProperties": False,
    },
}
_LABELS: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"number": {"type": "integer"}, "strategy": {"type": "string", "enum": _NAMES}},
        "required": ["number", "strategy"],
        "additionalProperties": False,
    },
}


def roles_of(annotate_only: bool) -> tuple[Role, ...]:
    """Those that are asked."""
    return (Role.REWRITER,) if annotate_only else (Role.SCREENER, Role.REWRITER, Role.CRITIC)


class _Rewritten(NamedTuple):
    """A conversation as it was written, and how much personal data the model invented, by kind."""

    utterances: tuple[Utterance, ...]
    invented: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Conversations out of the calls of a file.

    Attributes:
        calls: the file.
        prompts: what the roles are told.
        seed: of the run.
        annotate_only: keep every text and ask for labels alone.
        screening: the filter before, by rule.
        rules: what the conversation must be.
    """

    calls: CallFile
    prompts: RolePrompts
    seed: int = 0
    annotate_only: bool = False
    screening: CallFilter = field(default_factory=CallFilter)
    rules: ConstructionRules = field(default_factory=ConstructionRules)

    @property
    def kind(self) -> str:
        """``rewrite`` or ``annotate``."""
        return "annotate" if self.annotate_only else "rewrite"

    @property
    def roles(self) -> tuple[Role, ...]:
        """Those that are asked."""
        return roles_of(self.annotate_only)

    @property
    def signature(self) -> Mapping[str, Any]:
        """What must be the same for a run to go on."""
        rules = asdict(self._rules)
        rules["needed"] = [strategy.number for strategy in self._rules.needed]
        return {
            "prompts": f"{self.prompts.version} ({self.prompts.sha256[:8]})",
            "filter": asdict(self.screening),
            "rules": rules,
            **self.calls.identity(),
        }

    @property
    def _rules(self) -> ConstructionRules:
        return ConstructionRules.of_form() if self.annotate_only else self.rules

    def cases(self) -> Iterator[Case]:
        """A case for each call that can be read, those that the filter leaves out as well."""
        for number, call in enumerate(self.calls.each()):
            yield Case(digest_of(self.kind, self.seed, call.id)[:16], number, _content(call))

    def machine(self, case: Case) -> Machine:
        """What is asked about a call."""
        utterances = tuple(Utterance(Speaker(who), None, text) for who, text in case.content["utterances"])
        return _Work(self, case, utterances).machine()

    def rule_broken(self, utterances: Sequence[Utterance]) -> str:
        """The rule of the filter that a call breaks, empty for a good one."""
        broken = self.screening.broken(utterances)
        if not broken and self.annotate_only and any(a.speaker is b.speaker for a, b in pairwise(utterances)):
            return "the speakers do not alternate (--merge)"
        return broken


def _content(call: RealCall) -> Mapping[str, Any]:
    return {
        "call": call.id,
        "place": call.place,
        "topic": call.topic,
        "utterances": [[u.speaker.value, u.text] for u in call.utterances],
        "replaced": dict(call.replaced),
    }


class _Work:
    """One call: what is known of it, and what each role is asked."""

    def __init__(self, pipeline: Rewriting, case: Case, utterances: tuple[Utterance, ...]) -> None:
        self._pipeline, self._case, self._utterances = pipeline, case, utterances
        self._topic = str(case.content["topic"])
        self._provenance: dict[str, Any] = {
            **{name: case.content[name] for name in ("topic", "call", "place", "replaced")},
            "source_utterances": len(utterances),
        }

    def machine(self) -> Machine:
        """Everything that is asked, in order."""
        if broken := self._pipeline.rule_broken(self._utterances):
            return self._dropped(f"filter: {broken}")
        if self._pipeline.annotate_only:
            labels = yield self._labels()
            return self._made(self._labelled(labels))
        abusive, cold = yield self._screener()
        if abusive or cold:
            return self._dropped("screener: abuse" if abusive else "screener: a cold or impatient supporter")
        written = yield self._rewriter()
        self._provenance["invented"] = dict(written.invented)
        checks = yield self._critic(written.utterances)
        self._provenance |= {
            "marks": {name: checks[name] for name in CHECKS},
            "marks_reason": checks["reason"],
        }
        failed = [name for name in CHECKS if not checks[name]]
        return self._dropped(f"critic: {failed[0]}") if failed else self._made(written.utterances)

    def _dropped(self, why: str) -> CaseOutcome:
        return CaseOutcome(None, why, self._provenance)

    def _made(self, utterances: Sequence[Utterance]) -> CaseOutcome:
        return CaseOutcome(Conversation.of(self._topic, utterances), "", self._provenance)

    # --- the questions ---

    def _step(
        self, role: Role, fields: Mapping[str, Mapping[str, Any]], read: Any, known: Mapping[Item, str]
    ) -> Step:
        prompts = self._pipeline.prompts
        framed = {item: Framed.of(text) for item, text in known.items()}
        framed[Item.STRATEGIES] = prompts.all_strategies()
        material = {"utterances": self._utterances, "topic": self._topic}
        return Step(role, prompts.messages(role, framed), object_schema(role, fields), read, material)

    def _screener(self) -> Step:
        def read(text: str) -> tuple[bool, bool]:
            found = object_of(text, ("abusive", "cold_supporter"))
            return truth_of(found["abusive"], "abusive"), truth_of(found["cold_supporter"], "cold_supporter")

        fields = {"abusive": _TRUTH, "cold_supporter": _TRUTH}
        return self._step(Role.SCREENER, fields, read, {Item.CALL: _shown(self._utterances)})

    def _rewriter(self) -> Step:
        def read(text: str) -> _Rewritten:
            return self._written(object_of(text, ("dialogue",))["dialogue"])

        return self._step(Role.REWRITER, {"dialogue": _DIALOGUE}, read, {Item.CALL: _shown(self._utterances)})

    def _critic(self, utterances: Sequence[Utterance]) -> Step:
        def read(text: str) -> dict[str, Any]:
            found = object_of(text, ("reason", *CHECKS))
            reason = text_of(found["reason"], "reason")
            if self._pipeline.calls.redacted:
                reason = redact_call([reason]).texts[0]
            return {"reason": reason, **{name: truth_of(found[name], name) for name in CHECKS}}

        fields = {"reason": _TEXT, **dict.fromkeys(CHECKS, _TRUTH)}
        return self._step(Role.CRITIC, fields, read, {Item.LABELLED_HISTORY: _shown(utterances)})

    def _labels(self) -> Step:
        count = sum(u.speaker is Speaker.SUPPORTER for u in self._utterances)

        def read(text: str) -> list[Strategy]:
            labels = object_of(text, ("labels",))["labels"]
            if not isinstance(labels, list) or len(labels) != count:
                raise Unusable("not as many labels as supporter utterances")
            if not all(isinstance(each, Mapping) for each in labels):
                raise Unusable("a label is no object")
            if [each.get("number") for each in labels] not in (
                list(range(1, count + 1)),
                [str(i) for i in range(1, count + 1)],
            ):
                raise Unusable("labels of other utterances than were numbered")
            return [_one_strategy(each.get("strategy")) for each in labels]

        numbered = _shown(self._utterances, numbered=True)
        return self._step(Role.REWRITER, {"labels": _LABELS}, read, {Item.CALL: numbered})

    # --- the answers ---

    def _labelled(self, labels: Sequence[Strategy]) -> list[Utterance]:
        following = iter(labels)
        return [
            Utterance(u.speaker, next(following) if u.speaker is Speaker.SUPPORTER else None, u.text)
            for u in self._utterances
        ]

    def _written(self, raw: Any) -> _Rewritten:
        """The conversation that a model wrote, cleaned up and held to the rules."""
        rules = self._pipeline.rules
        if not isinstance(raw, list) or not all(isinstance(each, Mapping) for each in raw):
            raise Unusable("dialogue is no list of utterances")
        if len(raw) > 2 * rules.most:
            raise Unusable(f"more than {rules.most} utterances")
        while raw and is_stage_direction(str(raw[-1].get("text", ""))):
            raw = raw[:-1]
        if any(is_stage_direction(str(each.get("text", ""))) for each in raw):
            raise Unusable("a stage direction for an utterance")
        written = []
        for each in raw:
            speaker = _speaker(each.get("speaker"))
            strategy = _one_strategy(each.get("strategy")) if speaker is Speaker.SUPPORTER else None
            name = "supporter" if speaker is Speaker.SUPPORTER else "customer"
            written.append(Utterance(speaker, strategy, with_square_brackets(spoken(each.get("text"), name))))
        invented: Mapping[Any, int] = {}
        if self._pipeline.calls.redacted:
            texts, invented = redact_call([u.text for u in written])
            written = [Utterance(u.speaker, u.strategy, text) for u, text in zip(written, texts, strict=True)]
        if broken := rules.broken(written):
            raise Unusable(broken)
        return _Rewritten(tuple(written), {str(kind): n for kind, n in invented.items()})


def _speaker(value: Any) -> Speaker:
    try:
        return Speaker(value.strip() if isinstance(value, str) else value)
    except ValueError:
        raise Unusable("a speaker who is neither 客服 nor 客户") from None


def _one_strategy(value: Any) -> Strategy:
    if isinstance(value, str) and any(sign in value for sign in "+＋"):
        raise Unusable("two strategies in one utterance")
    return strategy_of(value)


def _shown(utterances: Sequence[Utterance], numbered: bool = False) -> str:
    """A conversation, an utterance a line: what one says cannot pass for what the other says."""
    lines, number = [], 0
    for u in utterances:
        label = f"[{u.strategy.zh}] " if u.strategy else ""
        before = ""
        if numbered and u.speaker is Speaker.SUPPORTER:
            number += 1
            before = f"{number}. "
        lines.append(f"{before}{u.speaker.value}: {label}{' '.join(u.text.split())}")
    return "\n".join(lines)

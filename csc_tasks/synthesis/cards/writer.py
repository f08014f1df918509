"""Case cards as a pipeline of the synthesis: a conversation, a draft, what is wrong with it, the next draft."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from csc_tasks.data.conversations import Conversation, Utterance
from csc_tasks.data.domains import Domain
from csc_tasks.data.sources import Corpus
from csc_tasks.roleplay.asking.prompts import Framed, object_schema
from csc_tasks.roleplay.card_faults import CardFault
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.synthesis.cards.drafts import CARD_SCHEMA, Draft, draft_in
from csc_tasks.synthesis.cards.fault_words import faults_in_chinese, reason_of
from csc_tasks.synthesis.information import Item
from csc_tasks.synthesis.journal import digest_of
from csc_tasks.synthesis.own_calls.redaction import REDACTION, redact_call
from csc_tasks.synthesis.prompts import RolePrompts
from csc_tasks.synthesis.steps import Case, CaseOutcome, Machine, Role, Step

__all__ = ["CARD_PROMPTS", "DRAFTS", "MADE", "CardWriting", "card_record"]

CARD_PROMPTS = "cards-zh-1"
DRAFTS = 4
"""Times that a card is written before its conversation is given up."""
MADE = "a case card"
"""Why a case that came to a card ends without a conversation."""
COMPANY = "[公司名称]客服热线"
_NONE_YET = Framed("（还没有）")


@dataclass(frozen=True)
class CardWriting:
    """A card for each conversation of a corpus.

    Attributes:
        corpus: the conversations.
        prompts: what the writer is told.
        seed: of the run.
        drafts: most drafts of a card.
    """

    corpus: Corpus
    prompts: RolePrompts
    seed: int = 0
    drafts: int = DRAFTS
    kind: str = field(default="cards", init=False)
    roles: tuple[Role, ...] = field(default=(Role.CARD_WRITER,), init=False)

    @property
    def signature(self) -> Mapping[str, Any]:
        """What must be the same for a run to go on."""
        return {
            "prompts": f"{self.prompts.version} ({self.prompts.sha256[:8]})",
            "drafts": self.drafts,
            "source": self.corpus.fingerprint,
            "redaction": REDACTION,
        }

    def cases(self) -> Iterator[Case]:
        """A case for each conversation; one that stands there twice gives one card."""
        yield from self._cases

    @cached_property
    def _cases(self) -> tuple[Case, ...]:
        found: dict[str, Case] = {}
        for conversation in self.corpus.conversations:
            if conversation.id not in found:
                number = len(found)
                case_id = digest_of(self.kind, self.seed, conversation.id)[:16]
                found[conversation.id] = Case(case_id, number, _content(conversation))
        return tuple(found.values())

    @property
    def replaced(self) -> Mapping[str, int]:
        """Personal data that was replaced in the conversations before anything is sent, by kind."""
        sums: dict[str, int] = {}
        for case in self._cases:
            for kind, count in case.content["replaced"].items():
                sums[kind] = sums.get(kind, 0) + count
        return sums

    def machine(self, case: Case) -> Machine:
        """Drafts until one is a card."""
        faults: tuple[CardFault, ...] = ()
        draft: Draft | None = None
        invented: dict[str, int] = {}
        about = {name: case.content[name] for name in ("conversation", "topic", "replaced")}
        for number in range(1, self.drafts + 1):
            draft = yield self._step(case, draft, faults)
            invented = dict(draft.replaced)
            card, faults = draft.judged(**_ours(case))
            if card is not None:
                told = {"card": card_record(card), "drafts": number, "invented": invented}
                return CaseOutcome(None, MADE, {**about, **told})
        assert draft is not None
        told = {"drafts": self.drafts, "faults": [str(fault) for fault in faults], "draft": dict(draft.parts)}
        return CaseOutcome(None, reason_of(faults[0]), {**about, **told})

    def _step(self, case: Case, draft: Draft | None, faults: Sequence[CardFault]) -> Step:
        known = {
            Item.TOPIC: Framed.of(str(case.content["topic"])),
            Item.CALL: Framed.of(str(case.content["call"])),
            Item.STRATEGIES: self.prompts.all_strategies(),
            Item.DRAFT: _NONE_YET if draft is None else Framed.of(_shown(draft)),
            Item.FAULTS: Framed.of(faults_in_chinese(faults)) if faults else _NONE_YET,
        }
        named = bool(case.content["replaced"])

        def read(answer: str) -> Draft:
            return draft_in(answer, names_too=named)

        schema = object_schema(Role.CARD_WRITER, CARD_SCHEMA)
        return Step(Role.CARD_WRITER, self.prompts.messages(Role.CARD_WRITER, known), schema, read)


def card_record(card: CaseCard) -> dict[str, Any]:
    """A card as it stands in a file; what is as it is by default is left out."""
    return dict(json.loads(card.model_dump_json(exclude_defaults=True)))


def _content(conversation: Conversation) -> Mapping[str, Any]:
    # What leaves this machine: a conversation of one's own may hold what CSConv's do not.
    texts, counts = redact_call([u.text for u in conversation.utterances])
    lines = [_line(u, text) for u, text in zip(conversation.utterances, texts, strict=True)]
    return {
        "conversation": conversation.id,
        "topic": conversation.topic,
        "call": "\n".join(lines),
        "replaced": {str(kind): count for kind, count in counts.items()},
    }


def _line(said: Utterance, text: str) -> str:
    """An utterance in one line: what one says cannot pass for what the other says."""
    label = f"[{said.strategy.zh}] " if said.strategy else ""
    return f"{said.speaker.value}: {label}{' '.join(text.split())}"


def _shown(draft: Draft) -> str:
    """A draft as the model is to answer it: what is private in a lookup under the name that it was asked for."""
    parts = dict(draft.parts)
    if isinstance(lookups := parts.get("lookups"), list):
        parts["lookups"] = [
            {"private" if name == "shown_by" else name: value for name, value in each.items()}
            if isinstance(each, dict)
            else each
            for each in lookups
        ]
    return json.dumps(parts, ensure_ascii=False)


def _ours(case: Case) -> Mapping[str, Any]:
    """The fields of a card that no model writes."""
    topic, conversation = str(case.content["topic"]), str(case.content["conversation"])
    slug = Domain(topic).name.lower() if topic in set(Domain) else "own"
    return {
        "id": f"{slug}-{digest_of('card', conversation)[:12]}",
        "topic": topic,
        "company": COMPANY,
        "made_from": conversation,
    }

"""Gold conversations gone on with by a model customer, beside what the real customers said at the same turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.data.sampling import stratified
from csc_tasks.metrics.variety import Distinct
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.checking.record import ReplayFigures, SayingFigures
from csc_tasks.roleplay.customer_words import is_at_ease, is_upset
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.model_customer.customer import ModelCustomer
from csc_tasks.roleplay.model_customer.simulator import ModelSimulator
from csc_tasks.roleplay.transcript import CustomerTurn, End, SupporterTurn

__all__ = ["GoldTurn", "gold_turns", "replay_figures"]

TURNS = 3
"""Of a conversation: early, in the middle, late."""


@dataclass(frozen=True, slots=True)
class GoldTurn:
    """A customer's turn of a gold conversation; ``at`` is its place, and the conversation goes on after it."""

    conversation: Conversation
    at: int

    @property
    def real(self) -> str:
        """What the real customer says."""
        return self.conversation.utterances[self.at].text

    def answer(self, simulator: ModelSimulator) -> CustomerTurn:
        """What a model says in the real customer's place."""
        customer = simulator.customer(
            CaseInPlay(_card_of(self.conversation), f"{self.conversation.id}/{self.at}")
        )
        assert isinstance(customer, ModelCustomer)
        before = self.conversation.utterances[: self.at]
        customer.recall([(each.speaker.value, each.text) for each in before[:-1]])
        return customer.answer(SupporterTurn(before[-1].text, before[-1].strategy))


def gold_turns(conversations: Sequence[Conversation], size: int) -> list[GoldTurn]:
    """Up to :data:`TURNS` turns each of ``size`` conversations, the same for everybody."""
    chosen = stratified([(each.id, each.topic) for each in conversations], size)
    return [turn for each in conversations if each.id in chosen for turn in _turns_of(each)]


def _turns_of(conversation: Conversation) -> Iterator[GoldTurn]:
    said = conversation.utterances
    customers = [at for at, each in enumerate(said) if each.speaker is Speaker.CUSTOMER]
    # Not the first words, which are the card's, and not the last ones, after which it is over.
    within = [at for at in customers[1:-1] if said[at - 1].speaker is Speaker.SUPPORTER]
    count = min(TURNS, len(within))
    for n in range(count):
        yield GoldTurn(conversation, within[n * len(within) // count])


def _card_of(conversation: Conversation) -> CaseCard:
    """A case of which nothing is known but the conversation."""
    return CaseCard.model_validate(
        {
            "id": f"gold-{conversation.id}",
            "topic": " ".join(conversation.topic.split()) or "其他",
            "company": "[公司名称]",
            "who": "你就是对话记录里的客户，正在为记录里的这件事跟客服通话，脾气和口气跟记录里一样。",
            "scenario": "客户给客服热线打电话，前面说过的都在对话记录里。",
            "goal": "客户想把对话记录里的这件事办妥，得到明确的答复。",
            "satisfied": "客服给了明确的结果或者说法，客户没有别的要问了。",
            "opening": ["喂，你好。"],
            "closing": ["好，再见。"],
            "patience": 9,
            "mood": {
                "at_first": "和对话记录里一样",
                "eased_by": "事情有进展",
                "worsened_by": "被敷衍",
                "comfort": ["我理解您。"],
                "calmer": ["好吧。"],
            },
            "facts": [
                {
                    "name": "记录里没有的细节",
                    "asked_by": ["细节"],
                    "asks": ["细节是什么？"],
                    "says": ["客服问到而记录里没有写明的，按常理自己补上，跟记录前后一致。"],
                }
            ],
            "steps": [{"does": "信息传达", "says": ["好的。"], "reply": ["嗯。"]}],
        }
    )


def replay_figures(data: str, turns: Sequence[GoldTurn], answers: Sequence[CustomerTurn]) -> ReplayFigures:
    """What came of it.

    Args:
        data: where the conversations are from.
        turns: that were gone on from.
        answers: what the model said at each.
    """
    pairs = [(turn, answer) for turn, answer in zip(turns, answers, strict=True) if answer.fault is None]
    return ReplayFigures(
        data=data,
        conversations=len({turn.conversation.id for turn in turns}),
        turns=len(pairs),
        unplayed=len(turns) - len(pairs),
        early=_share([answer.end is not End.NONE for _, answer in pairs]),
        model=_saying([answer.text for _, answer in pairs]),
        real=_saying([turn.real for turn, _ in pairs]),
    )


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 0.0


def _saying(texts: Sequence[str]) -> SayingFigures:
    fold = Distinct(2).fold()
    fold.add(list(texts))
    return SayingFigures(
        length=sum(map(len, texts)) / len(texts) if texts else 0.0,
        upset=_share([is_upset(text) for text in texts]),
        at_ease=_share([is_at_ease(text) for text in texts]),
        distinct_2=fold.score() if texts else 0.0,
    )

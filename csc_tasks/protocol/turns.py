"""Turns: one supporter utterance with its history, as a document of the harness and as a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TypedDict

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.framework import Strategy
from csc_tasks.protocol.prompt import Prompt
from csc_tasks.protocol.task_kind import TaskKind

__all__ = ["PromptBook", "TurnDoc", "gold_answer", "gold_strategy", "prefix_share", "turn_docs"]


class _Turn(TypedDict):
    conversation: str
    topic: str
    turn: int
    turns: int
    customer: str
    strategy: str | None
    reference: str


class TurnDoc(_Turn, total=False):
    """One turn as the harness sees and logs it.

    ``turn`` counts the supporter's turns of the conversation from 0 and ``turns`` is their number;
    ``customers`` are the customer's utterances since the supporter's last turn, and ``customer`` is the last
    thing the customer said at all ('' if the supporter opens); ``strategy`` and ``reference`` are the gold
    answer. The history is not repeated here: it follows from the turns before (:mod:`csc_tasks.results.histories`).

    Logs of before ``customers`` were in them lack the field.
    """

    customers: list[str]


def turn_docs(conversations: Iterable[Conversation]) -> Iterator[TurnDoc]:
    """Every supporter turn of every conversation, in order."""
    for conversation in conversations:
        positions = conversation.supporter_turns
        customers: list[str] = []
        customer = ""
        turn = 0
        for utterance in conversation.utterances:
            if utterance.speaker is Speaker.CUSTOMER:
                customer = utterance.text
                customers.append(customer)
                continue
            yield TurnDoc(
                conversation=conversation.id,
                topic=conversation.topic,
                turn=turn,
                turns=len(positions),
                customers=customers,
                customer=customer,
                strategy=utterance.strategy.zh if utterance.strategy else None,
                reference=utterance.text,
            )
            turn += 1
            customers = []


class PromptBook:
    """Renders the prompt of any turn of a set of conversations.

    Each conversation is rendered once, on first use; a turn's history is a slice of that text.
    """

    def __init__(self, conversations: Iterable[Conversation], prompt: Prompt, kind: TaskKind) -> None:
        self._conversations = {c.id: c for c in conversations}
        self._prompt = prompt
        self._kind = kind
        self._rendered: dict[str, tuple[str, list[int]]] = {}

    def __contains__(self, conversation_id: str) -> bool:
        return conversation_id in self._conversations

    def conversation(self, conversation_id: str) -> Conversation:
        """The conversation of that id."""
        return self._conversations[conversation_id]

    def history(self, doc: TurnDoc) -> str:
        """The gold history before the turn, one utterance a line."""
        rendered = self._rendered.get(doc["conversation"])
        if rendered is None:
            conversation = self._conversations[doc["conversation"]]
            lines = [self._prompt.gold_line(u) for u in conversation.utterances]
            ends = list(accumulate(map(len, lines), initial=0))
            rendered = "".join(lines), [ends[i] for i in conversation.supporter_turns]
            self._rendered[doc["conversation"]] = rendered
        text, starts = rendered
        return text[: starts[doc["turn"]]]

    def labels_before(self, doc: TurnDoc) -> tuple[Strategy | None, ...]:
        """The gold labels of the supporter's turns before this one."""
        conversation = self._conversations[doc["conversation"]]
        before = conversation.supporter_turns[: doc["turn"]]
        return tuple(conversation.utterances[place].strategy for place in before)

    def history_lines(self, doc: TurnDoc) -> list[str]:
        """The gold history as single lines, without their ends."""
        return self.history(doc).split("\n")[:-1]

    def question(self, doc: TurnDoc) -> str:
        """History and cue: the part of the prompt that belongs to this turn."""
        return self.history(doc) + self._prompt.cue(self._kind, gold_strategy(doc))

    def target(self, doc: TurnDoc) -> str:
        """The gold answer in the format the prompt asks for."""
        return self._prompt.target(self._kind, gold_strategy(doc), doc["reference"])


def gold_strategy(doc: TurnDoc) -> Strategy | None:
    """The gold strategy of a turn; ``None`` in unlabelled data."""
    return None if doc["strategy"] is None else Strategy.from_name(doc["strategy"])


def gold_answer(doc: TurnDoc) -> str:
    """The gold turn with its strategy in brackets before it, if it has one."""
    return doc["reference"] if doc["strategy"] is None else f"[{doc['strategy']}] {doc['reference']}"


def prefix_share(prompts: Iterable[Sequence[object]]) -> float:
    """Share (0–1) of the prompts' characters or tokens that an ideal prefix cache already holds.

    A prompt is held as far as it agrees with the one before it: prompts of a conversation come in
    order, so no earlier prompt of the run agrees further, but for chance.
    """
    sent = held = 0
    previous: Sequence[object] = ""
    for prompt in prompts:
        longest = min(len(previous), len(prompt))
        held += next((i for i in range(longest) if previous[i] != prompt[i]), longest)
        sent, previous = sent + len(prompt), prompt
    return held / sent if sent else float("nan")

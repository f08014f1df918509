"""Examples: what a model reads and what it is to answer, made of a conversation in the words of the evaluation.

An example of a *turn* is the prompt that the task sends of it, with the gold answer. An example of a *conversation*
is the same text once, taken apart where the supporter speaks: its first user message is the evaluation prompt of the
first turn, and each later one what was said since, up to the same cue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from csc_tasks.chat.messages import Message
from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.protocol.prompt import Prompt
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, TurnDoc, gold_strategy, turn_docs
from csc_tasks.training.data_format import ExampleUnit

__all__ = ["Example", "ExampleMaker", "chat_of", "turn_example"]

_SHARES = 2**64


@dataclass(frozen=True, slots=True)
class Example:
    """A chat that a model learns the answers of.

    Attributes:
        id: the conversation's, and of a turn ``/`` and its number from 0.
        task: what is asked, as :class:`~csc_tasks.protocol.task_kind.TaskKind` names it.
        messages: perhaps one of the system, then user and assistant by turns, the assistant last.
        strategies: of each answer in ``messages``.
        rejected: the answer that the last one was preferred to, in a preference.
    """

    id: str
    task: str
    messages: tuple[Message, ...]
    strategies: tuple[Strategy | None, ...]
    rejected: str | None = None

    @property
    def conversation(self) -> str:
        """The id of its conversation."""
        return self.id.partition("/")[0]

    @property
    def answers(self) -> tuple[str, ...]:
        """What the assistant says in ``messages``, which is what loss is taken on."""
        return tuple(m.content for m in self.messages if m.role == "assistant")


def chat_of(messages: Iterable[Message]) -> list[dict[str, str]]:
    """Messages as chat templates and training tools take them."""
    return [{"role": m.role, "content": m.content} for m in messages]


def turn_example(
    doc: TurnDoc, task: TaskKind, question: str, answer: str, system: str | None = None
) -> Example:
    """The example of one turn.

    Args:
        doc: the turn.
        task: what is asked.
        question: the whole evaluation prompt.
        answer: in the form that the prompt asks for.
        system: the system message, if there is to be one.
    """
    messages = (*_system(system), Message("user", question), Message("assistant", answer))
    return Example(f"{doc['conversation']}/{doc['turn']}", task.value, messages, (gold_strategy(doc),))


def _system(text: str | None) -> tuple[Message, ...]:
    return (Message("system", text),) if text else ()


class ExampleMaker:
    """Makes the examples of labelled conversations.

    Args:
        prompt: the texts.
        tasks: what is asked of a turn, and of what share of the turns, above 0 and at most 1.
        unit: what one example is made of; of whole conversations only ``response`` can be asked.
        system: the system message, if there is to be one.
        seed: which turns a share is of.
    """

    def __init__(
        self,
        prompt: Prompt,
        tasks: Mapping[TaskKind, float],
        unit: ExampleUnit,
        system: str | None,
        seed: int,
    ) -> None:
        self._prompt = prompt
        self._tasks = tasks
        self._unit = unit
        self._opening = system
        self._seed = seed

    def of(self, conversation: Conversation) -> Iterator[Example]:
        """The examples of a conversation, in the order of its turns."""
        if self._unit is ExampleUnit.CONVERSATION:
            yield self._whole(conversation)
        else:
            yield from self._turns(conversation)

    def _turns(self, conversation: Conversation) -> Iterator[Example]:
        books = {kind: PromptBook([conversation], self._prompt, kind) for kind in self._tasks}
        for doc in turn_docs([conversation]):
            for kind, share in self._tasks.items():
                if share < 1 and not self._is_drawn(f"{conversation.id}/{doc['turn']}/{kind.value}", share):
                    continue
                question = self._prompt.head(kind) + books[kind].question(doc)
                yield turn_example(doc, kind, question, books[kind].target(doc), self._opening)

    def _is_drawn(self, unit: str, share: float) -> bool:
        digest = hashlib.sha256(f"csconv_tasks-1:{self._seed}:{unit}".encode()).digest()
        return int.from_bytes(digest[:8]) < share * _SHARES

    def _whole(self, conversation: Conversation) -> Example:
        kind = TaskKind.RESPONSE
        prompt, heard = self._prompt, self._prompt.head(kind)
        messages = [*_system(self._opening)]
        for utterance in conversation.utterances:
            if utterance.speaker is Speaker.CUSTOMER:
                heard += prompt.gold_line(utterance)
                continue
            messages.append(Message("user", heard + prompt.cue(kind, utterance.strategy)))
            messages.append(Message("assistant", self._answer(kind, utterance)))
            heard = ""  # what the customer says after the last answer is not asked about
        spoken = (u.strategy for u in conversation.utterances if u.speaker is Speaker.SUPPORTER)
        return Example(conversation.id, kind.value, tuple(messages), tuple(spoken))

    def _answer(self, kind: TaskKind, utterance: Utterance) -> str:
        return self._prompt.target(kind, utterance.strategy, utterance.text)

"""What is sent to a chat model and what comes back, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any, Literal

__all__ = ["AnswerSchema", "AnswerStatus", "ChatAnswer", "ChatRequest", "Message", "tokens_in"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """The JSON schema that an answer is to follow, and the name under which the server hears of it."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class ChatRequest:
    """What a model is asked; with a ``schema`` its answer is to be JSON of that form.

    ``attempt`` counts from 0 how often it was asked the same before; it and ``seed`` are added to the configuration's
    seed, where that has one.
    """

    messages: tuple[Message, ...]
    schema: AnswerSchema | None = None
    attempt: int = 0
    seed: int = 0

    @classmethod
    def of(cls, system: str, user: str, schema: AnswerSchema | None = None, attempt: int = 0) -> ChatRequest:
        """An instruction and a question."""
        return cls((Message("system", system), Message("user", user)), schema, attempt)

    @cached_property
    def tokens(self) -> int:
        """About how many tokens the messages have, rather too many."""
        return sum(tokens_in(message.content) for message in self.messages)


class AnswerStatus(Enum):
    """What became of a request."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """The model or a content filter declined."""
    FAILED = "failed"
    """No answer to this request; another one may be answered."""
    FATAL = "fatal"
    """Nothing more can be asked: the key, the address or the quota is wrong."""
    UNASKED = "unasked"
    """Nothing was sent: the run was stopped while the request waited for its turn."""


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What came back. ``reason`` says why it is not :attr:`AnswerStatus.ANSWERED`, or what came in place of a text.

    ``model`` is the one that the server says it answered with, ``id`` what it calls the answer; ``cut_off`` says
    that the text ends at ``max_tokens``; ``estimated`` that the server did not count the tokens, or not credibly;
    ``latency`` is in seconds, of the last attempt; ``attempts`` are the requests that were sent, ``lost`` those that
    ended without an answer, for which the server may charge all the same; ``retries`` is how often it was asked in
    vain after it failed in a way that may pass.
    """

    status: AnswerStatus
    text: str = ""
    reason: str = ""
    cut_off: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    latency: float = 0.0
    attempts: int = 1
    lost: int = 0
    retries: int = 0
    model: str = ""
    id: str = ""

    def but(self, **changed: Any) -> ChatAnswer:
        """The same with other values in some fields."""
        return replace(self, **changed)


def tokens_in(text: str) -> int:
    """About how many tokens a text has, rather too many: one for each character that is not ASCII, four ASCII ones."""
    # Han characters and their punctuation have three bytes: half of what is over one byte a character.
    wide = (len(text.encode("utf-8", "replace")) - len(text) + 1) // 2
    return wide + (max(len(text) - wide, 0) + 3) // 4

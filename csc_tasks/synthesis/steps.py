"""A conversation in the making as a state machine: it yields what is to be asked next, and is sent what was answered.

A machine is a generator that computes and does nothing else: no clock, no chance, no file. Sent the same answers it
asks the same questions, so that a run which was cut off goes on by sending it the answers that its journal has.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from csc_tasks.chat.messages import AnswerSchema, Message
from csc_tasks.data.conversations import Conversation

__all__ = ["Case", "CaseOutcome", "Machine", "Pipeline", "Role", "Step"]


class Role(StrEnum):
    """Who is asked; ``synthesis.yaml`` may give each a model of its own."""

    PROFILER = "profiler"
    """Writes a structured profile out as text."""
    PLANNER = "planner"
    SUPPORTER_ASSISTANT = "supporter_assistant"
    SUPPORTER = "supporter"
    CUSTOMER_ASSISTANT = "customer_assistant"
    CUSTOMER = "customer"
    CRITIC = "critic"
    """Gives a finished conversation its marks."""
    SCREENER = "screener"
    """Says whether a call may be used at all."""
    REWRITER = "rewriter"
    """Rewrites a call, or labels it as it is."""
    CARD_WRITER = "card_writer"
    """Writes a case card out of a conversation."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question.

    Attributes:
        role: who is asked.
        messages: what is sent.
        schema: the form of the answer.
        read: turns the text of an answer into what the machine is sent; raises ``Unusable`` where it is none.
        material: what a scripted role answers from: what the role may see, by name, as values.
    """

    role: Role
    messages: tuple[Message, ...]
    schema: AnswerSchema | None
    read: Callable[[str], Any]
    material: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """What became of a case: a conversation, or why there is none (``dropped``: one of few short kinds).

    ``provenance`` holds what is known of how it came about, as JSON values; of a dropped one as well.
    """

    conversation: Conversation | None
    dropped: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)


Machine = Generator[Step, Any, CaseOutcome]


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation that is to be made.

    Attributes:
        id: 16 hex digits, derived from everything that the case consists of and the run's seed.
        number: its place in the run, from 0.
        content: what its machine starts from, as JSON values.
    """

    id: str
    number: int
    content: Mapping[str, Any]


class Pipeline(Protocol):
    """One way of making conversations."""

    @property
    def kind(self) -> str:
        """Its name: ``roleplay``, ``rewrite`` or ``annotate``."""

    @property
    def signature(self) -> Mapping[str, Any]:
        """What must be the same for a run to go on where another one stopped, as JSON values."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """Those that are asked."""

    def cases(self) -> Iterator[Case]:
        """All of them, in order, the same each time."""

    def machine(self, case: Case) -> Machine:
        """The machine of a case."""

"""What a line of a sample log must be before anything is made of it: a document, answers, and items of metrics."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, model_validator

from csc_tasks.framework import Strategy
from csc_tasks.metrics import metric_named
from csc_tasks.protocol.signature_parts import Text
from csc_tasks.protocol.task_kind import TaskKind

__all__ = ["LoggedCard", "LoggedDialogue", "LoggedDoc", "left_out", "require_answer", "require_items"]

MAX_TURNS = 10_000
"""Turns of a conversation: real ones have some tens, and each up to this costs a bit of memory."""
_SHOWN = 60
_NAMES = {s.zh for s in Strategy}
_Turns = Annotated[int, Field(ge=1, le=MAX_TURNS, strict=True)]


def _strategy(value: object) -> str:
    if value not in _NAMES:
        raise ValueError(f"{value!r:.40} is no strategy")
    return str(value)


def _hashable(value: str) -> str:
    value.encode()  # a UnicodeEncodeError is a ValueError, and tells the place
    return value


_Id = Annotated[str, AfterValidator(_hashable)]
_Gold = Annotated[str, PlainValidator(_strategy)] | None


class _Doc(BaseModel):
    """What the documents of all tasks have; half a surrogate pair is no part of an id, which is hashed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    conversation: _Id
    topic: Text
    turns: _Turns


class LoggedDoc(_Doc):
    """A turn in reference context, as :class:`~csc_tasks.protocol.turns.TurnDoc` is logged."""

    turn: Annotated[int, Field(ge=0, strict=True)]
    customer: Text
    strategy: _Gold
    reference: Text
    customers: list[Text] | None = None

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if self.turn >= self.turns:
            raise ValueError(f"turn {self.turn} of {self.turns}")
        return self


class LoggedDialogue(_Doc):
    """A conversation in generated context."""

    strategies: list[_Gold]
    references: list[Text]
    customers: list[list[Text]] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name in ("strategies", "references", "customers"):
            column = getattr(self, name)
            if column is not None and len(column) != self.turns:
                raise ValueError(f"{name}: {len(column)} of {self.turns} turns")
        return self


class LoggedCard(BaseModel):
    """A case card with its trials."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    conversation: _Id
    topic: Text
    trials: _Turns


def require_items(name: str, items: Any, count: int, of: str = "turns") -> None:
    """Check what a line says of a metric: one item a turn, each of the metric's form and within its ends.

    Args:
        name: the metric's, as it is reported.
        items: what stands there.
        count: how many there must be.
        of: what they are of, for the message.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(items, list) or len(items) != count:
        found = len(items) if isinstance(items, list) else f"{items!r:.{_SHOWN}}"
        raise ValueError(f"of {name} it has {found}, where one value for each of its {count} {of} belongs")
    metric = metric_named(name)
    for item in items:
        if item is not None and metric is not None and not metric.accepts(item):
            raise ValueError(f"{item!r:.{_SHOWN}} is no value that {name} can have")


def require_answer(answer: Any, kind: TaskKind) -> None:
    """Check that a model's answer is a text or none, or in multiple choice log-likelihoods.

    Raises:
        TypeError: it is anything else.
    """
    if kind is TaskKind.STRATEGY_MC:
        sound = isinstance(answer, list) and all(map(_is_number, answer))
    else:
        sound = answer is None or isinstance(answer, str)
    if not sound:
        raise TypeError(f"an answer is {answer!r:.{_SHOWN}}")


def _is_number(value: object) -> bool:
    # lm-eval logs log-likelihoods as texts.
    try:
        float(value)  # type: ignore[arg-type]
    except (ValueError, OverflowError, TypeError):
        return False
    return True


def left_out(record: dict[str, Any]) -> int:
    """How many utterances were cut from a turn's history, as a reply's record says.

    Raises:
        TypeError: that is no such number.
    """
    count = record.get("left_out", 0)
    if not isinstance(count, int) or not 0 <= count <= MAX_TURNS:
        raise TypeError(f"left_out is {count!r:.{_SHOWN}}")
    return count

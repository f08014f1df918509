"""What is known of a run when its files are written, what they are held to, and what became of its cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from csc_tasks.errors import first_fault
from csc_tasks.printable import printable

__all__ = ["ComparedWith", "OutputReport", "OutputRules", "RunFacts"]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """How the conversations came about.

    Attributes:
        kind: of the pipeline: ``roleplay``, ``rewrite``, ``annotate`` or ``merge``.
        signature: what must be the same for the run to go on.
        prompts: version and digest.
        seed: of the run; several put together have none.
        source: where the cases are from, in a few words.
        scripted: whether templates answered in the place of models.
        unfinished: cases that were to be made and are not over.
        models: that the servers say answered, by role, with how many answers.
        requests, prompt_tokens, answer_tokens: paid for, usable or not, by role.
        not_usable: answers that were asked for again, by role and reason.
        cost: by currency; empty where prices are not known.
        redacted: personal data that was taken out before anything was sent, by kind; ``None`` where nothing was looked
            for.
        merged: the runs that these are of, by the names of their folders.
    """

    kind: str
    signature: Mapping[str, Any]
    prompts: str
    seed: int | None
    source: str = ""
    scripted: bool = False
    unfinished: int = 0
    models: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    prompt_tokens: Mapping[str, int] = field(default_factory=dict)
    answer_tokens: Mapping[str, int] = field(default_factory=dict)
    not_usable: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    redacted: Mapping[str, int] | None = None
    merged: Mapping[str, RunFacts] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return {each.name: _value(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def of(cls, record: object) -> RunFacts:
        """Read one.

        Raises:
            ValueError: it is none; the message says which value is wrong.
        """
        try:
            return _facts().validate_python(record)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from None


def _value(value: Any) -> Any:
    """As a JSON value; ``asdict`` cannot copy a ``Counter``."""
    if isinstance(value, RunFacts):
        return value.record()
    return {name: _value(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def _facts() -> TypeAdapter[RunFacts]:
    return TypeAdapter(RunFacts)


@dataclass(frozen=True, slots=True)
class OutputRules:
    """What the written conversations are held to.

    Attributes:
        against: sources that they may not overlap with, beside those that are always compared.
        allow_overlap: keep and count what overlaps.
        balance: take the shortest balanced beginning alone; see :mod:`csc_tasks.synthesis.output.balance`.
        license: for the card, a name that the hub knows, or ``other``.
    """

    against: tuple[str, ...] = ()
    allow_overlap: bool = False
    balance: float | None = None
    license: str = "other"


@dataclass(frozen=True, slots=True)
class ComparedWith:
    """Evaluation data that no conversation may overlap with."""

    name: str
    conversations: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class OutputReport:
    """What became of the cases of a run.

    Attributes:
        folder: of the files.
        files: their names.
        conversations: that were written.
        ended: cases that are over.
        unfinished: cases that are not.
        dropped: cases of which the pipeline made none, by reason.
        refused: conversations that were made and left out, by reason.
        overlapping: conversations that overlap with evaluation data and were kept, for that was allowed.
        compared: with what.
        unchecked: what they should have been compared with and were not, and why.
        balance: what was asked for.
        balanced: whether the shares of the beginning came that near.
    """

    folder: Path
    files: tuple[str, ...]
    conversations: int
    ended: int
    unfinished: int
    dropped: Mapping[str, int]
    refused: Mapping[str, int]
    overlapping: int
    compared: tuple[ComparedWith, ...]
    unchecked: tuple[str, ...]
    balance: float | None = None
    balanced: bool = False

    def record(self) -> dict[str, Any]:
        """As a JSON object, without the places of this machine."""
        record = asdict(self)
        del record["folder"], record["files"]
        return record

    def lines(self) -> list[str]:
        """For a terminal, each fit for it."""
        where = printable(str(self.folder))
        if self.conversations:
            lines = [f"wrote {self.conversations:,} conversations to {where}: {', '.join(self.files)}"]
        else:
            lines = [
                f"NO CONVERSATION TO WRITE: of {self.ended:,} cases that are over none was kept; see {where}"
            ]
        for counts, what in (
            (self.dropped, "dropped while they were made"),
            (self.refused, "left out afterwards"),
        ):
            if counts:
                lines.append(f"{sum(counts.values()):,} {what}:")
                lines += [f"{count:7,}  {reason}" for reason, count in counts.items()]
        if self.unfinished and self.balanced:
            lines.append(
                f"{self.unfinished:,} cases are not over and not needed: the shares are met (--balance)"
            )
        elif self.unfinished:
            lines.append(f"{self.unfinished:,} cases are not over: the same command goes on with them")
        if self.overlapping:
            lines.append(
                f"{self.overlapping:,} CONVERSATIONS OVERLAP WITH EVALUATION DATA and are kept, as --allow-overlap says"
            )
        if self.balance is not None and not self.balanced:
            lines.append(
                f"the shares of strategies did not come within {self.balance:g} of CSConv's (--balance)"
            )
        lines += [f"OVERLAP WAS NOT CHECKED WITH {printable(reason)}" for reason in self.unchecked]
        return lines

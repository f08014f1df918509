"""The signature of a run: everything that must agree before two numbers may be compared.

It is written once, by the task that runs, and travels as an object: no program takes the one-line form apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field, ValidationError

from csc_tasks._version import __version__
from csc_tasks.errors import DataError, first_fault
from csc_tasks.metrics import Metric, column_name, signature_of
from csc_tasks.metrics.tokenizers import tokenizer_version
from csc_tasks.protocol.named_data import NamedData
from csc_tasks.protocol.prompt import Prompt, prompt_name
from csc_tasks.protocol.signature_parts import (
    CustomerSignature,
    DataSignature,
    FewShotSignature,
    JudgeSignature,
    PromptSignature,
    SignaturePart,
    Text,
)
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.sentences import Sentence

__all__ = ["BENCHMARK_VERSION", "Protocol", "Signature"]

BENCHMARK_VERSION = 2
"""Raised when scores under the old and the new protocol cannot be compared."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What must agree before two models may stand in one table: of the data its content, whatever its name."""

    benchmark: str
    prompt: str
    data: NamedData
    subset: str
    customer: str = ""
    """Of role-plays who plays the customer: a :class:`CustomerSignature`'s line."""

    @property
    def version(self) -> int:
        """The benchmark's version as a number; 0 where it is none that there could be."""
        return int(self.benchmark) if self.benchmark.isdecimal() and len(self.benchmark) < 9 else 0

    def __str__(self) -> str:
        customer = f", customer {self.customer}" if self.customer else ""
        return f"benchmark {self.benchmark}, prompt {self.prompt}, data {self.data}, scale {self.subset}{customer}"

    def named(self) -> dict[str, str]:
        """As people read it, by the names that files have it under, in the order in which people ask."""
        return {
            "benchmark": self.benchmark,
            "data": str(self.data),
            "scale": self.subset,
            "prompt": self.prompt,
            **({"customer": self.customer} if self.customer else {}),
        }

    @classmethod
    def of_named(cls, named: Mapping[str, str]) -> Protocol:
        """The protocol that :meth:`named` gave these of.

        Raises:
            KeyError: one is missing.
        """
        data, customer = NamedData.read(named["data"]), named.get("customer", "")
        return cls(named["benchmark"], named["prompt"], data, named["scale"], customer)

    def against(self, other: Protocol) -> str:
        """In words what differs; '' if nothing does."""
        mine, theirs = self.named(), other.named()
        if self.data == other.data:
            del mine["data"]
        both = {
            k: (mine.get(k, "none"), theirs.get(k, "none"))
            for k in {**mine, **theirs}
            if k in mine or k != "data"
        }
        apart = [(k, one, other) for k, (one, other) in both.items() if one != other]
        if not apart:
            return ""
        parts = (
            Sentence("protocol.apart", "{name} {one} against {other}", name=k, one=one, other=other)
            for k, one, other in apart
        )
        return Sentence("protocol.differs", "{parts}", parts=tuple(parts))

    def called(self, names: Mapping[str, str]) -> Protocol:
        """The same, its data by the name that :func:`~csc_tasks.protocol.named_data.common_names` chose."""
        return replace(self, data=self.data.called(names))


class Signature(SignaturePart):
    """How one task was asked and scored.

    ``task`` is a :class:`~csc_tasks.protocol.task_kind.TaskKind`'s value and ``context`` a
    :class:`~csc_tasks.protocol.task_kind.Context`'s; ``tokenizer`` names the package that defines the tokens;
    ``metrics`` says how each score is computed and ``models`` more of those that a network computes, both by
    the name of the score. ``judge`` is who judged, in the run or after it.
    """

    benchmark: int
    package: Text = ""
    task: Text
    context: Text
    prompt: PromptSignature
    data: DataSignature
    tokenizer: Text = ""
    metrics: dict[Text, Text]
    models: dict[Text, Any] = Field(default_factory=dict)
    fewshot: FewShotSignature | None = None
    judge: JudgeSignature | None = None
    customer: CustomerSignature | None = None

    @classmethod
    def of(
        cls,
        kind: TaskKind,
        context: Context,
        prompt: Prompt,
        data: DataSignature,
        tokenizer: str,
        metrics: Sequence[Metric],
        judge: JudgeSignature | None = None,
        customer: CustomerSignature | None = None,
    ) -> Signature:
        """The signature of a task that is about to run.

        ``judge`` is the one that judges in the run, ``customer`` who plays the customers.
        """
        unscored = cls(
            benchmark=BENCHMARK_VERSION,
            package=__version__,
            task=kind.value,
            context=context.value,
            prompt=PromptSignature(version=prompt.version, sha256=prompt.sha256),
            data=data,
            tokenizer=tokenizer_version(tokenizer),
            metrics={},
            judge=judge,
            customer=customer,
        )
        return unscored.with_metrics(metrics, tokenizer)

    @classmethod
    def read(cls, content: object) -> Signature:
        """A signature from a results file, of whatever version of csconv.

        Raises:
            DataError: it is damaged; the message names the field.
        """
        if not isinstance(content, Mapping):
            raise DataError("csconv_signature: must be an object")
        # Every csconv wrote the line: without it this was written, or cut, by something else.
        if not isinstance(content.get("line"), str):
            raise DataError("csconv_signature.line: missing, or not a text")
        try:
            return cls.model_validate({key: value for key, value in content.items() if key != "line"})
        except ValidationError as error:
            raise DataError(f"csconv_signature.{first_fault(error)}") from None

    @property
    def asked(self) -> str:
        """The first part of the line: what replies depend on, which excludes how they are scored."""
        data = f"{self.data.name}@{self.data.fingerprint[:8]}"
        customer = f"|customer:{self.customer.line}" if self.customer else ""
        return (
            f"csconv:{self.benchmark}|task:{self.task}|ctx:{self.context}|prompt:{self.prompt.version}"
            f"|data:{data}|scale:{self.data.subset}{customer}"
        )

    @property
    def line(self) -> str:
        """All of it in one line; a judge stands in it where all scores are the judge's."""
        judge = f"|judge:{self.judge.line}" if self.judge and self._judged else ""
        return f"{self.asked}|tok:{self.tokenizer}{judge}|version:{self.package}"

    @property
    def _judged(self) -> bool:
        """Whether this is of a judge's own file; a judge in the run adds to the scores of others."""
        return self.judge is not None and set(self.metrics.values()) == {self.judge.line}

    @property
    def section(self) -> str:
        """Task and context, for instance ``response/generated``."""
        return f"{self.task}/{self.context}"

    @property
    def protocol(self) -> Protocol:
        """The part that must agree before two models may share a table."""
        return Protocol(
            benchmark=str(self.benchmark),
            prompt=prompt_name(self.prompt.version, self.prompt.sha256),
            data=NamedData.of(self.data.name, self.data.fingerprint),
            subset=self.data.subset,
            customer=self.customer.line if self.customer else "",
        )

    def with_metrics(self, metrics: Sequence[Metric], tokenizer: str) -> Signature:
        """The same with how each metric is computed; of one with a network that is known once it is prepared."""
        return self.model_copy(
            update={
                "metrics": {column_name(m, tokenizer): signature_of(m, tokenizer) for m in metrics},
                "models": {column_name(m, tokenizer): m.details for m in metrics if m.details},
            }
        )

    def with_fewshot(self, data: str, fingerprint: str, seed: int | None) -> Signature:
        """The same with where the examples came from."""
        return self.model_copy(
            update={"fewshot": FewShotSignature(data=data, fingerprint=fingerprint, seed=seed)}
        )

    def with_scores(self, metrics: Sequence[Metric], tokenizer: str) -> Signature:
        """What it is after scoring the run's replies again: these metrics, by this csconv, and no judge."""
        again = {"package": __version__, "tokenizer": tokenizer_version(tokenizer), "judge": None}
        return self.model_copy(update=again).with_metrics(metrics, tokenizer)

    def with_judge(self, judge: JudgeSignature, metrics: Sequence[str]) -> Signature:
        """What it is after judging the run's replies: these scores, all of them the judge's."""
        return self.model_copy(
            update={
                "package": __version__,
                "metrics": dict.fromkeys(metrics, judge.line),
                "models": {},
                "judge": judge,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """As it stands in a results file."""
        content = {"line": self.line, **self.model_dump(by_alias=True)}
        for name in ("models", "fewshot", "judge", "customer"):
            if not content[name]:
                del content[name]
        return content

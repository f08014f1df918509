"""The signature of a run: everything that must agree before two numbers may be compared.

It is written once, by the task that runs, and travels as an object: no program takes the one-line form apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from csc_tasks._version import __version__
from csc_tasks.data.sources import Corpus
from csc_tasks.data.splits import Subset
from csc_tasks.errors import DataError, first_fault
from csc_tasks.metrics import Metric, column_name, signature_of
from csc_tasks.metrics.tokenizers import tokenizer_version
from csc_tasks.protocol.named_data import NamedData
from csc_tasks.protocol.prompt import Prompt, prompt_name
from csc_tasks.protocol.task_kind import Context, TaskKind

__all__ = [
    "BENCHMARK_VERSION",
    "Count",
    "DataSignature",
    "FewShotSignature",
    "JudgeSignature",
    "PromptSignature",
    "Protocol",
    "Signature",
    "Text",
]

BENCHMARK_VERSION = 2
"""Raised when scores under the old and the new protocol cannot be compared."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


# pydantic's own would refuse half a surrogate pair, which JSON may bear and which costs nothing here.
Text = Annotated[str, PlainValidator(_text)]
"""A text as it stands in a file."""
Count = Annotated[int, Field(ge=0)]
"""How many of something."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What must agree before two models may stand in one table: of the data its content, whatever its name."""

    benchmark: str
    prompt: str
    data: NamedData
    subset: str

    @property
    def version(self) -> int:
        """The benchmark's version as a number; 0 where it is none that there could be."""
        return int(self.benchmark) if self.benchmark.isdecimal() and len(self.benchmark) < 9 else 0

    def __str__(self) -> str:
        return f"benchmark {self.benchmark}, prompt {self.prompt}, data {self.data}, scale {self.subset}"

    def named(self) -> dict[str, str]:
        """As people read it, by the names that files have it under, in the order in which people ask."""
        return {
            "benchmark": self.benchmark,
            "data": str(self.data),
            "scale": self.subset,
            "prompt": self.prompt,
        }

    @classmethod
    def of_named(cls, named: Mapping[str, str]) -> Protocol:
        """The protocol that :meth:`named` gave these of.

        Raises:
            KeyError: one is missing.
        """
        return cls(named["benchmark"], named["prompt"], NamedData.read(named["data"]), named["scale"])

    def against(self, other: Protocol) -> str:
        """In words what differs; '' if nothing does."""
        mine, theirs = self.named(), other.named()
        if self.data == other.data:
            del mine["data"]
        return ", ".join(f"{k} {mine[k]} against {theirs[k]}" for k in mine if mine[k] != theirs[k])

    def called(self, names: Mapping[str, str]) -> Protocol:
        """The same, its data by the name that :func:`~csc_tasks.protocol.named_data.common_names` chose."""
        return replace(self, data=self.data.called(names))


class _SignaturePart(BaseModel):
    """A part of a signature; what a newer csconv adds to it stays in it."""

    model_config = ConfigDict(frozen=True, extra="allow")


class PromptSignature(_SignaturePart):
    """Which prompt texts were used; ``sha256`` is that of their file."""

    version: Text
    sha256: Text


class DataSignature(_SignaturePart):
    """What was evaluated.

    ``fingerprint`` covers the content of the evaluated file whatever its format, ``sha256`` the bytes of
    the file that was read; ``conversations`` is how many of them the subset has.
    """

    name: Text
    subset: Text = Field(alias="scale")
    conversations: Count
    fingerprint: Text
    sha256: Text = ""

    @classmethod
    def of(cls, corpus: Corpus, subset: Subset, conversations: int) -> DataSignature:
        """What is evaluated of a corpus: a subset of so many conversations."""
        return cls(
            name=corpus.name,
            scale=subset.value,
            conversations=conversations,
            fingerprint=corpus.fingerprint,
            sha256=corpus.sha256,
        )


class FewShotSignature(_SignaturePart):
    """Where the examples came from."""

    data: Text
    fingerprint: Text
    seed: int | None = None


class JudgeSignature(_SignaturePart):
    """What must agree for two judge scores to be comparable; ``line`` is its short form.

    Beside these fields stands every parameter of the judge that can change a verdict. ``guard`` says by which rules
    judged text was made harmless, 1 where it is absent; it is no part of the digest, because it changes what is shown
    only of texts that had something to take apart, and the key of each verdict has the text as shown.
    """

    rubric: Text = ""
    rubric_sha256: Text = ""
    with_reference: bool = False
    line: Text
    sha256: Text = ""
    guard: Count | None = None

    @classmethod
    def of(
        cls,
        rubric: str,
        rubric_sha256: str,
        with_reference: bool,
        parameters: Mapping[str, Any],
        guard: int | None = None,
    ) -> JudgeSignature:
        """The signature of a judge.

        Args:
            rubric: its name.
            rubric_sha256: of its content.
            with_reference: whether the gold reply is shown.
            parameters: what can change a verdict, ``model`` among it.
            guard: by which rules judged text is made harmless.
        """
        content = {
            "rubric": rubric,
            "rubric_sha256": rubric_sha256,
            "with_reference": with_reference,
            **parameters,
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
        shown = "+ref" if with_reference else ""
        line = f"{rubric}{shown}:{parameters['model']}@{digest}"
        return cls.model_validate({**content, "line": line, "sha256": digest, "guard": guard})

    @model_serializer(mode="wrap")
    def _as_it_was(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A signature of before there were two guards goes on as it was written."""
        content: dict[str, Any] = serialize(self)
        if self.guard is None:
            del content["guard"]
        return content

    def to_json(self) -> dict[str, Any]:
        """As it stands in files."""
        return self.model_dump()


class Signature(_SignaturePart):
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
    models: dict[Text, Any] = {}
    fewshot: FewShotSignature | None = None
    judge: JudgeSignature | None = None

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
    ) -> Signature:
        """The signature of a task that is about to run; ``judge`` is the one that judges in the run."""
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
        return (
            f"csconv:{self.benchmark}|task:{self.task}|ctx:{self.context}|prompt:{self.prompt.version}"
            f"|data:{data}|scale:{self.data.subset}"
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
        for name in ("models", "fewshot", "judge"):
            if not content[name]:
                del content[name]
        return content

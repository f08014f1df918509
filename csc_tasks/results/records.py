"""The parts of a results file as objects: what lm-eval says of the model, the task's report, how scores were added.

Lenient about what others add, and about ``null`` for what is not there; strict about what csconv wrote itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator

from csc_tasks.errors import DataError, first_fault
from csc_tasks.protocol.signature import Text

__all__ = [
    "Head",
    "JudgedSums",
    "Judging",
    "Lenient",
    "ModelRecord",
    "Rescoring",
    "TaskReport",
    "Unscored",
]

_MANY = 10**12
"""More turns, steps or examples than anybody has."""


class Lenient(BaseModel):
    """A part of a results file: unknown keys are passed over, and ``null`` is as good as no key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, content: Any) -> Any:
        if not isinstance(content, Mapping):
            return content
        return {key: value for key, value in content.items() if value is not None}


def _file_name(value: object) -> str:
    # A file of the same folder: no results file may point anywhere else.
    if not isinstance(value, str) or value == ".." or PurePath(value).name != value:
        raise ValueError(f"{value!r} is not the name of a file beside it")
    return value


FileName = Annotated[str, PlainValidator(_file_name)]
Turns = Annotated[int, Field(ge=0, lt=_MANY)]


class Unscored(Lenient):
    """Why a metric has no score."""

    turns: Turns = 0
    reason: Text = ""


class TaskReport(Lenient):
    """What a task says beyond scores (``csconv_report``).

    ``turns`` is how many were scored, ``unscored`` has the metrics without a score by name; ``confusion`` is
    (12, 13), rows gold and columns predicted, the last one for labels that could not be read.
    """

    turns: Turns = 0
    unscored: dict[Text, Unscored | None] = {}
    confusion: list[list[int]] | None = None


class _Derived(Lenient):
    """Which files of the same folder a results file was made from."""

    results: FileName = ""
    samples: FileName = ""
    samples_sha256: Text = ""

    def to_json(self) -> dict[str, Any]:
        """As it stands in the results file."""
        return self.model_dump()


class Rescoring(_Derived):
    """What ``csconv score`` says of its results file (``csconv_rescored``).

    ``scores`` is the file of the items by turn; ``absent`` are metrics for which the log says too little,
    ``failures`` has the reason of those that failed.
    """

    metrics: dict[Text, Text] = {}
    tokenizer: Text = ""
    absent: list[Text] = []
    failures: dict[Text, Text] = {}
    scores: FileName = ""


class JudgedSums(Lenient):
    """What a judge's scores are made from: for each metric ``[sum, count]`` (c, 2) of the c ``conversations``."""

    conversations: tuple[Text, ...]
    metrics: dict[Text, list[tuple[float, float]]]


class Judging(_Derived):
    """What ``csconv judge`` says of its results file (``csconv_judged``).

    ``sample`` is how many of the log were to be judged (all, if none is said), ``statuses`` how many verdicts
    there are of each kind; ``coverage`` the share 0–1 that has a verdict and ``withheld`` why scores are
    withheld; ``cost`` is in ``currency``.
    """

    verdicts: FileName = ""
    sample: int | None = None
    statuses: dict[Text, int] = {}
    coverage: float | None = None
    withheld: Text = ""
    flags: dict[Text, int] = {}
    cost: float | None = None
    currency: Text = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    asked: int = 0
    cached: int = 0
    sums: Any = None
    """Read by :meth:`read_sums` alone: what is damaged in it costs intervals and not scores."""

    def read_sums(self) -> JudgedSums | None:
        """The sums by conversation; ``None`` in a file of before they were written.

        Raises:
            DataError: they are damaged; the message names the field.
        """
        if not self.sums:
            return None
        try:
            sums = JudgedSums.model_validate(self.sums)
        except ValidationError as error:
            raise DataError(f"csconv_judged.sums.{first_fault(error)}") from None
        for name, rows in sums.metrics.items():
            if len(rows) != len(sums.conversations):
                raise DataError(
                    f"csconv_judged.sums.metrics.{name}: {len(rows)} rows of {len(sums.conversations)} conversations"
                )
        return sums


def _whole(value: object) -> int | None:
    """What lm-eval wrote as a number; ``None`` where it is none that anybody can mean."""
    try:
        number = None if value is None or isinstance(value, bool) else int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is None or abs(number) < _MANY else None


class _Config(Lenient):
    """lm-eval's ``config``, as much of it as is read."""

    model: Any = None
    model_args: Any = None
    model_revision: Any = None
    gen_kwargs: Any = None
    limit: Any = None


class Head(Lenient):
    """What a results file says of the run as a whole, as much of it as is read."""

    config: _Config = _Config()
    shots: dict[Text, Any] = Field(default={}, alias="n-shot")
    task_hashes: dict[Text, Any] = {}
    model_name: Any = None
    system_instruction_sha: Any = None
    chat_template_sha: Any = None
    fewshot_as_multiturn: Any = None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What a results file says of the model of a task and of how it was asked; '' for what it does not say.

    ``backend`` is lm-eval's ``--model``, ``arguments`` its ``--model_args``; ``name`` is what lm-eval calls the
    model. ``asked`` has lm-eval's hashes of what stands around a prompt, ``step`` is what the user said.
    """

    backend: str = ""
    name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    gen_kwargs: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)
    shots: int = 0
    step: int | None = None

    @classmethod
    def of(cls, head: Head, task: str, metadata: Mapping[str, Any]) -> ModelRecord:
        """The record of one task of a file, with the task's metadata."""
        around = {
            "system_instruction_sha": head.system_instruction_sha,
            "chat_template_sha": head.chat_template_sha,
            "fewshot_as_multiturn": head.fewshot_as_multiturn,
        }
        config = head.config
        return cls(
            backend=str(config.model or ""),
            name=str(head.model_name or ""),
            arguments=_arguments(config.model_args),
            revision=str(config.model_revision or ""),
            gen_kwargs=str(config.gen_kwargs or ""),
            asked={key: str(value) for key, value in around.items() if value},
            shots=_whole(head.shots.get(task)) or 0,
            step=_whole(metadata.get("step")),
        )


def _arguments(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str):  # as older versions of lm-eval write them
        return dict(part.split("=", 1) for part in value.split(",") if "=" in part)
    return {}

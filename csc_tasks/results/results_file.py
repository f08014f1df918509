"""Results files, read and written in this one place: a run's own, ``csconv score``'s and ``csconv judge``'s.

lm-eval has a schema of what its evaluation returns (``lm_eval.result_schema``). It is not used here: it is a
``TypedDict``, which checks nothing; it declares a task's ``metadata`` to be a text; and reading results must
not cost the import of lm-eval.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from csc_tasks.errors import DataError, first_fault
from csc_tasks.harness import LEFT_OUT
from csc_tasks.metrics import metric_named
from csc_tasks.outside import is_file_name, parse_json, read_file, require_shallow
from csc_tasks.protocol.signature import Protocol, Signature
from csc_tasks.protocol.signature_parts import Text
from csc_tasks.results.file_names import log_beside
from csc_tasks.results.log_file import present
from csc_tasks.results.model_record import Head, ModelRecord
from csc_tasks.results.records import Date, Judging, Lenient, Rescoring, TaskReport

__all__ = ["Origin", "ResultsFile", "TaskRun"]

_ROOM = len(f"samples__{'0000-00-00T00-00-00.000000'}_rescored_{'0' * 8}_n{10**12}.jsonl.partial.zst")
"""Bytes that stand around a task's name in the names of files."""
_OF_RUN = (
    *("config", "n-shot", "versions", "lm_eval_version", "model_name", "git_hash"),
    *("system_instruction_sha", "chat_template_sha", "fewshot_as_multiturn"),
)
"""What a results file says of the run as a whole: by what, how and with what model it was made."""


class Origin(Enum):
    """What wrote a results file; the values are the keys that it has for that."""

    RUN = "run"
    RESCORED = "csconv_rescored"
    JUDGED = "csconv_judged"


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) else None


class _Outline(Lenient):
    """What makes a file a results file."""

    results: dict[Text, Any]
    configs: dict[Text, Any]
    groups: dict[Text, Any] = Field(default_factory=dict)
    group_subtasks: dict[Text, Any] = Field(default_factory=dict)


class _Head(Head):
    """The run as a whole: what is needed of a file that may be a run's or derived."""

    date: Date = 0.0
    seconds: Annotated[float | None, BeforeValidator(_seconds)] = Field(
        default=None, alias="total_evaluation_time_seconds"
    )
    harness: Any = Field(default=None, alias="lm_eval_version")
    rescoring: Rescoring | None = Field(default=None, alias="csconv_rescored")
    judging: Judging | None = Field(default=None, alias="csconv_judged")


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One csconv task of one results file.

    ``values`` and ``errors`` are scores and standard errors by metric (NaN where there is none);
    ``rescoring`` or ``judging`` is what csconv score or judge wrote about itself; ``date`` is in seconds since
    1970 and ``seconds`` how long the whole lm-eval run took; ``samples_hash`` is lm-eval's of the log, ``harness`` the
    version of lm-eval.
    """

    path: Path
    task: str
    origin: Origin
    model: ModelRecord
    signature: Signature
    values: dict[str, float]
    errors: dict[str, float]
    report: TaskReport
    rescoring: Rescoring | None
    judging: Judging | None
    limited: bool
    date: float
    seconds: float | None
    samples_hash: str | None
    harness: str = ""

    @property
    def protocol(self) -> Protocol:
        """What must agree before this may be compared with another."""
        return self.signature.protocol

    @property
    def section(self) -> str:
        """Task and context, for instance ``response/generated``."""
        return self.signature.section

    @property
    def base(self) -> Path | None:
        """The results file that was scored or judged again; ``None`` for a run's own."""
        made = self.rescoring or self.judging
        return self.path.with_name(made.results) if made and made.results else None

    @property
    def samples(self) -> Path:
        """Where the log of the turns is, compressed or not, if it was written."""
        made = self.rescoring or self.judging
        if made and made.samples:
            return present(self.path.with_name(made.samples))
        return present(log_beside(self.path, self.task))

    def reason_unscored(self, metric: str) -> str:
        """Why a metric has no score, as far as the file says; '' where it does not."""
        unscored = self.report.unscored.get(metric)
        return (unscored.reason if unscored else "") or (self.judging.withheld if self.judging else "")


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """A results file; ``content`` is all of it as it was written, for what is passed on unread.

    ``groups`` are lm-eval's names that stand for others, though a task on its own may be among them.
    """

    path: Path
    content: dict[str, Any]
    groups: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> ResultsFile:
        """Read a file.

        Raises:
            DataError: it is not a results file, or cannot be read; the message names it.
        """
        try:
            content = parse_json(read_file(path).decode(), twins=False)
            require_shallow(content)
            outline = _Outline.model_validate(content)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise DataError(f"{path}: not an lm-eval results file (not UTF-8)") from None
        except ValidationError as error:
            raise DataError(f"{path}: not an lm-eval results file ({first_fault(error)})") from None
        except ValueError as error:
            state = "empty" if not path.stat().st_size else f"damaged or cut off: {error}"
            raise DataError(
                f"{path}: not an lm-eval results file ({state}); run the evaluation again"
            ) from None
        return cls(path, content, frozenset(outline.group_subtasks))

    @property
    def origin(self) -> Origin:
        """What wrote it."""
        made = (o for o in (Origin.RESCORED, Origin.JUDGED) if self.content.get(o.value) is not None)
        return next(made, Origin.RUN)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of what has scores: tasks, csconv's and others, and groups."""
        return tuple(self.content["results"])

    @property
    def left_out(self) -> dict[str, str]:
        """The tasks that its model could not do and that were left out of the run, with the reason."""
        told = self.content.get(LEFT_OUT)
        return {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}

    def run(self, task: str) -> TaskRun | None:
        """What the file says of a task; ``None`` if the task is not one of csconv's.

        Raises:
            DataError: it is damaged; the message names the task and the field, and not the file.
        """
        metadata = self._metadata(task)
        if not metadata.get("csconv_signature"):
            return None
        if not is_file_name(task, _ROOM):
            raise DataError(f"task {task!r:.80}: its log cannot be called after it")
        try:
            signature = Signature.read(metadata["csconv_signature"])
            head = self._head()
            report = _report(metadata)
            values, errors = _numbers(self.content["results"].get(task))
            model = ModelRecord.of(head, task, self.content["configs"][task], signature)
        except (DataError, OverflowError) as error:
            raise DataError(f"task {task}: damaged ({error})") from None
        return TaskRun(
            path=self.path,
            task=task,
            origin=self.origin,
            model=model,
            signature=signature,
            # lm-eval invents a value for a task without metrics.
            values={name: value for name, value in values.items() if name in signature.metrics},
            errors=errors,
            report=report,
            rescoring=head.rescoring,
            judging=head.judging,
            limited=head.config.limit is not None,
            date=head.date,
            seconds=head.seconds,
            harness=str(head.harness or ""),
            samples_hash=text if isinstance(text := head.task_hashes.get(task), str) else None,
        )

    def derived(
        self,
        task: str,
        signature: Signature,
        values: Mapping[str, Any],
        report: Mapping[str, Any],
        made: Rescoring | Judging,
    ) -> dict[str, Any]:
        """The content of a results file in lm-eval's form: the run's own facts, and new scores of one task.

        Args:
            task: of this file.
            signature: of the new scores.
            values: scores by lm-eval's names.
            report: what the task's report is now.
            made: how.
        """
        config = self.content["configs"][task]
        metadata = {
            **config["metadata"],
            "csconv_signature": signature.to_json(),
            "csconv_report": dict(report),
        }
        origin = Origin.RESCORED if isinstance(made, Rescoring) else Origin.JUDGED
        return {
            "results": {task: dict(values)},
            "configs": {task: {**config, "metadata": metadata}},
            # So that it is known to be of the same model.
            **{key: self.content[key] for key in _OF_RUN if key in self.content},
            "date": time.time(),
            origin.value: made.to_json(),
        }

    def _metadata(self, task: str) -> dict[str, Any]:
        config = self.content["configs"].get(task)
        metadata = config.get("metadata") if isinstance(config, dict) else None
        return metadata if isinstance(metadata, dict) else {}

    def _head(self) -> _Head:
        # Only what it was written by counts, should there be both.
        other = {Origin.RESCORED: Origin.JUDGED.value}.get(self.origin)
        try:
            return _Head.model_validate({key: v for key, v in self.content.items() if key != other})
        except ValidationError as error:
            raise DataError(first_fault(error)) from None


def _report(metadata: Mapping[str, Any]) -> TaskReport:
    try:
        return TaskReport.model_validate(metadata.get("csconv_report") or {})
    except ValidationError as error:
        raise DataError(f"csconv_report.{first_fault(error)}") from None


def _numbers(values: object) -> tuple[dict[str, float], dict[str, float]]:
    """Scores and their standard errors by metric, from lm-eval's ``metric,filter`` and ``metric_stderr,filter``."""
    if not isinstance(values, dict):
        raise DataError("its scores are no object")
    scores: dict[str, float] = {}
    errors: dict[str, float] = {}
    for key, value in values.items():
        name, comma, _ = key.partition(",")
        if not comma or name.endswith("_stderr_stderr"):
            continue
        base = name.removesuffix("_stderr")
        number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
        number = number if math.isfinite(number) else math.nan
        if base == name:
            metric = metric_named(name)
            if metric is not None and not math.isnan(number) and not metric.scale.holds(number):
                raise DataError(f"{key}: {number:g} is beyond what {name} can be")
        (scores if base == name else errors)[base] = number
    return scores, errors

"""The parts of a results file as objects: the task's report, and how scores were added to a run.

Lenient about what others add, and about ``null`` for what is not there; strict about what csconv wrote itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainValidator,
    ValidationError,
    model_validator,
)

from csc_tasks.errors import DataError, first_fault
from csc_tasks.framework import Strategy
from csc_tasks.metrics import metric_named
from csc_tasks.outside import is_file_name
from csc_tasks.protocol.signature_parts import Text

__all__ = [
    "MANY",
    "Date",
    "JudgedSums",
    "Judging",
    "Lenient",
    "Rating",
    "Rescoring",
    "Signs",
    "TaskReport",
    "Unscored",
]

_LAST_DATE = 253_402_300_800
"""The year 10,000, where calendars of computers end."""
MANY = 10**12
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
    if value != "" and not is_file_name(value):
        raise ValueError(f"{value!r:.80} is not the name of a file beside it")
    return str(value)


def _known(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


FileName = Annotated[str, PlainValidator(_file_name)]


def _date(value: float) -> float:
    if not 0 <= value < _LAST_DATE:
        raise ValueError(f"no date: {value}")
    return value


Date = Annotated[float, AfterValidator(_date)]
"""Seconds since 1970."""
Turns = Annotated[int, Field(ge=0, lt=MANY)]
_Share = Annotated[float | None, BeforeValidator(_known), Field(ge=0, le=1)]
_Cost = Annotated[float | None, BeforeValidator(_known), Field(ge=0, lt=MANY)]
_STRATEGIES = len(Strategy)
_Confused = Annotated[list[Turns], Field(min_length=_STRATEGIES + 1, max_length=_STRATEGIES + 1)]


class Unscored(Lenient):
    """Why a metric has no score."""

    turns: Turns = 0
    reason: Text = ""


class Signs(Lenient):
    """What was wrong with a task's replies, counted (``csconv_report.signs``).

    ``read`` is how many there were, ``counts`` how many have each of
    :data:`~csc_tasks.protocol.reply_counts.SIGNS`; ``models`` who a server said answered how many of them.
    """

    read: Turns = 0
    counts: dict[Text, Turns] = {}
    models: dict[Text, Turns] = {}


class TaskReport(Lenient):
    """What a task says beyond scores (``csconv_report``).

    ``turns`` is how many were scored, ``unscored`` has the metrics without a score by name; ``confusion`` is
    (12, 13), rows gold and columns predicted, the last one for labels that could not be read; ``signs`` are
    absent in what was written before they were counted.
    """

    turns: Turns = 0
    unscored: dict[Text, Unscored | None] = {}
    confusion: Annotated[list[_Confused], Field(min_length=_STRATEGIES, max_length=_STRATEGIES)] | None = None
    signs: Signs | None = None


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
    """What a judge's or people's scores are made of: by metric ``[sum, count]`` (c, 2) of c ``conversations``."""

    conversations: tuple[Text, ...]
    metrics: dict[Text, list[tuple[FiniteFloat, Turns]]]


class _Graded(_Derived):
    """Scores that were given and not computed, and the sums that they are made from."""

    key: ClassVar[str]

    coverage: _Share = None
    sums: Any = None
    """Read by :meth:`read_sums` alone: what is damaged in it costs intervals and not scores."""

    def read_sums(self) -> JudgedSums | None:
        """The sums by conversation; ``None`` in a file of before they were written.

        Raises:
            DataError: they are damaged; the message names the field.
        """
        if not self.sums:
            return None
        where = f"{self.key}.sums"
        try:
            sums = JudgedSums.model_validate(self.sums)
        except ValidationError as error:
            raise DataError(f"{where}.{first_fault(error)}") from None
        for name, rows in sums.metrics.items():
            metric = metric_named(name)
            if metric is None:
                raise DataError(f"{where}.metrics.{name}: no such score")
            if not all(metric.scale.holds(total / count) if count else total == 0 for total, count in rows):
                raise DataError(f"{where}.metrics.{name}: beyond what {name} can be")
            if len(rows) != len(sums.conversations):
                raise DataError(
                    f"{where}.metrics.{name}: {len(rows)} rows of {len(sums.conversations)} conversations"
                )
        return sums


class Judging(_Graded):
    """What ``csconv judge`` says of its results file (``csconv_judged``).

    ``sample`` is how many of the log were to be judged (all, if none is said), ``statuses`` how many verdicts
    there are of each kind, ``reasked`` how often a question was put again; ``coverage`` the share 0–1 that has a
    verdict and ``withheld`` why scores are withheld; ``models`` how many verdicts came from each model that the
    server said it answered with; ``cost`` is in ``currency``.
    """

    key = "csconv_judged"

    verdicts: FileName = ""
    sample: Turns | None = None
    statuses: dict[Text, Turns] = {}
    withheld: Text = ""
    flags: dict[Text, Turns] = {}
    models: dict[Text, Turns] = {}
    cost: _Cost = None
    currency: Text = ""
    prompt_tokens: Turns = 0
    completion_tokens: Turns = 0
    asked: Turns = 0
    reasked: Turns = 0
    cached: Turns = 0


class Rating(_Graded):
    """What ``csconv human read`` says of its results file (``csconv_human``).

    ``study`` is the study's fingerprint and ``kind`` what raters did; ``raters`` is how many counted and ``excluded``
    how many more were left out; ``items`` were to be rated, ``ratings`` are how often one was, and ``decided`` of them
    needed no person; ``alpha`` is Krippendorff's between raters by dimension; ``seconds`` the median of an item;
    ``given`` the file of the single ratings beside it, where there is one.
    """

    key = "csconv_human"

    study: Text = ""
    kind: Text = ""
    raters: Turns = 0
    excluded: Turns = 0
    items: Turns = 0
    ratings: Turns = 0
    decided: Turns = 0
    alpha: dict[Text, FiniteFloat] = {}
    seconds: FiniteFloat | None = None
    given: FileName | None = None

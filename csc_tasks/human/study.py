"""The files of a human evaluation: the key that only its organiser has, and what comes back from raters.

``csconv human sheet`` writes a folder (names below); ``csconv human read`` reads it. A rater's page, sheet and tasks
show items by id alone; which model said what stands in the key and nowhere else.

The folder::

    key.json                          StudyKey: secret
    rater-1.html …                    a page for each rater; exports an AnswersFile of format ANSWERS_FORMAT
    sheets/rater-1.csv, rater-1.xlsx  the same items for a spreadsheet, a row an item: see :func:`sheet_columns`
    label-studio/config.xml, tasks-rater-1.json    the same for Label Studio: see label_studio.py
    answers/                          where the organiser puts whatever comes back
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from csc_tasks.errors import DataError, first_fault
from csc_tasks.human.answers_file import Id
from csc_tasks.human.kinds import RatingKind
from csc_tasks.metrics.judge.pairs import FIRST, SECOND, TIE
from csc_tasks.metrics.judge.rubric import GRADES, Kind, Rubric, Unit
from csc_tasks.outside import parse_json, read_file, require_shallow
from csc_tasks.printable import printable

__all__ = [
    "ANSWERS_FOLDER",
    "ANSWERS_FORMAT",
    "COMMENT",
    "ITEM_MARK",
    "KEY_FILE",
    "KEY_FORMAT",
    "LABEL_STUDIO_FOLDER",
    "MAX_COMMENT",
    "SHEETS_FOLDER",
    "SHEET_COLUMNS",
    "VALUE_WORDS",
    "Decided",
    "ItemRole",
    "Language",
    "RatedDimension",
    "RatedRun",
    "RatedValue",
    "Rater",
    "RatingAnswer",
    "RatingKind",
    "StudyItem",
    "StudyKey",
    "StudyRubric",
    "column_of",
    "rater_name",
    "read_key",
    "sheet_columns",
]

KEY_FORMAT: Literal["csconv-human-study-1"] = "csconv-human-study-1"
ANSWERS_FORMAT = "csconv-human-answers-1"
"""Of what a rater's page exports; the values of its ``items`` are :class:`RatingAnswer`."""
KEY_FILE = "key.json"
SHEETS_FOLDER, LABEL_STUDIO_FOLDER, ANSWERS_FOLDER = "sheets", "label-studio", "answers"
MAX_COMMENT = 2000
"""Characters of a comment on an item."""
ITEM_MARK = "i_"
"""What stands before an item's id in a sheet: digits alone would come back from Excel as a number, rounded."""
SHEET_COLUMNS = ("study", "rater", "number", "item")
"""Columns of every sheet: ``study`` is FILE_MARK and fingerprint, ``item`` ITEM_MARK and id, ``number`` its place."""
COMMENT = "comment"
_MOST = 200_000
_Short = Annotated[str, Field(max_length=1000)]
_Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
_Index = Annotated[int, Field(ge=0, lt=_MOST, strict=True)]

Language = Literal["zh", "en"]
RatedValue = bool | int | str
"""A grade from 1 to 5, yes or no, or one of a dimension's options (of a pair 甲, 乙 or 平: the first, the second as
they stood on the page, neither)."""


class ItemRole(StrEnum):
    """What an item is there for."""

    ITEM = "item"
    REPEAT = "repeat"
    """Shown before: the same texts, in a pair in the other order, for a rater's agreement with themselves."""
    ATTENTION = "attention"
    """Says itself what is to be answered: :attr:`StudyItem.right`."""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RatedDimension(_Kept):
    """One question of the rubric. ``options`` are those of a choice; of grades and of yes and no there are none."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
    kind: Kind
    options: list[_Short] = Field(default_factory=list)

    def accepts(self, value: object) -> bool:
        """Whether a value is one that the question offers."""
        if self.kind is Kind.YES_NO:
            return isinstance(value, bool)
        if self.kind is Kind.CHOICE:
            return isinstance(value, str) and value in self.options
        return isinstance(value, int) and not isinstance(value, bool) and value in GRADES


class StudyRubric(_Kept):
    """The judge's rubric that the questions are.

    Attributes:
        name: of it.
        sha256: the digest that verdicts under it have.
        unit: what is rated.
        shown: the texts that a rater sees of an item, by field: ``history``, ``strategy``, ``reply``; ``dialogue``; or
            ``history``, ``first``, ``second``.
        dimensions: the questions.
    """

    name: _Short
    sha256: _Sha
    unit: Unit
    shown: Annotated[list[_Short], Field(min_length=1, max_length=100)]
    dimensions: Annotated[list[RatedDimension], Field(min_length=1, max_length=100)]

    @classmethod
    def of(cls, rubric: Rubric) -> StudyRubric:
        """The questions of a rubric, in its order."""
        dimensions = [
            RatedDimension(name=d.name, kind=d.kind, options=list(d.options)) for d in rubric.dimensions
        ]
        shown = [block.field for block in rubric.blocks if not block.optional]
        return cls(
            name=rubric.name, sha256=rubric.sha256, unit=rubric.unit, shown=shown, dimensions=dimensions
        )


class RatedRun(_Kept):
    """A run whose replies are rated.

    Attributes:
        model: its name, which no other run of the study has.
        log: path of its ``samples_*.jsonl``, absolute, as it was when the study was made.
        log_sha256: of the log, uncompressed.
        results: path of the run's results file, beside which what people said is written.
    """

    model: _Short
    log: Annotated[str, Field(max_length=5000)]
    log_sha256: _Sha
    results: Annotated[str, Field(max_length=5000)]


class StudyItem(_Kept):
    """What a rater is shown under one id. An item that several raters have has the same id for all of them.

    Attributes:
        id: of it; a repeat has an id of its own.
        role: what it is there for.
        conversation: of the data; of a role-play's trial ``card#trial``.
        turn: the supporter's turns of a conversation from 0; ``None`` for a whole conversation.
        topic: of the conversation.
        strategy: the gold strategy's Chinese name; '' where there is none, and for a whole conversation.
        runs: numbers into :attr:`StudyKey.runs`: one, or of a pair the first (甲) and the second (乙) as shown; none
            of an attention item.
        repeats: of a repeat the id of the item that it repeats.
        right: of an attention item the value of each dimension that it asks for.
    """

    id: Id
    role: ItemRole = ItemRole.ITEM
    conversation: _Short
    turn: Annotated[int, Field(ge=0, strict=True)] | None
    topic: _Short = ""
    strategy: _Short = ""
    runs: list[_Index] = Field(default_factory=list, max_length=2)
    repeats: Id | None = None
    right: dict[str, RatedValue] = Field(default_factory=dict, max_length=100)


class Decided(_Kept):
    """What needs no person: silence gets the lowest grades and loses a pair, two equal replies are a tie.

    The same rules as the judge's. ``scores`` are the values as they count, in a pair for ``runs`` in this order.
    """

    conversation: _Short
    turn: Annotated[int, Field(ge=0, strict=True)] | None
    topic: _Short = ""
    strategy: _Short = ""
    runs: Annotated[list[_Index], Field(min_length=1, max_length=2)]
    scores: dict[str, RatedValue]
    why: Literal["silent", "equal"]


class Rater(_Kept):
    """Who is given which items: ``rater-1`` and so on, with the ids in the order in which they are shown."""

    name: Annotated[str, Field(pattern=r"^rater-[1-9][0-9]{0,3}$")]
    items: Annotated[list[Id], Field(max_length=_MOST)]


class StudyKey(_Kept):
    """All that there is to know of a study; the content of ``key.json``.

    Attributes:
        format: of the file.
        version: of csconv that wrote it.
        fingerprint: of everything else; pages, sheets, tasks and answers carry it.
        kind: what raters do.
        task: lm-eval's name of it.
        section: task and context (``response/reference``).
        protocol: how the runs were asked, for people.
        rubric: the questions.
        sample: turns or conversations drawn, of each of which every model's reply is rated.
        overlap: how many of them several raters have, and ``each`` how many raters that is.
        each: raters of an overlapping turn or conversation.
        seed: of every draw.
        languages: of the pages, in order.
        runs: whose replies are rated.
        items: everything that somebody is shown.
        decided: what nobody is shown, for it needs no person.
        raters: who is given what.
    """

    format: Literal["csconv-human-study-1"] = KEY_FORMAT
    version: _Short
    fingerprint: Id
    kind: RatingKind
    task: _Short
    section: _Short
    protocol: _Short
    rubric: StudyRubric
    sample: Annotated[int, Field(ge=1)]
    overlap: Annotated[int, Field(ge=0)]
    each: Annotated[int, Field(ge=1)]
    seed: int
    languages: Annotated[list[Language], Field(min_length=1, max_length=2)]
    runs: Annotated[list[RatedRun], Field(min_length=1, max_length=1000)]
    items: Annotated[list[StudyItem], Field(min_length=1, max_length=_MOST)]
    decided: Annotated[list[Decided], Field(max_length=_MOST)] = Field(default_factory=list)
    raters: Annotated[list[Rater], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _fits_together(self) -> StudyKey:
        known = {item.id: item for item in self.items}
        if len(known) < len(self.items):
            raise ValueError("an item stands there twice")
        if len({r.model for r in self.runs}) < len(self.runs) or len({r.name for r in self.raters}) < len(
            self.raters
        ):
            raise ValueError("a run or a rater stands there twice")
        for item in self.items:
            runs = 0 if item.role is ItemRole.ATTENTION else 1 + (self.kind is RatingKind.PAIR)
            if len(item.runs) != runs or any(index >= len(self.runs) for index in item.runs):
                raise ValueError(f"item {item.id}: its runs are {item.runs}")
            if (item.role is ItemRole.REPEAT) != (item.repeats in known):
                raise ValueError(f"item {item.id}: repeats {item.repeats}")
            if (item.role is ItemRole.ATTENTION) != bool(item.right):
                raise ValueError(
                    f"item {item.id}: right answers belong to attention items, and to all of them"
                )
        if any(index >= len(self.runs) for decided in self.decided for index in decided.runs):
            raise ValueError("a run that there is not")
        if any(key not in known for rater in self.raters for key in rater.items):
            raise ValueError("a rater has an item that there is not")
        return self

    def signed(self) -> StudyKey:
        """The same with the fingerprint of its content."""
        content = self.model_dump(mode="json", exclude={"fingerprint"})
        text = json.dumps(content, sort_keys=True, ensure_ascii=True)
        return self.model_copy(update={"fingerprint": hashlib.sha256(text.encode()).hexdigest()[:16]})

    @property
    def by_id(self) -> dict[str, StudyItem]:
        """Every item by its id."""
        return {item.id: item for item in self.items}


class RatingAnswer(BaseModel):
    """A rater's answer to one item, as a page exports it: any of it may be missing yet.

    Attributes:
        scores: the values by dimension; those of a rubric's dimensions, as they were shown.
        comment: on the item.
        seconds: for which the item was before a rater who was doing something.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scores: dict[str, RatedValue] = Field(default_factory=dict, max_length=100)
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] = ""
    seconds: Annotated[float, Field(ge=0, le=10**7)] | None = None


def rater_name(number: int) -> str:
    """What the n-th rater (from 1) is called; on their page it is the ``part`` of the share."""
    return f"rater-{number}"


def sheet_columns(rubric: StudyRubric) -> tuple[str, ...]:
    """The columns of a sheet by name: what they are of, what is shown, a column for each dimension, ``comment``.

    In the file a dimension's heading is its name, a space and its title in the study's languages: :func:`column_of`
    takes the name out again. Grades are 1 to 5, yes and no ``是`` or ``否`` (``yes``, ``no``, ``1``, ``0`` are read
    too), of a pair ``甲``, ``乙``, ``平`` (``A``, ``B``, ``tie`` are read too).
    """
    return (*SHEET_COLUMNS, *rubric.shown, *(d.name for d in rubric.dimensions), COMMENT)


def column_of(heading: str) -> str:
    """The name of a column by its heading."""
    return heading.strip().partition(" ")[0].partition("\n")[0].lower()


VALUE_WORDS: Mapping[Kind, Mapping[str, RatedValue]] = {
    Kind.SCALE: {form: grade for grade in GRADES for form in (str(grade), f"{grade}.0")},
    Kind.YES_NO: {
        **dict.fromkeys(("是", "yes", "y", "1", "1.0", "true"), True),
        **dict.fromkeys(("否", "no", "n", "0", "0.0", "false"), False),
    },
    Kind.CHOICE: {
        **dict.fromkeys((FIRST, "a", "first", "left"), FIRST),
        **dict.fromkeys((SECOND, "b", "second", "right"), SECOND),
        **dict.fromkeys((TIE, "tie", "=", "none"), TIE),
    },
}
"""What people write into a cell, in lower case, and what it is."""


def read_key(folder: Path) -> StudyKey:
    """The key of a study's folder.

    Raises:
        DataError: there is none, or it is damaged or was changed; the message names file and field.
    """
    path = folder / KEY_FILE
    try:
        content: Any = parse_json(read_file(path), twins=False)
        require_shallow(content)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); name the folder that `csconv human sheet` wrote"
        ) from None
    except ValueError as error:
        raise DataError(f"{path}: not the key of a study: {printable(str(error), 300)}") from None
    if not isinstance(content, dict) or content.get("format") != KEY_FORMAT:
        raise DataError(f"{path}: not the key of a study in the format {KEY_FORMAT}")
    try:
        key = StudyKey.model_validate(content)
    except ValidationError as error:
        raise DataError(f"{path}: {printable(first_fault(error), 300)}") from None
    if key.signed().fingerprint != key.fingerprint:
        raise DataError(
            f"{path}: was changed after it was made: its fingerprint {key.fingerprint} is not that of its content"
        )
    return key

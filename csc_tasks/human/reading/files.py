"""The files that came back: which there are, and the answers in each, whatever made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from csc_tasks.errors import DataError, first_fault
from csc_tasks.human.answers_file import read_answers
from csc_tasks.human.label_studio import (
    EXPORTED_NO,
    EXPORTED_TIE,
    EXPORTED_YES,
    TIE_CONTROL,
    AnnotatedTask,
    TaskAnnotation,
)
from csc_tasks.human.reading.given import GivenAnswer, StudyFiles
from csc_tasks.human.reading.sheets import SHEET_SUFFIXES, sheet_answers
from csc_tasks.human.study import (
    ANSWERS_FOLDER,
    ANSWERS_FORMAT,
    COMMENT,
    MAX_COMMENT,
    RatingAnswer,
    rater_name,
)
from csc_tasks.metrics.judge.pairs import FIRST, SECOND, TIE
from csc_tasks.metrics.judge.rubric import Kind
from csc_tasks.outside import parse_json, read_file, require_shallow
from csc_tasks.printable import printable

__all__ = ["answers_of_file", "find_answers"]

_SIDES = {"left": FIRST, "right": SECOND}
_TRUTH = {EXPORTED_YES: True, EXPORTED_NO: False}


def find_answers(folder: Path, paths: Sequence[Path]) -> list[Path]:
    """The files to read: those named, folders whole, or what lies in the study's ``answers/``; in order of names.

    Hidden files, and what Excel puts beside a workbook that is open, are passed over.

    Raises:
        DataError: a path that does not exist, nothing to read, or a file of another kind.
    """
    wanted = list(paths) or [folder / ANSWERS_FOLDER]
    found: dict[Path, Path] = {}
    for path in wanted:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
        elif path.exists():
            inside = [path]
        else:
            raise DataError(f"{path}: no such file or folder")
        found.update((p.resolve(), p) for p in inside if not p.name.startswith((".", "~$")))
    for path in found.values():
        if path.suffix.lower() not in (".json", *SHEET_SUFFIXES):
            raise DataError(
                f"{path}: not a file of answers (.json, {', '.join(SHEET_SUFFIXES)}); take it out of the folder, or "
                "name the files that are"
            )
    if not found:
        raise DataError(
            f"{', '.join(map(str, wanted))}: no answers; put there what raters sent back, or name the files behind "
            "the study's folder"
        )
    return list(found.values())


def answers_of_file(path: Path, study: StudyFiles, encoding: str | None = None) -> list[GivenAnswer]:
    """The answers in a file: exported by a page or by Label Studio, or a sheet.

    Args:
        path: of the file.
        study: that it belongs to.
        encoding: of a CSV, where it is neither UTF-8 nor UTF-16 nor GBK.

    Raises:
        DataError: it cannot be read, belongs to another study, or has what could not be answered; the message names
            file and record.
    """
    if path.suffix.lower() != ".json":
        return list(sheet_answers(path, study, encoding))
    try:
        content = parse_json(read_file(path), twins=False)
        require_shallow(content)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise DataError(
            f"{path}: damaged or cut off ({printable(str(error), 200)}); export it again"
        ) from None
    return list(
        _of_label_studio(path, content, study) if isinstance(content, list) else _of_page(path, study)
    )


def _of_page(path: Path, study: StudyFiles) -> Iterator[GivenAnswer]:
    read = read_answers(path, ANSWERS_FORMAT, study.key.fingerprint, str(study.path))
    part = read.share.get("part")
    rater = rater_name(part) if part else ""
    when = _moment(read.exported, path)
    for item, fields in read.items.items():
        where = f"{path}: item {item}"
        study.require_item(rater, item, where)
        try:
            answer = RatingAnswer.model_validate(fields)
        except ValidationError as error:
            raise DataError(f"{where}: {printable(first_fault(error), 200)}") from None
        scores = {name: study.require_value(name, value, where) for name, value in answer.scores.items()}
        yield GivenAnswer(rater, read.person, item, answer.model_copy(update={"scores": scores}), when, path)


def _of_label_studio(path: Path, content: list[Any], study: StudyFiles) -> Iterator[GivenAnswer]:
    for number, entry in enumerate(content, start=1):
        where = f"{path}: task {number}"
        try:
            task = AnnotatedTask.model_validate(entry)
        except ValidationError as error:
            raise DataError(
                f"{where}: not a task of Label Studio's JSON export: {printable(first_fault(error), 200)}"
            ) from None
        if task.data.study != study.key.fingerprint:
            raise DataError(
                f"{where}: of a study with fingerprint {task.data.study}, and {study.path} has "
                f"{study.key.fingerprint}"
            )
        study.require_item(task.data.rater, task.data.item, where)
        for annotation in task.annotations:
            if not annotation.was_cancelled:
                answer = _labelled(annotation, study, where)
                when = _moment(annotation.updated_at, path)
                yield GivenAnswer(task.data.rater, "", task.data.item, answer, when, path)


def _labelled(annotation: TaskAnnotation, study: StudyFiles, where: str) -> RatingAnswer:
    scores: dict[str, Any] = {}
    comment = ""
    for result in annotation.result:
        value = result.value
        if result.from_name == COMMENT:
            texts = value.get("text")
            comment = " ".join(map(str, texts)) if isinstance(texts, list) else str(texts or "")
        elif result.from_name == TIE_CONTROL and TIE_CONTROL not in study.dimensions:
            if EXPORTED_TIE in _chosen(value):
                pairs = (d.name for d in study.dimensions.values() if d.kind is Kind.CHOICE)
                scores.update((name, TIE) for name in pairs)
        elif scores.get(result.from_name) != TIE:
            scores[result.from_name] = study.require_value(result.from_name, _said(value), where)
    seconds = annotation.lead_time
    known = seconds if seconds is not None and 0 <= seconds < 10**7 else None
    return RatingAnswer(scores=scores, comment=comment[:MAX_COMMENT], seconds=known)


def _said(value: dict[str, Any]) -> object:
    """What a control of Label Studio says, as the question's value."""
    if "rating" in value:
        return value["rating"]
    if "selected" in value:
        return _SIDES.get(str(value["selected"]), value["selected"])
    chosen = _chosen(value)
    said = chosen[0] if len(chosen) == 1 else chosen
    return _TRUTH.get(said, said) if isinstance(said, str) else said


def _chosen(value: dict[str, Any]) -> list[Any]:
    choices = value.get("choices")
    return choices if isinstance(choices, list) else []


def _moment(text: str, path: Path) -> float:
    """Seconds since 1970 of a time as files have it; where it is none, of the file's last change."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return path.stat().st_mtime

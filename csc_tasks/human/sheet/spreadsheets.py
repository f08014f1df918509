"""A rater's items for a spreadsheet: CSV for any, XLSX with lists to choose from, and the questions in words."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from csc_tasks.human.sheet.making import MadeStudy
from csc_tasks.human.spreadsheet import FILE_MARK, guarded, sheet_bytes
from csc_tasks.human.study import COMMENT, ITEM_MARK, SHEET_COLUMNS, RatedDimension, rater_name, sheet_columns
from csc_tasks.metrics.judge.pairs import FIRST, SECOND, TIE
from csc_tasks.metrics.judge.rubric import GRADES, Kind

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["guide_text", "rating_csv", "rating_xlsx"]

_CELL = 32_767
"""Characters that a cell of Excel holds."""
_LIST = 255
"""Characters of a list of answers in a workbook; none of them can have a comma or a quotation mark."""
_CUT = "…（后文见网页 / goes on: see the page）"
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML, and so XLSX, cannot hold."""
_WIDE, _MIDDLE, _NARROW = 60, 18, 10
_TRUTH = {"zh": ("是", "否"), "en": ("yes", "no")}
_SIDES = {"zh": (FIRST, SECOND, TIE), "en": ("A", "B", "tie")}
"""What is written into a cell: :data:`~csc_tasks.human.study.VALUE_WORDS` reads all of it."""


def rating_csv(study: MadeStudy, number: int) -> bytes:
    """The items of a rater (from 0), in UTF-8 with the mark by which Excel knows it."""
    columns = sheet_columns(study.key.rubric)
    headings = _headings(study)
    rows = (
        {headings[name]: _guarded(name, text) for name, text in row.items()} for row in _rows(study, number)
    )
    return sheet_bytes([headings[name] for name in columns], rows)


def rating_xlsx(study: MadeStudy, number: int) -> bytes:
    """The same as a workbook: texts are texts whatever they begin with, and answers are chosen from lists.

    Raises:
        ImportError: openpyxl is not installed.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    sheet.title = rater_name(number + 1)
    columns = sheet_columns(study.key.rubric)
    headings = _headings(study)
    for at, name in enumerate(columns, start=1):
        cell = _text(sheet, 1, at, headings[name])
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(at)].width = _width(name, study)
    for line, row in enumerate(_rows(study, number), start=2):
        for at, name in enumerate(columns, start=1):
            if text := row.get(name, ""):
                _text(sheet, line, at, text).alignment = Alignment(wrap_text=True, vertical="top")
    last = len(study.shown[number]) + 1
    for dimension in study.key.rubric.dimensions:
        letter = get_column_letter(columns.index(dimension.name) + 1)
        _offer(sheet, f"{letter}2:{letter}{last}", _offered(dimension, study))
    sheet.freeze_panes = sheet.cell(row=2, column=len(SHEET_COLUMNS) + 1)
    guide = book.create_sheet("guide")
    guide.column_dimensions["A"].width = 120
    for line, text in enumerate(guide_text(study).splitlines(), start=1):
        _text(guide, line, 1, text).alignment = Alignment(wrap_text=True, vertical="top")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def guide_text(study: MadeStudy) -> str:
    """The questions, and what each answer means, in the languages of the study."""
    lines: list[str] = []
    for language, wording in study.wordings.items():
        for dimension in study.key.rubric.dimensions:
            question = wording.questions[dimension.name]
            lines += [f"{dimension.name}  {question.title}", question.question]
            for value, meaning in question.anchors.items():
                lines.append(f"  {_answer(dimension, value, language)}: {meaning}")
            lines.append("")
    return "\n".join(lines)


def _rows(study: MadeStudy, number: int) -> Iterator[dict[str, str]]:
    for place, shown in enumerate(study.shown[number], start=1):
        yield {
            "study": FILE_MARK + study.key.fingerprint,
            "rater": rater_name(number + 1),
            "number": str(place),
            "item": ITEM_MARK + shown.item.id,
            **{name: shown.fields[name] for name in study.key.rubric.shown},
        }


def _headings(study: MadeStudy) -> dict[str, str]:
    """The heading of each column, which begins with its name."""
    headings = {name: name for name in sheet_columns(study.key.rubric)}
    for dimension in study.key.rubric.dimensions:
        titles = " / ".join(w.questions[dimension.name].title for w in study.wordings.values())
        headings[dimension.name] = f"{dimension.name} {titles} ({'/'.join(_offered(dimension, study))})"
    for name in study.key.rubric.shown:
        headings[name] = " ".join((name, " / ".join(w.blocks[name] for w in study.wordings.values())))
    return headings


def _guarded(name: str, text: str) -> str:
    # What stands in the first columns is ours, and begins with a letter.
    return text if name in SHEET_COLUMNS else guarded(_short(text.replace("\0", "")))


def _short(text: str) -> str:
    return text if len(text) <= _CELL - 1 else text[: _CELL - 1 - len(_CUT)] + _CUT


def _offered(dimension: RatedDimension, study: MadeStudy) -> tuple[str, ...]:
    """What may be written into a cell."""
    language = next(iter(study.wordings))
    if dimension.kind is Kind.SCALE:
        return tuple(map(str, GRADES))
    if dimension.kind is Kind.YES_NO:
        return _TRUTH[language]
    return _SIDES[language] if set(dimension.options) == {FIRST, SECOND, TIE} else tuple(dimension.options)


def _answer(dimension: RatedDimension, value: str, language: str) -> str:
    """An answer as it is written into a cell, by what the rubric calls it."""
    words: Mapping[str, str] = {}
    if dimension.kind is Kind.YES_NO:
        words = dict(zip(("true", "false"), _TRUTH[language], strict=True))
    elif dimension.kind is Kind.CHOICE:
        words = dict(zip((FIRST, SECOND, TIE), _SIDES[language], strict=True))
    return words.get(value, value)


def _width(name: str, study: MadeStudy) -> int:
    if name in study.key.rubric.shown and name != "strategy":
        return _WIDE
    return _WIDE // 2 if name == COMMENT else _MIDDLE if name not in SHEET_COLUMNS else _NARROW


def _text(sheet: Worksheet, line: int, at: int, text: str) -> Any:
    """A cell that holds a text and never a formula, and that Excel keeps as it is when somebody edits it."""
    cell = sheet.cell(row=line, column=at)
    cell.value = _short(_UNSEEN.sub("\ufffd", text))
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def _offer(sheet: Worksheet, cells: str, values: tuple[str, ...]) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    listed = ",".join(values)
    if len(listed) > _LIST or any(mark in value for value in values for mark in ',"'):
        return  # the heading says what may stand there
    validation = DataValidation(type="list", formula1=f'"{listed}"', allow_blank=True, showErrorMessage=True)
    sheet.add_data_validation(validation)
    validation.add(cells)

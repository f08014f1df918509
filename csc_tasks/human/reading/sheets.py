"""Sheets that came back: CSV as Excel saves it, and workbooks."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from csc_tasks.data.tables import table_rows
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.human.reading.given import GivenAnswer, StudyFiles
from csc_tasks.human.spreadsheet import require_file, unguarded
from csc_tasks.human.study import COMMENT, ITEM_MARK, MAX_COMMENT, RatingAnswer, column_of
from csc_tasks.outside import MAX_FILE, require_regular

__all__ = ["SHEET_SUFFIXES", "sheet_answers"]

_TABLES = (".csv", ".tsv", ".txt")
_WORKBOOK = ".xlsx"
SHEET_SUFFIXES = (*_TABLES, _WORKBOOK)
_DAMAGE = (
    *(ValueError, LookupError, TypeError, AttributeError, SyntaxError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What openpyxl lets through of what zip, XML and its own readers raise."""
_NEEDED = ("study", "rater", "item")
_MOST_ROWS = 200_000
_MOST_COLUMNS = 200


def sheet_answers(path: Path, study: StudyFiles, encoding: str | None = None) -> Iterator[GivenAnswer]:
    """The answers in a sheet; a row in which nothing is filled in is none.

    Rows may be sorted otherwise, and columns and rows that are not needed be gone.

    Args:
        path: CSV with comma, semicolon or tab, in UTF-8, UTF-16 or GBK, or a workbook.
        study: that it belongs to.
        encoding: of a CSV, where it is none of these.

    Raises:
        DataError: it cannot be read, lacks a column, is of another study, or has what could not be answered; the
            message names file, line and column.
        ConfigError: it is a workbook, and openpyxl is not there to read it.
    """
    when = path.stat().st_mtime
    book = path.suffix.lower() == _WORKBOOK
    empty = True
    for line, cells in _book_rows(path) if book else table_rows(path, encoding, _suffixes(path)):
        empty = False
        where = f"{path}: {line}"
        row = {column_of(heading): unguarded(cell) for heading, cell in cells.items()}
        if missing := [name for name in _NEEDED if name not in row]:
            raise DataError(
                f"{where}: no column {missing[0]}; a sheet of the study has {', '.join(_NEEDED)} and a column for "
                "each question"
            )
        require_file(row["study"], study.key.fingerprint, study.path, where)
        item = row["item"].strip().removeprefix(ITEM_MARK)
        study.require_item(row["rater"].strip().lower(), item, where)
        read = {name: study.read_cell(name, row.get(name, ""), where) for name in study.dimensions}
        scores = {name: value for name, value in read.items() if value is not None}
        comment = row.get(COMMENT, "").strip()[:MAX_COMMENT]
        if scores or comment:
            answer = RatingAnswer(scores=scores, comment=comment)
            yield GivenAnswer(row["rater"].strip().lower(), "", item, answer, when, path)
    if empty:
        raise DataError(f"{path}: no rows beneath the header")


def _suffixes(path: Path) -> tuple[str, ...]:
    return (*_TABLES, path.suffix)


def _book_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of the first sheet of a workbook by heading; empty ones are passed over."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise ConfigError(
            f"{path}: needs openpyxl to be read (pip install openpyxl), or save it as `CSV UTF-8`"
        ) from None
    try:
        if require_regular(path) > MAX_FILE:
            raise DataError(f"{path}: larger than {MAX_FILE // 2**20} MB, which no such sheet is")
        _require_modest(path)
        book = load_workbook(path, read_only=True, data_only=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except _DAMAGE as error:
        raise DataError(f"{path}: not a workbook, or damaged ({type(error).__name__}: {error})") from None
    try:
        sheet = book.worksheets[0]
        header: list[str] = []
        for number, cells in enumerate(sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS), start=1):
            if number > _MOST_ROWS:
                raise DataError(f"{path}: more than {_MOST_ROWS:,} rows")
            texts = ["" if cell is None else str(cell) for cell in cells]
            if not header:
                header = texts
            elif any(text.strip() for text in texts):
                yield (
                    f"row {number}",
                    {name: text for name, text in zip(header, texts, strict=False) if name.strip()},
                )
    except _DAMAGE as error:
        raise DataError(f"{path}: damaged ({type(error).__name__}: {error})") from None
    finally:
        book.close()


def _require_modest(path: Path) -> None:
    """Require a workbook not to be many times larger than its file once it is unpacked."""
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_FILE:
            raise DataError(f"{path}: unpacks to more than {MAX_FILE // 2**20} MB, which no such sheet does")

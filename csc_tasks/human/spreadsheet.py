"""What people fill in in a spreadsheet: cells that Excel leaves alone, and what becomes of them there and back.

Each form has its own columns; what is the same in all of them stands here.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from csc_tasks.data.tables import table_rows
from csc_tasks.errors import DataError
from csc_tasks.outside import MAX_FILE, require_regular
from csc_tasks.printable import printable

__all__ = [
    "FILE_MARK",
    "Word",
    "guarded",
    "loosely",
    "one_reviewer",
    "require_file",
    "sheet_bytes",
    "sheet_rows",
    "unguarded",
    "words_of",
]

FILE_MARK = "f_"
"""What stands before a fingerprint: sixteen digits alone would come back from Excel as a number, rounded."""
_RISKY = re.compile(r"[=+\-@'\t\r\n＝＋－＠]|[\s0-9A-Za-z.,:/%()$¥_-]*\Z")
"""What Excel takes for a formula, a number, a date or a truth."""


class Word(NamedTuple):
    """One of the words of a cell: ``reject: wrong`` or 退回（内容有误）。 Both in lower case, ``written`` as typed."""

    word: str
    why: str
    written: str


def guarded(text: str) -> str:
    """A cell that no spreadsheet computes or rounds; :func:`unguarded` is its inverse."""
    return f"'{text}" if text and _RISKY.match(text) else text


def unguarded(cell: str) -> str:
    """The text of a cell, without the mark that :func:`guarded` put before it."""
    return cell[1:] if cell.startswith("'") and len(cell) > 1 and _RISKY.match(cell[1:]) else cell


def loosely(text: str) -> str:
    """Without what a sheet cannot hold, or saving it changes: zero bytes, kinds of line ends, blanks around."""
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").strip()


def sheet_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """A CSV in UTF-8 with the mark by which Excel knows it; a row's missing columns are empty."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def sheet_rows(path: Path, needed: Collection[str], made_by: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The rows of a sheet that came back, each with file and line for a message.

    Rows may be sorted otherwise, and rows and columns that are not needed be gone.

    Args:
        path: the sheet.
        needed: columns without which a row says nothing.
        made_by: the command that writes such a sheet.

    Raises:
        DataError: it cannot be read, is larger than any sheet, has no rows, or lacks a column.
    """
    try:
        if require_regular(path) > MAX_FILE:
            raise DataError(f"{path}: larger than {MAX_FILE // 2**20} MB, which no such sheet is")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    empty = True
    for where, row in table_rows(path):
        place, empty = f"{path}: {where}", False
        if missing := [name for name in needed if name not in row]:
            raise DataError(f"{place}: no column {missing[0]}; write the sheet with `{made_by}`")
        yield place, row
    if empty:
        raise DataError(f"{path}: no rows beneath the header")


def require_file(cell: str, fingerprint: str, path: Path, place: str) -> None:
    """Require that a row was made of the file that it is read with.

    Raises:
        DataError: it was made of another.
    """
    given = cell.strip().removeprefix(FILE_MARK)
    if given != fingerprint:
        raise DataError(
            f"{place}: made on a file with fingerprint {printable(given, 40) or '(none)'}, and {path} has "
            f"{fingerprint}; name the file that the sheet was made of"
        )


def one_reviewer(path: Path, cells: Iterable[str]) -> str:
    """Who filled in a sheet: the one name in its column ``reviewer``, else the file's name.

    Raises:
        DataError: there are several names.
    """
    people = sorted({name for cell in cells if (name := printable(cell, 80))})
    if len(people) > 1:
        raise DataError(f"{path}: of {len(people)} reviewers ({', '.join(people[:3])}); give each a sheet")
    return people[0] if people else printable(path.stem, 80) or "sheet"


def words_of(cell: str, known: Callable[[Word], bool], expected: str, place: str) -> Iterator[Word]:
    """The words of a cell as people type them: in full width, with a full stop, a reason behind a colon or in brackets.

    Args:
        cell: its text; a semicolon or a new line stands between two words.
        known: whether a word and its reason are among those that may stand there.
        expected: those, for the message.
        place: the row's, for the message.

    Raises:
        DataError: one is not known.
    """
    for part in re.split(r"[;；\n]", cell):
        plain = unicodedata.normalize("NFKC", part).strip(" 。.!)")
        word, _, why = plain.replace("(", ":", 1).partition(":")
        if not word.strip():
            continue
        found = Word(word.strip().lower(), why.strip().lower(), part)
        if not known(found):
            raise DataError(f"{place} {printable(part, 40)!r}: must be {expected}")
        yield found

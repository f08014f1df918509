"""People's ratings of replies that a judge has judged, and the verdicts that they are held against."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from csc_tasks.chat.journal import read_journal
from csc_tasks.data.tables import table_rows
from csc_tasks.errors import DataError
from csc_tasks.metrics.judge.agreement import Agreement, Place, agreement, read_verdicts
from csc_tasks.metrics.judge.rubric import load_rubric

__all__ = ["agreement_of_files", "find_verdicts", "read_ratings"]


def read_ratings(path: Path, encoding: str | None = None) -> dict[str, dict[Place, dict[str, str]]]:
    """Read ratings: a table with ``conversation``, ``turn`` (empty for dialogues), a column for each dimension, and
    ``rater`` where there are several.

    Args:
        path: a CSV as spreadsheets write it: comma, semicolon or tab, in UTF-8, UTF-16 or GBK.
        encoding: its encoding, if it is none of these.

    Returns:
        The values as written, by rater, place and column.

    Raises:
        DataError: it cannot be read, lacks a column, or rates something twice; the message names the line.
    """
    ratings: dict[str, dict[Place, dict[str, str]]] = defaultdict(dict)
    empty = True
    # Of any name: Excel's "Unicode text" ends in .txt.
    for line, row in table_rows(path, encoding, (path.suffix,)):
        empty = False
        if "conversation" not in row:
            raise DataError(
                f"{path}: needs the columns conversation, turn and those of the rubric's dimensions; "
                f"there are {', '.join(map(repr, row))}"
            )
        turn, rater, where = row.get("turn", "").strip(), row.get("rater", "").strip(), f"{path}: {line}"
        if turn and not (turn.isascii() and turn.isdecimal() and len(turn) < 10):
            raise DataError(f"{where}: turn {turn!r} is no number; turns count from 0")
        place = row["conversation"].strip(), int(turn) if turn else None
        if place in ratings[rater]:
            raise DataError(f"{where}: rated a second time by the same rater")
        ratings[rater][place] = row
    if empty:
        raise DataError(f"{path}: no ratings below the header")
    return dict(ratings)


def find_verdicts(path: Path) -> Path:
    """The one journal of verdicts at a path or in a folder.

    Raises:
        DataError: there is none, or more than one.
    """
    found = sorted(path.rglob("verdicts_*.jsonl")) if path.is_dir() else [path]
    if len(found) != 1 or not found[0].is_file():
        listed = ", ".join(str(p) for p in found[:5])
        raise DataError(
            f"{path}: name one verdicts_*.jsonl, of the replies that were rated ({listed or 'none here'})"
        )
    return found[0]


def agreement_of_files(
    verdicts: Path, human: Path, rubric: str | None = None, encoding: str | None = None
) -> list[Agreement]:
    """Hold a journal of verdicts against a CSV of ratings.

    Args:
        verdicts: the journal, from :func:`find_verdicts`.
        human: the CSV.
        encoding: of the CSV, as for :func:`read_ratings`.
        rubric: a name or folder, if the rubric is not a shipped one.

    Raises:
        DataError: a file cannot be read.
        JudgeError: they do not fit each other.
    """
    records = list(read_journal(verdicts))
    names = {str(r.get("rubric", "")).partition("@")[0] for r in records}
    if not records or (rubric is None and len(names) != 1):
        raise DataError(f"{verdicts}: not a log of verdicts")
    return agreement(
        load_rubric(rubric or names.pop()), read_verdicts(records), read_ratings(human, encoding)
    )

"""People's ratings of replies that a judge has judged, and the verdicts that they are held against."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from csc_tasks.chat.journal import read_journal
from csc_tasks.errors import DataError
from csc_tasks.metrics.judge.agreement import Agreement, Place, agreement, read_verdicts
from csc_tasks.metrics.judge.rubric import load_rubric

__all__ = ["agreement_of_files", "find_verdicts", "read_ratings"]


def read_ratings(path: Path) -> dict[str, dict[Place, dict[str, str]]]:
    """Read ratings: a CSV with ``conversation``, ``turn`` (empty for dialogues), a column for each dimension, and
    ``rater`` where there are several.

    Returns:
        The values as written, by rater, place and column.

    Raises:
        DataError: it cannot be read, lacks a column, or rates something twice; the message names the line.
    """
    ratings: dict[str, dict[Place, dict[str, str]]] = defaultdict(dict)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "conversation" not in (reader.fieldnames or ()):
                raise DataError(
                    f"{path}: needs the columns conversation, turn and those of the rubric's dimensions"
                )
            for row in reader:
                turn, rater = (row.get("turn") or "").strip(), (row.get("rater") or "").strip()
                where = f"{path}: line {reader.line_num}"
                if turn and not turn.isdecimal():
                    raise DataError(f"{where}: turn {turn!r} is no number; turns count from 0")
                place = (row["conversation"] or "").strip(), int(turn) if turn else None
                if place in ratings[rater]:
                    raise DataError(f"{where}: rated a second time by the same rater")
                ratings[rater][place] = {k: v or "" for k, v in row.items() if isinstance(k, str)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
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


def agreement_of_files(verdicts: Path, human: Path, rubric: str | None = None) -> list[Agreement]:
    """Hold a journal of verdicts against a CSV of ratings.

    Args:
        verdicts: the journal, from :func:`find_verdicts`.
        human: the CSV.
        rubric: a name or folder, if the rubric is not a shipped one.

    Raises:
        DataError: a file cannot be read.
        JudgeError: they do not fit each other.
    """
    records = list(read_journal(verdicts))
    names = {str(r.get("rubric", "")).partition("@")[0] for r in records}
    if not records or (rubric is None and len(names) != 1):
        raise DataError(f"{verdicts}: not a log of verdicts")
    return agreement(load_rubric(rubric or names.pop()), read_verdicts(records), read_ratings(human))

"""What judges and people said of replies that others may read: from journals of verdicts, and files of ratings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from csc_tasks.chat.journal import read_journal
from csc_tasks.errors import ChatError, DataError
from csc_tasks.leaderboards.browsed import BrowsedRemark
from csc_tasks.metrics.judge.verdict import SILENT, Status, Verdict
from csc_tasks.results.ratings_file import read_given_ratings
from csc_tasks.results.results_file import Origin, TaskRun

__all__ = ["Remarks", "remarks_of"]

Remarks = dict[str, tuple[BrowsedRemark, ...]]
"""By conversation, in the order of turns; what is of a whole conversation first."""


def remarks_of(runs: Iterable[TaskRun], conversations: Collection[str]) -> tuple[Remarks, list[DataError]]:
    """What judges and people said of a model in some conversations.

    Args:
        runs: of one model in one section; those that a judge made have a journal beside them, those of people a file of
            ratings.
        conversations: the ids of those that are wanted.

    Returns:
        What there is, and of journals that cannot be read why.
    """
    found: dict[str, dict[tuple[Any, ...], BrowsedRemark]] = {}
    problems = []
    for run in runs:
        if run.origin is Origin.JUDGED and run.judging is not None and run.judging.verdicts:
            path, read = run.path.with_name(run.judging.verdicts), _read
        elif run.rating is not None and run.rating.given:
            path, read = run.path.with_name(run.rating.given), _read_given
        else:
            continue
        try:
            read(path, set(conversations), found)
        except (ChatError, DataError, OSError) as error:
            problems.append(DataError(f"{path}: {error}".replace(f"{path}: {path}: ", f"{path}: ")))
    return {
        name: tuple(sorted(remarks.values(), key=lambda r: (r.turn is not None, r.turn or 0, r.by)))
        for name, remarks in found.items()
    }, problems


def _read(path: Path, wanted: set[str], found: dict[str, dict[tuple[Any, ...], BrowsedRemark]]) -> None:
    """Take in a journal: of several answers to one question a verdict counts, else the last."""
    if not path.is_file():
        raise DataError("not there; reasons of the judge are not shown")
    for line in read_journal(path):
        name, turn = line.get("conversation"), line.get("turn")
        if not isinstance(name, str) or name not in wanted:
            continue
        if turn is not None and (not isinstance(turn, int) or isinstance(turn, bool)):
            continue
        try:
            verdict = Verdict.of(line)
        except ValueError:  # a line that no csconv wrote; scores do not come from here
            continue
        rubric = str(line.get("rubric", "")).partition("@")[0]
        by = " · ".join(filter(None, (verdict.model or str(line.get("judge", "")).partition("@")[0], rubric)))
        scored = verdict.status is Status.SCORED
        before = found.get(name, {}).get((turn, path))
        if before is not None and not before.status and not scored:
            continue
        found.setdefault(name, {})[turn, path] = BrowsedRemark(
            turn=turn,
            by=by,
            human=False,
            scores=tuple((dimension, _value(value)) for dimension, value in verdict.scores.items()),
            reason=verdict.reason,
            status=""
            if scored and SILENT not in verdict.flags
            else SILENT
            if scored
            else verdict.status.value,
        )


def _read_given(path: Path, wanted: set[str], found: dict[str, dict[tuple[Any, ...], BrowsedRemark]]) -> None:
    """Take in a file of people's ratings."""
    if not path.is_file():
        raise DataError("not there; single ratings of people are not shown")
    for rating in read_given_ratings(path):
        if rating.conversation in wanted:
            found.setdefault(rating.conversation, {})[rating.turn, path, rating.rater] = BrowsedRemark(
                turn=rating.turn,
                by=str(rating.rater),
                human=True,
                scores=tuple((dimension, _value(value)) for dimension, value in rating.scores.items()),
                reason="",
            )


def _value(value: object) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)

"""Finding results: every csconv task of every lm-eval results file below some folders.

What cannot be read becomes a :class:`~csc_tasks.leaderboards.board.InputProblem` and the rest goes on: one
truncated file must not cost the table of a hundred models.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.board import InputProblem
from csc_tasks.results.file_names import is_results_name
from csc_tasks.results.results_file import ResultsFile, TaskRun
from csc_tasks.sentences import Sentence

__all__ = ["Found", "find_runs", "read_results"]


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found; ``ignored`` counts the tasks that are not csconv's."""

    runs: tuple[TaskRun, ...]
    problems: tuple[InputProblem, ...]
    ignored: int


def find_runs(paths: Iterable[Path]) -> Found:
    """Every csconv task below the given folders, or in the given files.

    Raises:
        DataError: a path that does not exist, or nowhere a csconv result; the message says what was there.
    """
    paths = list(paths)
    runs: list[TaskRun] = []
    problems: list[InputProblem] = []
    ignored = files = 0
    for path in _results_files(paths, problems):
        files += 1
        try:
            here = read_results(path)
        except DataError as error:
            problems.append(InputProblem(str(path), str(error).removeprefix(f"{path}: ")))
            continue
        runs += here.runs
        problems += here.problems
        ignored += here.ignored
    if not runs:
        seen = f"{files} results files, {ignored} tasks that are not csconv's, {len(problems)} unreadable"
        first = f"; the first: {problems[0].path}: {problems[0].message}" if problems else ""
        where = ", ".join(map(str, paths))
        raise DataError(
            f"{where}: no csconv results ({seen}{first}); run lm_eval with --output_path and --log_samples"
        )
    return Found(tuple(runs), tuple(problems), ignored)


_NOWHERE = Sentence("file.nowhere", "a link that leads nowhere")


def _unreadable(reason: str) -> Sentence:
    return Sentence("file.unreadable", "cannot be read ({reason})", reason=reason)


def _results_files(paths: Iterable[Path], problems: list[InputProblem]) -> Iterator[Path]:
    """Results files, each once; folders that links lead to are entered, but never twice."""
    entered: set[tuple[int, int]] = set()
    yielded: set[Path] = set()

    def report(error: OSError) -> None:
        problems.append(InputProblem(str(error.filename), _unreadable(str(error.strerror))))

    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        if not path.is_dir():
            if path.resolve() not in yielded:
                yielded.add(path.resolve())
                yield path
            continue
        for folder, folders, names in os.walk(path, followlinks=True, onerror=report):
            try:
                status = Path(folder).stat()
            except OSError as error:  # removed meanwhile
                report(error)
                continue
            if (status.st_dev, status.st_ino) in entered:
                folders.clear()
                continue
            entered.add((status.st_dev, status.st_ino))
            folders.sort()
            for name in sorted(names):
                if not is_results_name(name):
                    continue
                file = Path(folder, name)
                try:
                    place = file.resolve(strict=True)
                except (OSError, RuntimeError):  # a link to nothing, or to itself
                    problems.append(InputProblem(str(file), _unreadable(_NOWHERE)))
                    continue
                if place not in yielded:
                    yielded.add(place)
                    yield file


def read_results(path: Path) -> Found:
    """The csconv tasks of one results file.

    Raises:
        DataError: it is not one, or cannot be read; the message names it.
    """
    file = ResultsFile.read(path)
    runs: list[TaskRun] = []
    problems = [
        InputProblem(
            str(path),
            Sentence("run.left-out", "{task} was left out of the run: it {reason}", task=task, reason=reason),
        )
        for task, reason in file.left_out.items()
    ]
    ignored = 0
    for task in file.tasks:
        try:
            run = file.run(task)
        except DataError as error:
            problems.append(InputProblem(str(path), str(error)))
            continue
        if run is not None:
            runs.append(run)
        else:
            ignored += task not in file.groups
    return Found(tuple(runs), tuple(problems), ignored)

"""Reading a study from its folder to what is shown and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from csc_tasks.errors import DataError
from csc_tasks.human.reading.collected import Collected, RaterAnswers, collect
from csc_tasks.human.reading.figures import StudyFigures, figures_of
from csc_tasks.human.reading.files import answers_of_file, find_answers
from csc_tasks.human.reading.given import StudyFiles
from csc_tasks.human.reading.judges import JudgeAgreement, judges_of
from csc_tasks.human.reading.raters import CheckedRaters, check_raters
from csc_tasks.human.reading.results import find_runs_of, write_ratings
from csc_tasks.human.study import KEY_FILE, StudyKey, read_key

__all__ = ["ReadOptions", "ReadStudy", "read_study"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is read, and what becomes of it.

    Attributes:
        folder: of the study.
        answers: files and folders that came back; by default the study's ``answers/``.
        runs: where runs are that were moved since.
        exclude_failed: leave out raters who fail a check.
        encoding: of CSV files that are neither UTF-8 nor UTF-16 nor GBK.
        write: whether results files are written.
    """

    folder: Path
    answers: tuple[Path, ...] = ()
    runs: tuple[Path, ...] = ()
    exclude_failed: bool = False
    encoding: str | None = None
    write: bool = True


@dataclass(frozen=True, slots=True)
class ReadStudy:
    """A study that was read. ``seconds`` is the median of an item, NaN where no file says; ``files`` were read."""

    key: StudyKey
    files: tuple[Path, ...]
    collected: Collected
    checked: CheckedRaters
    figures: StudyFigures
    judges: tuple[JudgeAgreement, ...]
    seconds: float
    notes: tuple[str, ...]
    written: tuple[Path, ...]


def read_study(options: ReadOptions) -> ReadStudy:
    """Read what came back, check the raters, sum up, and write results files beside the runs.

    Everything is read before anything is written.

    Raises:
        DataError: the key or a file cannot be read or does not belong to the study, there is no rating, or all raters
            are left out.
        ConfigError: a workbook cannot be read without openpyxl.
    """
    key = read_key(options.folder)
    study = StudyFiles(key, options.folder / KEY_FILE)
    files = find_answers(options.folder, options.answers)
    collected = collect(key, (a for path in files for a in answers_of_file(path, study, options.encoding)))
    checked = check_raters(key, collected.raters, options.exclude_failed)
    _require_ratings(files, collected.raters, checked)
    runs = find_runs_of(key, options.runs)
    figures = figures_of(key, checked.kept)
    judges = judges_of(key, [log.path if log else None for log in runs.logs], checked.kept)
    times = [a.seconds for r in checked.kept for a in r.answers.values() if a.seconds is not None]
    seconds = median(times) if times else float("nan")
    written: Sequence[Path] = ()
    if options.write:
        written = write_ratings(key, runs, figures, checked.kept, checked.excluded, seconds)
    return ReadStudy(
        key=key,
        files=tuple(files),
        collected=collected,
        checked=checked,
        figures=figures,
        judges=tuple(judges),
        seconds=seconds,
        notes=(*collected.notes, *(runs.notes if options.write else ())),
        written=tuple(written),
    )


def _require_ratings(files: Sequence[Path], raters: Sequence[RaterAnswers], checked: CheckedRaters) -> None:
    where = ", ".join(map(str, files[:3]))
    if not any(answer.scores for rater in raters for answer in rater.answers.values()):
        raise DataError(f"{where}: nothing is rated yet")
    if not checked.kept:
        raise DataError(
            f"{where}: all {len(checked.checks)} raters fail the checks, and --exclude-failed leaves nobody; read "
            "without it to see why"
        )

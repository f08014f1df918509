"""Finding results: every csconv task of every lm-eval results file below some folders.

What cannot be read becomes a :class:`~csc_tasks.leaderboards.board.InputProblem` and the rest goes on: one
truncated file must not cost the table of a hundred models.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.board import InputProblem
from csc_tasks.leaderboards.reading.identity import Identity, identify
from csc_tasks.results.log_file import present

__all__ = ["Found", "Origin", "Protocol", "TaskRun", "find_runs", "read_results"]


_MANY = 10**12
"""More turns than anybody has."""
_LAST_DATE = 253_402_300_800
"""The year 10,000, where calendars of computers end."""


class Origin(Enum):
    """What wrote a results file."""

    RUN = "run"
    RESCORED = "csconv_rescored"
    JUDGED = "csconv_judged"


@dataclass(frozen=True, slots=True)
class Protocol:
    """What must agree before two models may stand in one table."""

    benchmark: str
    prompt: str
    data: str
    scale: str

    def named(self) -> dict[str, str]:
        """By name, in the order in which people ask."""
        return {
            "benchmark": self.benchmark,
            "data": self.data,
            "scale": self.scale,
            "prompt": self.prompt,
        }

    def against(self, other: Protocol) -> str:
        """In words what differs; '' if nothing does."""
        mine, theirs = self.named(), other.named()
        return ", ".join(f"{k} {mine[k]} against {theirs[k]}" for k in mine if mine[k] != theirs[k])


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One csconv task of one results file.

    ``values`` and ``errors`` are scores and standard errors by metric (NaN where there is none), ``about``
    what csconv score or judge wrote about itself, ``base`` the name of the results file it started from.
    """

    path: Path
    task: str
    origin: Origin
    identity: Identity
    facts: Protocol
    signature: dict[str, Any]
    values: dict[str, float]
    errors: dict[str, float]
    report: dict[str, Any]
    about: dict[str, Any]
    limited: bool
    date: float
    seconds: float | None
    samples_hash: str | None

    @property
    def section(self) -> str:
        """Task and context, for instance ``response/generated``."""
        return f"{self.signature['task']}/{self.signature['context']}"

    @property
    def base(self) -> Path | None:
        """The results file that was scored or judged again; ``None`` for a run's own."""
        name = self.about.get("results")
        return self.path.with_name(name) if isinstance(name, str) and name else None

    @property
    def samples(self) -> Path:
        """Where the log of the turns is, compressed or not, if it was written."""
        name = self.about.get("samples")
        name = name or f"samples_{self.task}_{self.path.stem.removeprefix('results_')}.jsonl"
        return present(self.path.with_name(str(name)))


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


def _results_files(paths: Iterable[Path], problems: list[InputProblem]) -> Iterator[Path]:
    """Results files, each once; folders that links lead to are entered, but never twice."""
    entered: set[tuple[int, int]] = set()
    yielded: set[Path] = set()

    def report(error: OSError) -> None:
        problems.append(InputProblem(str(error.filename), f"cannot be read ({error.strerror})"))

    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        if path.is_file():
            if path.resolve() not in yielded:
                yielded.add(path.resolve())
                yield path
            continue
        for folder, folders, names in os.walk(path, followlinks=True, onerror=report):
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in entered:
                folders.clear()
                continue
            entered.add((status.st_dev, status.st_ino))
            folders.sort()
            for name in sorted(names):
                if not (name.startswith("results_") and name.endswith(".json")):
                    continue
                file = Path(folder, name)
                try:
                    place = file.resolve(strict=True)
                except (OSError, RuntimeError):  # a link to nothing, or to itself
                    problems.append(InputProblem(str(file), "cannot be read (a link that leads nowhere)"))
                    continue
                if place not in yielded:
                    yielded.add(place)
                    yield file


def read_results(path: Path) -> Found:
    """The csconv tasks of one results file.

    Raises:
        DataError: it is not one, or cannot be read; the message names it.
    """
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        tasks, configs = results["results"], results["configs"]
        pairs = [(task, values, configs.get(task) or {}) for task, values in tasks.items()]
        groups = {*(results.get("groups") or ()), *(results.get("group_subtasks") or ())}
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not an lm-eval results file (not UTF-8)") from None
    except ValueError as error:
        state = "empty" if not path.stat().st_size else f"damaged or cut off: {error}"
        raise DataError(f"{path}: not an lm-eval results file ({state}); run the evaluation again") from None
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path}: not an lm-eval results file ({type(error).__name__}: {error})") from None
    origin = next((o for o in (Origin.RESCORED, Origin.JUDGED) if o.value in results), Origin.RUN)
    runs: list[TaskRun] = []
    problems: list[InputProblem] = []
    ignored = 0
    for task, values, config in pairs:
        metadata = config.get("metadata") if isinstance(config, dict) else None
        signature = metadata.get("csconv_signature") if isinstance(metadata, dict) else None
        if not signature:
            ignored += task not in groups or task not in (results.get("group_subtasks") or {})
            continue
        try:
            runs.append(_task_run(path, results, task, values, metadata or {}, signature, origin))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            problems.append(
                InputProblem(str(path), f"task {task}: damaged ({type(error).__name__}: {error})")
            )
    return Found(tuple(runs), tuple(problems), ignored)


def _task_run(
    path: Path,
    results: dict[str, Any],
    task: str,
    values: dict[str, Any],
    metadata: dict[str, Any],
    signature: dict[str, Any],
    origin: Origin,
) -> TaskRun:
    scores: dict[str, float] = {}
    errors: dict[str, float] = {}
    for key, value in values.items():
        name, comma, _ = key.partition(",")
        if not comma or name.endswith("_stderr_stderr"):
            continue
        base = name.removesuffix("_stderr")
        number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
        (scores if base == name else errors)[base] = number if math.isfinite(number) else math.nan
    data, prompt = signature["data"], signature["prompt"]
    about = results.get(origin.value) or {}
    report = metadata.get("csconv_report") or {}
    _check(signature, about, report)
    return TaskRun(
        path=path,
        task=task,
        origin=origin,
        identity=identify(results, task),
        facts=Protocol(
            benchmark=str(signature["benchmark"]),
            prompt=f"{prompt['version']} ({str(prompt['sha256'])[:8]})",
            data=f"{data['name']} ({str(data['fingerprint'])[:8]})",
            scale=str(data["scale"]),
        ),
        signature=signature,
        # lm-eval invents a value for a task without metrics.
        values={name: value for name, value in scores.items() if name in signature["metrics"]},
        errors=errors,
        report=report,
        about=about,
        limited=(results.get("config") or {}).get("limit") is not None,
        date=_date(results.get("date")),
        seconds=_seconds(results.get("total_evaluation_time_seconds")),
        samples_hash=(results.get("task_hashes") or {}).get(task),
    )


def _check(signature: dict[str, Any], about: dict[str, Any], report: dict[str, Any]) -> None:
    """Raises what reading would raise later, when it would cost the whole board."""
    _ = str(signature["task"]), str(signature["context"]), str(signature["line"])
    _ = int(signature["data"]["conversations"]), signature["metrics"].items()
    _ = [told.get("reason") for told in (report.get("unscored") or {}).values() if told]
    _ = [int(count) for row in report.get("confusion") or () for count in row]
    turns = int(report.get("turns") or 0)
    if not 0 <= turns < _MANY:
        raise ValueError(f"{turns} turns")
    for key in ("results", "samples", "scores"):
        name = about.get(key)
        # A file of the same folder: no results file may point anywhere else.
        if name is not None and (not isinstance(name, str) or name == ".." or PurePath(name).name != name):
            raise ValueError(f"{key} is {name!r}, not the name of a file beside it")


def _date(value: Any) -> float:
    date = float(value or 0.0)
    if not 0 <= date < _LAST_DATE:
        raise ValueError(f"no date: {date}")
    return date


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) else None

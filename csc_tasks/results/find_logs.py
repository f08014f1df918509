"""Finding the sample logs of csconv's tasks, each with the results file of its run."""

from __future__ import annotations

import os
from pathlib import Path

from csc_tasks.errors import DataError
from csc_tasks.protocol.signature import BENCHMARK_VERSION
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.results.file_names import results_beside, task_of_log
from csc_tasks.results.log_file import log_stem, logs_below, plain
from csc_tasks.results.results_file import ResultsFile
from csc_tasks.results.sample_log import SampleLog

__all__ = ["find_logs", "log_files", "no_logs", "open_log"]

_KINDS = {kind.value for kind in TaskKind}
_CONTEXTS = {context.value for context in Context}


def find_logs(paths: list[Path]) -> list[SampleLog]:
    """The csconv logs among the given files and folders, each with its results file.

    Raises:
        DataError: no such log, a log without the results file of its run, or from a newer benchmark version.
    """
    logs = [log for log in map(open_log, log_files(paths)) if log is not None]
    if not logs:
        raise no_logs(paths)
    return logs


def no_logs(paths: list[Path]) -> DataError:
    """What to say where there are none."""
    return DataError(
        f"no csconv sample logs in {', '.join(map(str, paths))}; run lm_eval with --log_samples --output_path"
    )


def log_files(paths: list[Path]) -> list[Path]:
    """The sample logs among the given files and folders, each once, of whatever task.

    Raises:
        DataError: a path that does not exist.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        for file in logs_below(path) if path.is_dir() else [path]:
            # Unlike resolve() this bears a link to itself, about which whoever opens it complains.
            files.setdefault(Path(os.path.realpath(plain(file))), file)
    return list(files.values())


def open_log(path: Path) -> SampleLog | None:
    """The log at ``path``; ``None`` if its run says that the task is not one of csconv's.

    Raises:
        DataError: its results file is missing or damaged, or of a newer benchmark version; the message names it.
    """
    task = task_of_log(path)
    results = _results_of(path, task)
    results_path = results.path
    try:
        run = results.run(task)
    except DataError as error:
        raise DataError(f"{results_path}: {error}") from None
    if run is None:
        return None
    if run.signature.benchmark > BENCHMARK_VERSION:
        raise DataError(
            f"{path}: benchmark version {run.signature.benchmark}; this csconv knows versions up to {BENCHMARK_VERSION}"
        )
    if run.signature.task not in _KINDS:
        raise DataError(
            f"{results_path}: task {task}: csconv_signature.task: {run.signature.task!r} is unknown"
        )
    if run.signature.context not in _CONTEXTS:
        raise DataError(
            f"{results_path}: task {task}: csconv_signature.context: {run.signature.context!r} is unknown"
        )
    return SampleLog(path, results, run)


def _results_of(log: Path, task: str) -> ResultsFile:
    """The results file of the run that wrote the log."""
    found = list(results_beside(log))
    for place in found:
        results = ResultsFile.read(place)
        if task in results.tasks:
            return results
    if found:
        raise DataError(f"{found[0]}: not the results file of {log.name}: it has no task {task!r}")
    name = f"results_{log_stem(log).removeprefix(f'{task}_')}.json"
    raise DataError(f"{log}: its run's {name} is not beside it, which says how it was made")

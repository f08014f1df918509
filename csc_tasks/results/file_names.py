"""The names of a run's files: lm-eval gives its results and its logs one time stamp, and the results any beginning.

``--output_path out`` makes ``out/MODEL/results_STAMP.json``, ``--output_path out/run1.json`` makes
``out/run1_STAMP.json``; the logs are ``samples_TASK_STAMP.jsonl`` in the same folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from csc_tasks.results.log_file import plain

__all__ = ["is_results_name", "log_beside", "results_beside", "task_of_log"]

_STAMP = re.compile(r"_(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}(?:\.\d{1,6})?)$")
_RESULTS, _SAMPLES = "results_", "samples_"


def is_results_name(name: str) -> bool:
    """Whether lm-eval, ``csconv score`` or ``csconv judge`` names results files so."""
    if not name.endswith(".json"):
        return False
    return name.startswith(_RESULTS) or _STAMP.search(name.removesuffix(".json")) is not None


def log_beside(results: Path, task: str) -> Path:
    """Where the log of a task of a results file is, if it was written."""
    return results.with_name(f"{_SAMPLES}{task}_{_stamp(results.stem, _RESULTS)}.jsonl")


def task_of_log(log: Path) -> str:
    """The task that a log's name tells."""
    stem = plain(log).stem
    return stem.removeprefix(_SAMPLES).removesuffix(f"_{_stamp(stem, _SAMPLES)}")


def results_beside(log: Path) -> Iterator[Path]:
    """The files beside a log that may be the results of its run, the likeliest first."""
    stem = plain(log).stem
    stamp = _stamp(stem, _SAMPLES)
    usual = log.with_name(f"{_RESULTS}{stamp}.json")
    if usual.exists():
        yield usual
    if _STAMP.search(stem):
        others = (path for path in log.parent.glob(f"*_{stamp}.json") if path != usual)
        yield from sorted(others)


def _stamp(stem: str, prefix: str) -> str:
    """The time stamp at the end of a name; where there is none, what stands last in it."""
    if found := _STAMP.search(stem):
        return found[1]
    rest = stem.removeprefix(prefix)
    return rest.rpartition("_")[2] if prefix == _SAMPLES else rest

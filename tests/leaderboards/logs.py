"""Real results and logs on disk, written by lm-eval itself, of models that cost no time."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker

from csc_tasks.framework import Strategy
from csc_tasks.generation.floors import register
from tests import running

NAMES = [strategy.zh for strategy in Strategy]
RESPONSE, STRATEGY = "csconv_mini_response", "csconv_mini_strategy"


def chance(*key: object) -> float:
    """A number in 0-1 that is the same for the same key in every run."""
    return zlib.crc32(repr(key).encode()) / 2**32


def answering(skill: float, seed: int = 0) -> Callable[[Instance], str]:
    """A model that names the gold strategy with this chance, and repeats as much of the gold reply."""

    def reply(request: Instance) -> str:
        doc = request.doc
        key = (seed, doc["conversation"], doc["turn"])
        known = chance(*key) < skill
        strategy = doc["strategy"] if known else NAMES[int(12 * chance("other", *key))]
        text = doc["reference"]
        return f"[{strategy}] {text if known else text[: len(text) // 3] + '好的'}"

    return reply


def write_run(
    folder: Path,
    model: str,
    lm: LM | Callable[[Instance], Any],
    tasks: Sequence[str] = (RESPONSE,),
    date: float | None = None,
    **options: Any,
) -> Path:
    """Evaluate and save as the lm_eval command does; the results file.

    ``date`` replaces the time of the run in the file, so that the order of runs is the test's.
    """
    tracker = EvaluationTracker(output_path=str(folder))
    model_args = {"pretrained": model, **options.pop("model_args", {})}
    results = running.evaluate(
        lm if isinstance(lm, LM) else running.FunctionLM(lm),
        list(tasks),
        model_args=model_args,
        evaluation_tracker=tracker,
        **options,
    )
    _save(tracker, results)
    path = max(folder.rglob("results_*.json"), key=lambda p: (p.stat().st_mtime_ns, p.name))
    if date is not None:
        edit(path, lambda content: content.update(date=date))
    return path


def evaluate(
    folder: Path, kind: str, tasks: str = "csconv_mini_response", limit: int | None = None, seed: int = 0
) -> Path:
    """Evaluate a baseline by its registered name and save it in a folder of its own; returns the folder."""
    register()
    tracker = EvaluationTracker(output_path=str(folder))
    results = running.evaluate(
        "csconv-baseline",
        tasks.split(","),
        model_args=f"model=csconv-{kind},train=mini,seed={seed}",
        limit=limit,
        evaluation_tracker=tracker,
    )
    _save(tracker, results)
    return folder


def _save(tracker: EvaluationTracker, results: dict[str, Any]) -> None:
    samples = results.pop("samples")
    tracker.save_results_aggregated(results, samples)
    for task, lines in samples.items():
        tracker.save_results_samples(task, lines)


def results_file(folder: Path) -> Path:
    """The only results file below a folder."""
    (file,) = folder.rglob("results_*.json")
    return file


def samples_file(folder: Path) -> Path:
    """The only log below a folder."""
    (file,) = folder.rglob("samples_*.jsonl")
    return file


def edit_results(folder: Path, old: str, new: str) -> None:
    """Replace text in the only results file below a folder."""
    file = results_file(folder)
    text = file.read_text(encoding="utf-8")
    assert old in text
    json.loads(text.replace(old, new))
    file.write_text(text.replace(old, new), encoding="utf-8")


def content(folder: Path) -> Any:
    """The only results file below a folder, read."""
    return json.loads(results_file(folder).read_text(encoding="utf-8"))


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a results file's content."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    # In ASCII, as halves of surrogate pairs can only be written so.
    path.write_text(json.dumps(content), encoding="utf-8")


def log_of(results: Path, task: str = RESPONSE) -> Path:
    """The sample log of a results file."""
    return results.with_name(f"samples_{task}_{results.stem.removeprefix('results_')}.jsonl")


def samples_of(results: Path, task: str = RESPONSE) -> list[dict[str, Any]]:
    """The lines of that log."""
    return [json.loads(line) for line in log_of(results, task).read_text(encoding="utf-8").splitlines()]


def age(folder: Path) -> None:
    """As if everything had been written an hour ago: what is as new as the look at it is looked at again."""
    for path in folder.rglob("*"):
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 3_600_000_000_000))


def overwrite(path: Path, stamp: bool) -> None:
    """Destroy a file's content in its place; with ``stamp`` so that its size and time stay."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"\0" * status.st_size)
    if stamp:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def change_line(log: Path, number: int, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change one sample of a log."""
    lines = log.read_text(encoding="utf-8").splitlines()
    sample = json.loads(lines[number])
    change(sample)
    lines[number] = json.dumps(sample)
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")

"""Real results and logs on disk, written by the harness itself, of models that cost no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.loggers import EvaluationTracker

import csc_tasks.baselines  # noqa: F401  # registers the model
from tests.harness import manager

__all__ = ["edit_results", "evaluate", "results_file", "samples_file"]


def evaluate(
    folder: Path, kind: str, tasks: str = "csconv_mini_response", limit: int | None = None, seed: int = 0
) -> Path:
    """Evaluate a baseline as ``lm_eval --log_samples --output_path`` does; returns the folder."""
    tracker = EvaluationTracker(output_path=str(folder))
    results = simple_evaluate(
        model="csconv-baseline",
        model_args=f"model=csconv-{kind},train=mini,seed={seed}",
        tasks=tasks.split(","),
        task_manager=manager(),
        limit=limit,
        log_samples=True,
        evaluation_tracker=tracker,
        bootstrap_iters=0,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results, samples)
    for task, lines in samples.items():
        tracker.save_results_samples(task, lines)
    return folder


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

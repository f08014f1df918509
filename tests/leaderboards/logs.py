"""Real results and logs of small models, for tests that read them: written by lm-eval itself."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker

from csc_tasks.framework import Strategy
from tests.harness import FunctionLM, evaluate

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
    results = evaluate(
        lm if isinstance(lm, LM) else FunctionLM(lm),
        list(tasks),
        model_args=model_args,
        evaluation_tracker=tracker,
        **options,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task, lines in samples.items():
        tracker.save_results_samples(task_name=task, samples=lines)
    path = max(folder.rglob("results_*.json"), key=lambda p: (p.stat().st_mtime_ns, p.name))
    if date is not None:
        edit(path, lambda content: content.update(date=date))
    return path


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a results file's content."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def log_of(results: Path, task: str = RESPONSE) -> Path:
    """The sample log of a results file."""
    return results.with_name(f"samples_{task}_{results.stem.removeprefix('results_')}.jsonl")


def samples_of(results: Path, task: str = RESPONSE) -> list[dict[str, Any]]:
    """The lines of that log."""
    return [json.loads(line) for line in log_of(results, task).read_text(encoding="utf-8").splitlines()]

"""Saved runs to judge, and what was said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from csc_tasks.data.sources import load
from tests.door import csconv
from tests.judge_server import JudgeServer

CANARY = "sk-canary-4f1b9d27"
TURNS = sum(len(c.supporter_turns) for c in load("mini").conversations)


def make(folder: Path) -> None:
    """Runs of two models that need no weights, written by lm_eval itself."""
    for kind in ("random", "shuffle"):
        tasks = "csconv_mini_response,csconv_mini_dialogue,csconv_mini_strategy"
        done = csconv("baseline", kind, "--tasks", tasks, "--output_path", folder)
        assert done.code == 0, done.err


def configured(server: JudgeServer, folder: Path, **fields: Any) -> Path:
    """A judge's configuration for a server."""
    settings = {"model": "fake", "base_url": server.url, "backoff": 0.01, "timeout": 5, **fields}
    path = folder / "judge.yaml"
    path.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items()))
    return path


def log_of(saved: Path, model: str = "random", task: str = "response") -> Path:
    """The log of a model on a task."""
    (path,) = saved.glob(f"csconv-{model}/samples_csconv_mini_{task}_*")
    return path


def verdicts_of(log: Path) -> list[dict[str, Any]]:
    """The lines of a log's verdicts."""
    paths = log.parent.glob(f"verdicts_{log.stem.removeprefix('samples_')}_*.jsonl")
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]

"""The quickstart's runs: the tiny model and every floor, offline, each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from csc_tasks.data.shipped import tiny_model
from csc_tasks.errors import CSConvError
from csc_tasks.install import install_hint

__all__ = ["evaluate"]

_TASKS = ("csconv_mini_response", "csconv_mini_dialogue")
"""The paper's task with gold history and with the model's own: halves of about the same length, for two cores."""
_LONE = "retrieval,majority,random"
_FLOORS = f"{_LONE},shuffle"
"""The floors, and those that can do with a single turn."""
_LONGEST = 48
"""Tokens of a reply; the tiny model, once lost, would repeat itself to the end of its window."""
_AT_ONCE = "16"
"""Replies written together; the scores are the same for any number, the run takes half as long as one by one."""


OnProgress = Callable[[int, int, str, float], None]
"""Called with how many runs are done, of how many, the name of the last and its seconds."""


def evaluate(output_path: Path, limit: int | None, on_progress: OnProgress) -> None:
    """Evaluate into a folder.

    Args:
        output_path: the folder.
        limit: only the first turns of each task.
        on_progress: see :data:`OnProgress`.

    Raises:
        CSConvError: what runs a model is not installed, or a run failed; the message says where its log is.
    """
    if importlib.util.find_spec("transformers") is None or importlib.util.find_spec("torch") is None:
        raise CSConvError(
            "quickstart runs a model with lm-eval's hf backend, which is not installed: "
            f"{install_hint('hf', 'leaderboard')} (on a machine without a GPU, install a CPU build of torch first)"
        )
    common = ["--output_path", str(output_path), *(["--limit", str(limit)] if limit is not None else [])]
    harness = [sys.executable, "-m", "csc_tasks.harness.run", "run", *common, "--log_samples"]
    model = ["--model", "hf", "--model_args", f"pretrained={tiny_model()}", "--device", "cpu"]
    options = ["--gen_kwargs", f"max_gen_toks={_LONGEST}", "--batch_size", _AT_ONCE]
    runs = {f"tiny_model, {tasks}": [*harness, *model, *options, "--tasks", tasks] for tasks in _TASKS}
    own = [sys.executable, "-m", "csc_tasks.commands", "floor"]
    # A single turn has none to be exchanged with.
    floors, name = (_FLOORS, "floors") if limit != 1 else (_LONE, "floors (shuffle needs two turns)")
    runs[name] = [*own, floors, *common, "--tasks", ",".join(_TASKS)]
    output_path.mkdir(parents=True, exist_ok=True)
    _run_all(runs, output_path, on_progress)


def _run_all(runs: Mapping[str, Sequence[str]], folder: Path, on_progress: OnProgress) -> None:
    """Run commands side by side, each with a log of its own.

    Raises:
        CSConvError: one failed; the message says where its log is.
    """
    threads = max(1, (os.cpu_count() or 2) // 2)
    # -P keeps the working folder off the path: a `datasets/` or `metrics.py` there would be imported.
    environment = {
        # glibc gives a model's large blocks back after every step, only to ask for them again: a tenth of the time.
        "MALLOC_MMAP_THRESHOLD_": "4000000000",
        "MALLOC_TRIM_THRESHOLD_": "8000000000",
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": str(threads),
    }

    def run(number: int, command: Sequence[str]) -> tuple[int, float, Path]:
        started, log = time.monotonic(), folder / f"run-{number}.log"
        with log.open("wb") as out:
            done = subprocess.run(command, stdout=out, stderr=out, env=environment, check=False)
        return done.returncode, time.monotonic() - started, log

    with ThreadPoolExecutor(len(runs)) as pool:
        waiting = {pool.submit(run, i, command): name for i, (name, command) in enumerate(runs.items(), 1)}
        for number, future in enumerate(as_completed(waiting), 1):
            status, seconds, log = future.result()
            on_progress(number, len(runs), waiting[future], seconds)
            if status:
                last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                raise CSConvError(f"{waiting[future]} failed ({''.join(last)}); its output is in {log}")

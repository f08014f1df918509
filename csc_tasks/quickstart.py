"""The quickstart's runs, offline, each in a process of its own: the tiny model, every floor, a few conversations."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from csc_tasks.data.shipped import tiny_model
from csc_tasks.errors import CSConvError
from csc_tasks.install import install_hint
from csc_tasks.system.workers import OWNER

__all__ = ["SYNTHESIZED", "evaluate"]

_TASKS = ("csconv_mini_response", "csconv_mini_dialogue")
"""The paper's task with gold history and with the model's own: halves of about the same length, for two cores."""
_ROLE_PLAY = "csconv_mini_roleplay"
"""Twenty-four customers who answer back, by a script."""
_LONE = "labels,retrieval,majority,random"
_FLOORS = f"{_LONE},shuffle"
"""The floors, and those that can do with a single turn."""
_LONGEST = 48
"""Tokens of a reply; the tiny model, once lost, would repeat itself to the end of its window."""
_AT_ONCE = "16"
"""Replies written together; the scores are the same for any number, the run takes half as long as one by one."""
SYNTHESIZED = "synthesized"
"""Folder of the conversations that scripts play."""
_PATIENCE = 5.0
"""Seconds that a run has to end when it is told to."""

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
    tasks = (*_TASKS, _ROLE_PLAY)
    runs = {f"tiny_model, {task}": [*harness, *model, *options, "--tasks", task] for task in tasks}
    own = [sys.executable, "-m", "csc_tasks.commands", "floor"]
    # A single turn has none to be exchanged with.
    floors, name = (_FLOORS, "floors") if limit != 1 else (_LONE, "floors (shuffle needs two turns)")
    runs[name] = [*own, floors, *common, "--tasks", ",".join(_TASKS)]
    if importlib.util.find_spec("datasketch") is not None and not (output_path / SYNTHESIZED).exists():
        played = ["--offline", "--n", "20", "--out", str(output_path / SYNTHESIZED)]
        runs["conversations by scripts"] = [*own[:-1], "synthesize", "roleplay", *played]
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
        OWNER: str(os.getpid()),
    }

    started, running = time.monotonic(), {}
    with ExitStack() as stack:
        for number, (name, command) in enumerate(runs.items(), 1):
            log = folder / f"run-{number}.log"
            out = stack.enter_context(log.open("wb"))
            process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
            stack.callback(_stop, process)
            running[process] = name, log
        for number in range(1, len(runs) + 1):
            process = _next_ended(running)
            name, log = running.pop(process)
            on_progress(number, len(runs), name, time.monotonic() - started)
            if process.returncode:
                last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                raise CSConvError(f"{name} failed ({''.join(last)}); its output is in {log}")


def _next_ended(running: Collection[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    while True:
        for process in running:
            if process.poll() is not None:
                return process
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a run that nobody waits for any more."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

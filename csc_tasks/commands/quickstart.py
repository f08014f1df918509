"""``csconv quickstart``: the whole way once, offline: a tiny model and every floor, then the leaderboard."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import app
from csc_tasks.errors import CSConvError
from csc_tasks.install import install_hint

_TASKS = ("csconv_mini_response", "csconv_mini_dialogue")
"""The paper's task with gold history and with the model's own: halves of about the same length, for two cores."""
_FLOORS = "retrieval,majority,random,shuffle"
_LONGEST = 48
"""Tokens of a reply; the tiny model, once lost, would repeat itself to the end of its window."""
_AT_ONCE = "16"
"""Replies written together; the scores are the same for any number, the run takes half as long as one by one."""


@app.command(rich_help_panel="Run")
def quickstart(
    output_path: Annotated[
        Path, typer.Option("--output_path", "--output-path", help="Folder for results, samples and the page.")
    ] = Path("csconv_quickstart"),
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only the first turns of each task, for a quicker look."),
    ] = None,
) -> None:
    """Evaluate the shipped tiny model and every baseline offline, and build the leaderboard.

    Runs lm_eval as a user would, each task in a process of its own; under two minutes on two idle cores.
    """
    from csc_tasks.commands.leaderboard import show
    from csc_tasks.data.shipped import tiny_model

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
    own = [sys.executable, "-m", "csc_tasks.commands", "baseline"]
    runs["floors"] = [*own, _FLOORS, *common, "--tasks", ",".join(_TASKS)]
    output_path.mkdir(parents=True, exist_ok=True)
    _run_all(runs, output_path)
    show([output_path], output_path / "leaderboard")
    typer.echo(
        f"Open the page above in a browser. Next, your own model: lm_eval --tasks csconv … --log_samples "
        f"--output_path {output_path}, then csconv leaderboard {output_path}",
        err=True,
    )


def _run_all(runs: Mapping[str, Sequence[str]], folder: Path) -> None:
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
            typer.echo(f"[{number}/{len(runs)}] {waiting[future]}: {seconds:.0f} s", err=True)
            if status:
                pool.shutdown(wait=False, cancel_futures=True)
                last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                raise CSConvError(f"{waiting[future]} failed ({''.join(last)}); its output is in {log}")

"""``csconv demo``: the whole way once, offline: the tiny model and every floor, then the tables."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import app
from csc_tasks.errors import CSConvError


@app.command(rich_help_panel="Run")
def demo(
    output_path: Annotated[
        Path, typer.Option("--output_path", "--output-path", help="Folder for results and samples.")
    ] = Path("csconv_demo"),
    tasks: Annotated[str, typer.Option("--tasks", help="Tasks as lm_eval takes them.")] = "csconv_mini",
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only the first turns of each task, for a quick look."),
    ] = None,
) -> None:
    """Evaluate the shipped tiny model and every baseline offline, and print the tables.

    Runs the ordinary lm_eval command five times, as a user would; four to five minutes on two cores.
    """
    from csc_tasks.commands.table import show
    from csc_tasks.registration import configs_folder
    from csc_tasks.tiny_model import folder

    if importlib.util.find_spec("transformers") is None or importlib.util.find_spec("torch") is None:
        raise CSConvError(
            "the demo runs a model with lm-eval's hf backend, which is not installed: "
            "pip install 'csconv-eval[hf]' (on a machine without a GPU, install a CPU build of torch first)"
        )
    common = ["--tasks", tasks, "--output_path", str(output_path)]
    if limit is not None:
        common += ["--limit", str(limit)]
    harness = [sys.executable, "-m", "lm_eval", "run", *common, "--log_samples"]
    own = [sys.executable, "-m", "csc_tasks.commands", "baseline"]
    runs = {
        "tiny_model (lm_eval --model hf)": [
            *harness,
            *("--model", "hf", "--model_args", f"pretrained={folder()}", "--device", "cpu"),
            *("--include_path", str(configs_folder())),
        ],
        **{
            f"{kind} (csconv baseline {kind})": [*own, kind, *common]
            for kind in ("retrieval", "majority", "random", "shuffle")
        },
    }
    output_path.mkdir(parents=True, exist_ok=True)
    # -P keeps the working folder off the path: a `datasets/` or `metrics.py` there would be imported.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONSAFEPATH": "1"}
    for number, (name, command) in enumerate(runs.items(), 1):
        typer.echo(f"[{number}/{len(runs)}] {name} … ", nl=False, err=True)
        started = time.monotonic()
        log = output_path / f"run-{number}.log"
        with log.open("wb") as out:
            done = subprocess.run(command, stdout=out, stderr=out, env=environment, check=False)
        typer.echo(f"{time.monotonic() - started:.0f} s", err=True)
        if done.returncode:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise CSConvError(f"this run failed ({''.join(last)}); its output is in {log}")
    show([output_path], every=False, sort=None)

"""``csconv baseline``: a weightless model through the ordinary lm_eval command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from csc_tasks.commands.app import app


@app.command(
    rich_help_panel="Run",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def baseline(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="random, majority, retrieval or shuffle.")],
    tasks: Annotated[str, typer.Option("--tasks", help="Tasks as lm_eval takes them.")] = "csconv_mini",
    output_path: Annotated[
        str | None, typer.Option("--output_path", "--output-path", help="Folder for results and samples.")
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(
            "--train",
            metavar="SOURCE",
            help="Training conversations: hub, mini or a file. Default: mini for csconv_mini tasks, else hub.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random draws.")] = 0,
) -> None:
    """Evaluate a weightless model: the floor that any model must beat.

    The results are ordinary lm-eval results. Further options (--limit, --metadata, …) go to lm_eval.
    """
    from lm_eval.__main__ import cli_evaluate

    from csc_tasks.baselines import BaselineLM
    from csc_tasks.registration import configs_folder

    if train is None:
        train = "mini" if all(t.startswith("csconv_mini") for t in tasks.split(",")) else "hub"
    model = f"csconv-{kind}"
    lm = BaselineLM(model, train, seed)  # refuses an unknown kind before lm-eval starts
    # Training data that cannot be had must stop the run before it begins, not after.
    _ = lm.training if kind != "shuffle" else None
    os.environ.setdefault("HF_HUB_OFFLINE", "0" if "hub" in (train, os.environ.get("CSCONV_DATA")) else "1")
    arguments = ["--model", "csconv-baseline", "--model_args", f"model={model},train={train},seed={seed}"]
    arguments += ["--tasks", tasks, "--include_path", str(configs_folder())]
    if output_path:
        arguments += ["--output_path", output_path, "--log_samples"]
    sys.argv = ["lm_eval", "run", *arguments, *context.args]
    cli_evaluate()

"""``csconv baseline``: a weightless model through the ordinary lm_eval command."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from csc_tasks.commands.app import app


@app.command(
    rich_help_panel="Run",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def baseline(
    context: typer.Context,
    kinds: Annotated[
        str,
        typer.Argument(metavar="KIND", help="random, majority, retrieval or shuffle; several with commas."),
    ],
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
    """Evaluate a weightless model, or several: the floors that any model must beat.

    The results are ordinary lm-eval results. Further options (--limit, --metadata, …) go to lm_eval.
    """
    from csc_tasks.generation.floors import FloorLM, register
    from csc_tasks.harness.run import lm_eval

    if train is None:
        train = "mini" if all(t.startswith("csconv_mini") for t in tasks.split(",")) else "hub"
    # Refuses an unknown kind, and training data that cannot be had, before lm-eval starts and not after.
    models = {kind: FloorLM(f"csconv-{kind}", train, seed) for kind in kinds.split(",")}
    _ = [model.training for kind, model in models.items() if kind != "shuffle"]
    os.environ.setdefault("HF_HUB_OFFLINE", "0" if "hub" in (train, os.environ.get("CSCONV_DATA")) else "1")
    register()
    for kind in models:
        arguments = [
            "--model",
            "csconv-baseline",
            "--model_args",
            f"model=csconv-{kind},train={train},seed={seed}",
        ]
        arguments += ["--tasks", tasks]
        if output_path:
            arguments += ["--output_path", output_path, "--log_samples"]
        lm_eval(["run", *arguments, *context.args])

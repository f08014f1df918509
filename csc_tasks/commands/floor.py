"""``csconv floor``: a weightless model through the ordinary lm_eval command."""

from __future__ import annotations

from typing import Annotated

import typer

from csc_tasks.commands.app import app, going_on

_FOR_LM_EVAL = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(
    "baseline",
    rich_help_panel="Run",
    context_settings=_FOR_LM_EVAL,
    help="The same as `csconv floor`, by the name that it had before.",
)
@app.command(rich_help_panel="Run", context_settings=_FOR_LM_EVAL)
def floor(
    context: typer.Context,
    floors: Annotated[
        str,
        typer.Argument(
            metavar="FLOOR", help="random, majority, retrieval, labels or shuffle; several with commas."
        ),
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
            help="Training conversations: hub, modelscope, mini or a file. Default: as few-shot examples, "
            "csconv_train in --metadata, CSCONV_TRAIN (not for csconv_mini), or what goes with the evaluated data.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random draws.")] = 0,
) -> None:
    """Evaluate a weightless model, or several: the floors that any model must beat.

    The results are ordinary lm-eval results. Further options (--limit, --metadata, …) go to lm_eval.
    """
    from csc_tasks.generation.run_floors import run_floors

    with going_on("floors that were evaluated stay, and the same command evaluates all of them anew"):
        run_floors(floors.split(","), tasks, output_path, train, seed, context.args)

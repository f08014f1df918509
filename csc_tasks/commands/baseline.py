"""``csconv baseline``: a weightless model through the ordinary lm_eval command."""

from __future__ import annotations

import json
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
            help="Training conversations: hub, modelscope, mini or a file. Default: as few-shot examples, "
            "csconv_train in --metadata, CSCONV_TRAIN, or what goes with the evaluated data.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random draws.")] = 0,
) -> None:
    """Evaluate a weightless model, or several: the floors that any model must beat.

    The results are ordinary lm-eval results. Further options (--limit, --metadata, …) go to lm_eval.
    """
    from csc_tasks.data.sources import evaluation_corpus, training_source
    from csc_tasks.data.splits import Subset
    from csc_tasks.generation.floors import Floor, FloorLM, register
    from csc_tasks.harness.run import lm_eval, metadata_of

    # Refuses an unknown kind, and training data that cannot be had, before lm-eval starts and not after.
    floors = [FloorLM(f"csconv-{kind}").kind for kind in kinds.split(",")]
    mini = all(task.startswith("csconv_mini") for task in tasks.split(","))
    source = train or "mini"
    if learning := [floor for floor in floors if floor is not Floor.SHUFFLE]:
        metadata = metadata_of(context.args)
        subset = Subset.MINI if mini else Subset.FULL
        named = train or metadata.get("csconv_train")
        evaluation = None if named or mini else evaluation_corpus(subset, metadata.get("csconv_data"))
        source = training_source(subset, named, evaluation)
        _ = [FloorLM(f"csconv-{floor}", source, seed).training for floor in learning]
    if mini and source == "mini":
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    register()
    for floor in floors:
        settings = json.dumps({"model": f"csconv-{floor}", "train": source, "seed": seed})
        arguments = ["--model", "csconv-baseline", "--model_args", settings, "--tasks", tasks]
        if output_path:
            arguments += ["--output_path", output_path, "--log_samples"]
        lm_eval(["run", *arguments, *context.args])

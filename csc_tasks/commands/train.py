"""``csconv train``: tune a model on a folder of training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from csc_tasks.commands.app import app, going_on, print_path, say


@app.command(rich_help_panel="Train")
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="What is trained on what, and how.")],
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Check model, data and lengths, and say what a training comes to; train nothing."
        ),
    ] = False,
) -> None:
    """Tune a model on examples of csconv train-data: answers, or preferences; all weights, or an adapter.

    The same command goes on where an earlier one was stopped. Several devices: accelerate launch -m
    csc_tasks.training CONFIG.yaml.
    """
    from csc_tasks.training import recipe
    from csc_tasks.training.config import load_training

    settings = load_training(config)
    if check:
        recipe.check(settings, say)
        return
    with going_on("the same command goes on from the last checkpoint"):
        done = recipe.train(settings, say, Console(stderr=True))
    print_path(done.output)

"""``csconv table``: results of several models side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import app, console


@app.command(rich_help_panel="Read")
def table(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS…", help="Folders or results_*.json files.")
    ],
    every: Annotated[bool, typer.Option("--all", help="Every metric, not only the headline ones.")] = False,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="METRIC", help="Metric to sort and rank by, for instance rouge_l."),
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", metavar="en|zh", help="Language of headings and notes.")
    ] = "en",
) -> None:
    """Show lm-eval results side by side: scores with 95 % intervals and ranks, floors beneath the models.

    The same tables as those of `csconv leaderboard`: only results of the same data, prompt and scale share one.
    # is 1 + the number of models that are significantly better.
    """
    from csc_tasks.commands.board import read_board
    from csc_tasks.leaderboards.rendering.language import language_named
    from csc_tasks.leaderboards.rendering.terminal import tables

    language = language_named(lang)
    out = console()
    for part in tables(read_board(results), every, sort, out.width if out.is_terminal else None, language):
        out.print(part, crop=False)

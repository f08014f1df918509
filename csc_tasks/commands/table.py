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
    sort: Annotated[str | None, typer.Option("--sort", metavar="METRIC", help="Metric to sort by.")] = None,
) -> None:
    """Show lm-eval results side by side, floors beneath the models.

    ± is one standard error with the conversation as the cluster. Rows with different data, prompt or
    tokenizer never share a table.
    """
    show(results, every, sort)


def show(results: list[Path], every: bool, sort: str | None) -> None:
    """Print a table for each task and protocol found in ``results``, and what generated context costs."""
    from csc_tasks.leaderboards.collect import collect
    from csc_tasks.leaderboards.rendering.terminal import drop_tables, tables

    out, rows = console(), collect(results)
    for each in (*tables(rows, every, sort), *drop_tables(rows)):
        out.print(each)
        out.print()

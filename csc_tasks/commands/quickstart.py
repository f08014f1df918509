"""``csconv quickstart``: the whole way once, offline: a tiny model and every floor, then the leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import app, going_on
from csc_tasks.printable import printable


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
    """Evaluate the shipped tiny model and every floor offline, build the leaderboard, and play a few conversations.

    Runs lm_eval as a user would, each task in a process of its own; under two minutes on two idle cores.
    """
    from csc_tasks.commands.leaderboard import show
    from csc_tasks.leaderboards.rendering.site import SiteOptions
    from csc_tasks.quickstart import SYNTHESIZED, evaluate

    def on_progress(done: int, total: int, name: str, seconds: float) -> None:
        typer.echo(f"[{done}/{total}] {name}: {seconds:.0f} s", err=True)

    with going_on("the same command begins anew"):
        evaluate(output_path, limit, on_progress)
    show([output_path], SiteOptions(output_path / "leaderboard"))
    typer.echo(
        f"Open the page above in a browser. Next, your own model: lm_eval --tasks csconv … --log_samples "
        f"--output_path {output_path}, then csconv leaderboard {output_path}",
        err=True,
    )
    card = output_path / SYNTHESIZED / "README.md"
    if card.is_file():
        typer.echo(
            f"Conversations can be made, too: {printable(str(card))} is the card of twenty that scripts played "
            "(csconv synthesize roleplay --offline)",
            err=True,
        )

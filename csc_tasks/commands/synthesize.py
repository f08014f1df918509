"""``csconv synthesize``: make conversations."""

from __future__ import annotations

import typer

from csc_tasks.commands.app import app

__all__ = ["synthesize"]

synthesize = typer.Typer(
    no_args_is_help=True,
    help="Make conversations: by role-play, or by rewriting your own calls.",
)
app.add_typer(synthesize, name="synthesize", rich_help_panel="Data")

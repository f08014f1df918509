"""``csconv register``, ``unregister``, ``path`` and ``doctor``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from csc_tasks.commands.app import app, console, print_json
from csc_tasks.printable import printable


@app.command(rich_help_panel="Set up")
def register() -> None:
    """Make `lm_eval --tasks csconv` work as typed, by stubs in the installed lm-eval."""
    from csc_tasks.harness.registration import reads_entry_points
    from csc_tasks.harness.registration import register as write

    if reads_entry_points():
        typer.echo("nothing to do: this lm-eval finds csconv by its entry point")
        return
    change = write()
    if change.files:
        typer.echo(f"wrote {len(change.files)} files to {change.folder}: {', '.join(change.files)}")
    else:
        typer.echo(f"already registered in {change.folder}")


@app.command(rich_help_panel="Set up")
def unregister() -> None:
    """Remove what `csconv register` wrote, and nothing else."""
    from csc_tasks.harness.registration import unregister as remove

    change = remove()
    if change.files:
        typer.echo(f"removed {len(change.files)} files from {change.folder}")
    else:
        typer.echo("nothing to remove")


@app.command(rich_help_panel="Set up")
def path(
    model: Annotated[
        bool, typer.Option("--model", help="Print the folder of the tiny test model instead.")
    ] = False,
) -> None:
    """Print the folder of the task files, for `lm_eval --include_path "$(csconv path)"`."""
    from csc_tasks.data.shipped import tiny_model
    from csc_tasks.harness.registration import configs_folder

    typer.echo(str(tiny_model() if model else configs_folder()))


@app.command(rich_help_panel="Set up")
def doctor(
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="SOURCE", help="Require this data too: hub, modelscope, mini or a path."
        ),
    ] = None,
    judge: Annotated[
        Path | None,
        typer.Option(
            "--judge", metavar="JUDGE.YAML", help="Require a verdict of this judge; asks one question."
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="FILE",
            help="Remove empty answers, which errors leave, from this cache of `lm_eval --use_cache`.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check the installation: what lm-eval would skip without a word, said aloud. Exit code 0 or 1."""
    from csc_tasks.doctor import diagnose

    checks = []
    out = console()
    for check in diagnose(data, judge, cache):
        checks.append(check)
        if not as_json:
            mark = {True: "[green]ok  [/]", False: "[red]FAIL[/]", None: "[yellow]note[/]"}[check.ok]
            out.print(mark, f"{check.name}:", escape(printable(check.detail)), soft_wrap=True)
    if as_json:
        print_json(json.dumps([dataclasses.asdict(c) for c in checks], ensure_ascii=False, indent=2))
    if any(c.ok is False for c in checks):
        raise typer.Exit(1)

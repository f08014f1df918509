"""``csconv synthesize merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.synthesize import synthesize

__all__: list[str] = []


@synthesize.command()
def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER…", help="Output folders of `csconv synthesize`, the first one counts first."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="NEW", help="A folder that is not there yet.")],
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="SOURCE",
            help="No overlap with these either: hub, modelscope or a file; several times for several.",
        ),
    ] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Keep and count what overlaps with evaluation data.")
    ] = False,
) -> None:
    """Put the conversations of several runs into one folder: no case twice, near-duplicates out, one card."""
    from csc_tasks.storage import at_home
    from csc_tasks.synthesis.output.merge import merge_runs
    from csc_tasks.synthesis.output.outputs import OutputRules

    rules = OutputRules(against=tuple(against or ()), allow_overlap=allow_overlap)
    report = merge_runs(list(map(at_home, folders)), at_home(out), rules)
    for line in report.lines():
        typer.echo(line)
    if not report.outputs.conversations:
        raise typer.Exit(1)

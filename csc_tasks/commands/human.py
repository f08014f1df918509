"""``csconv human``: people rate what models said. ``sheet`` makes what they are given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import app
from csc_tasks.human.kinds import Languages, RatingKind

__all__ = ["human"]

human = typer.Typer(
    no_args_is_help=True, help="Let people rate saved runs: blind, offline, read back as results."
)
app.add_typer(human, name="human", rich_help_panel="Read")


@human.command()
def sheet(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULTS…", help="Folders or samples_*.jsonl files, of all models."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder for pages and key.")],
    sample: Annotated[
        int,
        typer.Option(
            "--sample", min=1, metavar="N", help="So many turns (or conversations), of every model."
        ),
    ],
    kind: Annotated[
        RatingKind, typer.Option("--kind", help="Grade single replies, or say which of two is better.")
    ] = RatingKind.RATE,
    raters: Annotated[
        int, typer.Option("--raters", min=1, max=1000, metavar="K", help="People who rate.")
    ] = 1,
    overlap: Annotated[
        str | None,
        typer.Option(
            "--overlap",
            metavar="S",
            help="How many of N several raters have: 40, or 20%.",
            show_default="20%",
        ),
    ] = None,
    each: Annotated[
        int | None,
        typer.Option(
            "--each", min=2, metavar="R", help="How many raters those have.", show_default="all of them"
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats",
            min=0,
            help="Items that a rater is shown twice.",
            show_default="one in 20, at least 2",
        ),
    ] = None,
    attention: Annotated[
        int | None,
        typer.Option(
            "--attention",
            min=0,
            help="Items for a rater that say what to answer.",
            show_default="one in 20, at least 2",
        ),
    ] = None,
    rubric: Annotated[
        str | None,
        typer.Option("--rubric", help="A rubric's name or folder, or a version of the shipped ones (zh-1)."),
    ] = None,
    lang: Annotated[
        Languages | None,
        typer.Option("--lang", help="Of the questions.", show_default="both, if the rubric has both"),
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="Whose turns, where the runs have several tasks.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option("--seed", help="Of every draw; with 0 the sample is that of `csconv judge --sample N`."),
    ] = 0,
) -> None:
    """Make a blind rating study of saved runs: a page a rater, and a key of who said what.

    Every rater gets one HTML file that works offline and sends nothing; sheets for Excel and files for Label Studio
    hold the same items. Put what comes back into DIR/answers and run `csconv human read DIR`.
    """
    from csc_tasks.human.sheet.folder import require_empty, write_study
    from csc_tasks.human.sheet.making import make_study
    from csc_tasks.human.sheet.options import SheetOptions
    from csc_tasks.human.sheet.summary import summary_of

    require_empty(out)
    options = SheetOptions(
        tuple(results), out, kind, sample, raters, overlap, each, repeats, attention, seed, rubric, lang, task
    )
    study = make_study(options)
    written = write_study(study, out)
    for line in summary_of(study, out, written):
        typer.echo(line)

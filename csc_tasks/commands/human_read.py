"""``csconv human read``: what raters sent back, as figures and as results that tables show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import console, print_json, print_path, say
from csc_tasks.commands.human import human

__all__ = ["read"]


@human.command()
def read(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder that `csconv human sheet` wrote.")
    ],
    answers: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[ANSWERS…]",
            help="Files and folders that came back: exported JSON of pages or Label Studio, CSV, XLSX.",
            show_default="DIR/answers",
        ),
    ] = None,
    exclude_failed: Annotated[
        bool, typer.Option("--exclude-failed", help="Leave out raters who fail a check; tables say so.")
    ] = False,
    runs: Annotated[
        list[Path] | None,
        typer.Option("--runs", metavar="PATH", help="Where the rated runs are, if they were moved."),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Show the names that raters gave; results files never have them.")
    ] = False,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", help="Of CSV files that are neither UTF-8 nor UTF-16 nor GBK: big5, …"),
    ] = None,
    no_results: Annotated[bool, typer.Option("--no-results", help="Write no results files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Read what raters sent back: means, win rates, agreement, and how far a judge agrees with people.

    Raters are checked: attention items, agreement with themselves and with the others. Writes results_*_human_*.json
    beside each run, which `csconv table`, `leaderboard` and `compare` show as columns human_*.
    """
    from csc_tasks.human.reading.report import as_json as json_of
    from csc_tasks.human.reading.report import print_study
    from csc_tasks.human.reading.session import ReadOptions, read_study

    study = read_study(
        ReadOptions(folder, tuple(answers or ()), tuple(runs or ()), exclude_failed, encoding, not no_results)
    )
    for note in study.notes:
        say(note)
    if as_json:
        print_json(json.dumps(json_of(study, names), ensure_ascii=False))
        return
    print_study(console(), study, names)
    for path in study.written:
        print_path(path)

"""``csconv leaderboard``: results of many models as one page."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from csc_tasks.commands.app import app
from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint


@app.command(rich_help_panel="Read")
def leaderboard(
    results: Annotated[
        list[Path], typer.Argument(metavar="DIR…", help="Folders with lm-eval results, or results files.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="SITE", help="Folder to write to.")] = Path(
        "leaderboard"
    ),
    figures: Annotated[bool, typer.Option("--figures", help="Also write the charts as SVG and PNG.")] = False,
    font: Annotated[
        Path | None,
        typer.Option("--font", metavar="FILE", help="A font with Chinese characters for --figures."),
    ] = None,
    no_texts: Annotated[
        bool, typer.Option("--no-texts", help="Leave the sample browser out: no conversation, no reply.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes that read logs; by default one a core.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Where what was read is kept; by default csconv's cache.")
    ] = None,
) -> None:
    """Collect every result below DIR into SITE: a page that needs no network, Markdown, CSV and JSON.

    Models are ranked only against those with the same data, prompt, scale, metric and turns. A log that was
    read before is not read again.
    """
    show(results, out, figures, font, not no_texts, workers, cache)


def show(
    results: list[Path],
    out: Path,
    figures: bool = False,
    font: Path | None = None,
    texts: bool = True,
    workers: int | None = None,
    cache: Path | None = None,
) -> None:
    """Build a leaderboard and say where it is."""
    needed = ("jinja2", "vl_convert")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ConfigError(f"the leaderboard needs {' and '.join(missing)}: {install_hint('leaderboard')}")
    from csc_tasks.leaderboards.build import build_board
    from csc_tasks.leaderboards.rendering.escaping import printable
    from csc_tasks.leaderboards.rendering.site import write_site

    columns = (TextColumn("reading logs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("", total=None)
        board = build_board(
            results,
            workers or os.cpu_count() or 1,
            lambda done, total: progress.update(bar, completed=done, total=total),
            cache,
        )
    page = write_site(board, out, texts, cache)
    for problem in board.problems:
        typer.echo(f"note: {printable(problem.path, 300)}: {printable(problem.message, 600)}", err=True)
    if board.ignored:
        typer.echo(f"note: {board.ignored} results of tasks that are not csconv's", err=True)
    models = sum(not row.floor for table in board.tables for row in table.rows)
    floors = sum(row.floor for table in board.tables for row in table.rows)
    counted = ((models, "model"), (floors, "floor"), (len(board.tables), "table"))
    first, second, third = (f"{n} {noun}{'s' * (n != 1)}" for n, noun in counted)
    typer.echo(f"{first} and {second} in {third}", err=True)
    if figures:
        from csc_tasks.leaderboards.rendering.figures import write_figures

        drawn = write_figures(board, out / "figures", font)
        typer.echo(f"{len(drawn)} figures in {out / 'figures'}", err=True)
    typer.echo(str(page))

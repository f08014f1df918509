"""``csconv leaderboard``: results of many models as one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csc_tasks.commands.app import app, print_path, say
from csc_tasks.leaderboards.browsed import KEPT

if TYPE_CHECKING:
    from csc_tasks.leaderboards.rendering.site import SiteOptions


@app.command(rich_help_panel="Read")
def leaderboard(
    results: Annotated[
        list[Path], typer.Argument(metavar="DIR…", help="Folders with lm-eval results, or results files.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="SITE", help="Folder to write to.")] = Path(
        "leaderboard"
    ),
    figures: Annotated[
        bool, typer.Option("--figures", help="Also write the charts as SVG, PDF and PNG.")
    ] = False,
    font: Annotated[
        Path | None,
        typer.Option("--font", metavar="FILE", help="A font with Chinese characters for --figures."),
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", metavar="en|zh|both", help="Language of the page; both: with a switch.")
    ] = "both",
    no_texts: Annotated[
        bool, typer.Option("--no-texts", help="Leave the sample browser out: no conversation, no reply.")
    ] = False,
    browse: Annotated[
        str | None,
        typer.Option(
            "--browse",
            metavar="N|all",
            help="Conversations of each log that can be read, in files beside the page; by default 40 within it.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes that read logs; by default one a core.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Where what was read is kept; by default csconv's cache.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Read every log again, whatever the cache has of it.")
    ] = False,
) -> None:
    """Collect every result below DIR into SITE: a page that needs no network, Markdown, CSV and JSON.

    Models are ranked only against those with the same data, prompt, scale, metric and turns. A log that was
    read before is not read again.
    """
    from csc_tasks.errors import ConfigError
    from csc_tasks.leaderboards.browsed import conversations_wanted
    from csc_tasks.leaderboards.rendering.language import language_choice
    from csc_tasks.leaderboards.rendering.site import SiteOptions

    if browse is not None and no_texts:
        raise ConfigError("--browse and --no-texts exclude each other")
    wanted = KEPT if browse is None else conversations_wanted(browse)
    beside, language = browse is not None, language_choice(lang)
    options = SiteOptions(out, not no_texts, figures, font, cache, beside, language)
    show(results, options, workers, fresh, wanted)


def show(
    results: Sequence[Path],
    options: SiteOptions,
    workers: int | None = None,
    fresh: bool = False,
    browse: int | None = KEPT,
) -> None:
    """Build a leaderboard and say where it is."""
    from csc_tasks.commands.board import read_board
    from csc_tasks.leaderboards.rendering.site import require_packages, write_site

    require_packages()
    board = read_board(results, workers, options.cache, fresh, browse)
    # A model that stands in two tables is one.
    rows = {(row.model, row.floor) for table in board.tables for row in table.rows}
    floors = sum(floor for _, floor in rows)
    counted = ((len(rows) - floors, "model"), (floors, "floor"), (len(board.tables), "table"))
    first, second, third = (f"{n} {noun}{'s' * (n != 1)}" for n, noun in counted)
    site = write_site(board, options)
    typer.echo(f"{first} and {second} in {third}", err=True)
    if options.figures:
        say(f"{len(site.figures)} figures in {options.out / 'figures'}")
    print_path(site.page)

"""Writing a leaderboard to a folder: one page to open, and the same as Markdown, CSV and JSON."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.install import install_hint
from csc_tasks.leaderboards.board import Board, to_json
from csc_tasks.leaderboards.rendering.export import csv_bytes, flat_rows
from csc_tasks.leaderboards.rendering.figures import write_figures
from csc_tasks.leaderboards.rendering.language import LanguageChoice
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.packed_texts import FOLDER, PART, sample_files, write_texts
from csc_tasks.leaderboards.rendering.page import render_page
from csc_tasks.leaderboards.rendering.samples import samples
from csc_tasks.storage import write_file

__all__ = ["Site", "SiteOptions", "require_packages", "write_site"]


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """What is written to the folder ``out``, which is made if it is not there; nothing is written outside it.

    ``texts`` says whether the page shows conversations and replies, ``figures`` whether charts are also written
    as SVG, PDF and PNG, with the ``font`` or the system's. ``cache`` is a folder where what any page needs is kept,
    by default csconv's; ``beside`` puts conversations and replies into files beside the page. ``language`` is that of
    the page, and of ``leaderboard.md``, which is in English where both are asked for.
    """

    out: Path
    texts: bool = True
    figures: bool = False
    font: Path | None = None
    cache: Path | None = None
    beside: bool = False
    language: LanguageChoice = LanguageChoice.BOTH


@dataclass(frozen=True, slots=True)
class Site:
    """What was written: the page to open, and the pictures."""

    page: Path
    figures: tuple[Path, ...]


def require_packages() -> None:
    """Ask for the packages of a page before a long reading of logs.

    Raises:
        ConfigError: one is not installed; the message says how to get it.
    """
    needed = ("jinja2", "vl_convert")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ConfigError(f"the leaderboard needs {' and '.join(missing)}: {install_hint('leaderboard')}")


def write_site(board: Board, options: SiteOptions) -> Site:
    """Write ``index.html``, ``leaderboard.md``, ``leaderboard.csv`` and ``leaderboard.json``; ``texts/`` if wanted.

    Texts that an earlier leaderboard left there are taken away, lest they be published with this one.

    Args:
        board: what to show.
        options: where and what.

    Raises:
        ConfigError: there is no font for the figures.
        DataError: the folder cannot be written to.
    """
    shown = board if options.texts else board.without_texts()
    browsed = samples(shown, PART) if options.beside else None
    texts = sample_files(browsed) if browsed else None
    files = {
        "leaderboard.md": markdown(board, options.language.languages[0]).encode("utf-8", "replace"),
        "leaderboard.csv": csv_bytes(flat_rows(board)),
        "leaderboard.json": to_json(board, texts=False).encode("utf-8", "replace"),
        # The page last: whoever waits for it finds the others there.
        "index.html": render_page(shown, options.cache, options.language.languages, texts).encode(
            "utf-8", "replace"
        ),
    }
    try:
        write_texts(options.out / FOLDER, texts.files if texts else {})
        for name, data in files.items():
            write_file(options.out / name, data)
    except OSError as error:
        raise DataError(f"{options.out}: cannot be written to ({error.strerror})") from None
    languages = options.language.languages[:1]
    figures = []
    if options.figures:
        figures = write_figures(board, options.out / "figures", options.font, languages)
    return Site(options.out / "index.html", tuple(figures))

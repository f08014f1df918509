"""Writing a leaderboard to a folder: one page to open, and the same as Markdown, CSV and JSON."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.board import Board, to_json
from csc_tasks.leaderboards.rendering.export import csv_bytes, flat_rows
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.page import render_page
from csc_tasks.storage import write_file

__all__ = ["write_site"]


def write_site(board: Board, folder: Path, texts: bool = True, cache: Path | None = None) -> Path:
    """Write ``index.html``, ``leaderboard.md``, ``leaderboard.csv`` and ``leaderboard.json``; returns the page.

    Args:
        board: what to show.
        folder: made if it is not there; nothing is written outside it.
        texts: show conversations and replies on the page.
        cache: folder where what any page needs is kept; by default csconv's.

    Raises:
        DataError: the folder cannot be written to.
    """
    shown = board if texts else replace(board, conversations=(), replies={})
    files = {
        "leaderboard.md": markdown(board).encode("utf-8", "replace"),
        "leaderboard.csv": csv_bytes(flat_rows(board)),
        "leaderboard.json": to_json(board, texts=False).encode("utf-8", "replace"),
        # The page last: whoever waits for it finds the others there.
        "index.html": render_page(shown, cache).encode("utf-8", "replace"),
    }
    try:
        for name, data in files.items():
            write_file(folder / name, data)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written to ({error.strerror})") from None
    return folder / "index.html"

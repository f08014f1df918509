"""What the commands that read a board have in common: its progress, and what could not be read."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from csc_tasks.commands.app import going_on, say
from csc_tasks.leaderboards.browsed import KEPT
from csc_tasks.printable import printable

if TYPE_CHECKING:
    from csc_tasks.leaderboards.board import Board

__all__ = ["read_board"]


def read_board(
    results: Sequence[Path],
    workers: int | None = None,
    cache: Path | None = None,
    fresh: bool = False,
    browse: int | None = KEPT,
) -> Board:
    """The board of everything below these paths; a bar while logs are read, and a note on stderr for each problem.

    Args:
        results: folders or results files.
        workers: processes that read logs; by default one a core.
        cache: folder where what was read is kept; by default csconv's.
        fresh: read every log, whatever is kept of it.
        browse: how many conversations of each log people may read; ``None`` for all.

    Raises:
        DataError: a path does not exist, or no csconv result was found.
    """
    from csc_tasks.leaderboards.build import build_board

    columns = (TextColumn("reading logs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    seen = sys.stderr.isatty()
    # Quiet too: a rich before 14.3 ends a bar that it never showed with an empty line.
    console = Console(stderr=True, quiet=not seen)
    with Progress(*columns, console=console, transient=True, disable=not seen) as progress:
        bar = progress.add_task("", total=None)
        with going_on("what was read is kept, and the same command goes on from there"):
            board = build_board(
                results,
                workers or os.cpu_count() or 1,
                lambda done, total: progress.update(bar, completed=done, total=total),
                cache,
                fresh,
                browse,
            )
    for problem in board.problems:
        say(f"note: {printable(problem.path)}: {printable(problem.message)}")
    if board.ignored:
        typer.echo(
            f"note: {board.ignored} result{'s' * (board.ignored != 1)} of tasks that are not csconv's",
            err=True,
        )
    return board

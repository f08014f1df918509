"""``csconv export``: results as a flat table, or as model cards carry them."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import app, print_path
from csc_tasks.errors import DataError


class ExportForm(Enum):
    """What is written."""

    PARQUET = "parquet"
    CSV = "csv"
    MODEL_INDEX = "model-index"


@app.command(rich_help_panel="Read")
def export(
    results: Annotated[
        list[Path], typer.Argument(metavar="DIR…", help="Folders with lm-eval results, or results files.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write.")],
    form: Annotated[
        ExportForm,
        typer.Option("--format", help="A flat table, or the model-index of a model card on the hub."),
    ] = ExportForm.CSV,
    model: Annotated[
        str | None, typer.Option("--model", help="The model of the card, where there are several.")
    ] = None,
) -> None:
    """Write one line a model, task and metric: score, interval, rank, turns and signature."""
    from csc_tasks.commands.board import read_board
    from csc_tasks.leaderboards.rendering.export import csv_bytes, flat_rows, model_index, parquet_bytes
    from csc_tasks.storage import write_file

    board = read_board(results)
    if form is ExportForm.MODEL_INDEX:
        data = model_index(board, model).encode()
    else:
        rows = flat_rows(board, model)
        data = csv_bytes(rows) if form is ExportForm.CSV else parquet_bytes(rows)
    try:
        write_file(out, data)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror})") from None
    print_path(out)

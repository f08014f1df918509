"""A leaderboard for other tools: a flat table, and the form in which model cards carry results."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.board import Board, BoardTable, Row
from csc_tasks.leaderboards.rendering.text import printable

__all__ = ["FlatRow", "csv_bytes", "flat_rows", "model_index", "parquet_bytes"]

_DATASETS = {"hub": "DianJin/DianJin-CSC-Data"}
"""Where data of this name can be had by anybody."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class FlatRow:
    """One score: a model, a task in a context, a metric. Units as in :class:`~csc_tasks.leaderboards.board.Cell`."""

    model: str
    revision: str
    step: int | None
    shots: int
    floor: bool
    task: str
    context: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    turns: int
    complete: bool
    better: int
    signature: str
    run: str
    benchmark: str
    data: str
    scale: str
    prompt: str
    date: str
    why: str


def flat_rows(board: Board, model: str | None = None) -> list[FlatRow]:
    """Every score of a board or of one model of it, in the order of its tables, rows and columns.

    Raises:
        ConfigError: the board has no model of this name; the message lists those that it has.
    """
    flat = [flat for table in board.tables for row in table.rows for flat in _of_row(table, row)]
    if model is None:
        return flat
    if chosen := [one for one in flat if model in _names(one)]:
        return chosen
    raise ConfigError(f"--model: no model {model!r}; there are {_listed(flat)}")


def _names(flat: FlatRow) -> tuple[str, str]:
    return flat.model, f"{flat.model}@{flat.revision}"


def _listed(rows: list[FlatRow]) -> str:
    found = sorted({_names(flat)[bool(flat.revision)] for flat in rows})
    return ", ".join(printable(name) for name in found[:20]) or "none"


def _of_row(table: BoardTable, row: Row) -> list[FlatRow]:
    flat = []
    sections = {section.id: section for section in table.sections}
    for column in table.columns:
        cell = row.cells.get(column.id)
        if cell is None:
            continue
        section = sections[column.section]
        figures = row.figures[column.section]
        flat.append(
            FlatRow(
                row.model,
                row.revision,
                row.step,
                row.shots,
                row.floor,
                section.task,
                section.context,
                column.metric,
                cell.value,
                cell.low,
                cell.high,
                cell.rank,
                cell.rank_low,
                cell.rank_high,
                cell.turns,
                figures.complete,
                column.better,
                column.signature,
                figures.signature,
                **{k: table.facts[k] for k in ("benchmark", "data", "scale", "prompt")},
                date=datetime.fromtimestamp(row.date, UTC).isoformat(timespec="seconds"),
                why=cell.why,
            )
        )
    return flat


def csv_bytes(rows: list[FlatRow]) -> bytes:
    """CSV in UTF-8 with a heading. Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(FlatRow)]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_inert(getattr(row, name)) for name in names])
    return out.getvalue().encode("utf-8", "replace")


def _inert(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # The writer puts quotes around a line feed and, before Python 3.13, none around a carriage return.
    kept = value.replace("\r", "\n")
    return f"'{kept}" if value.startswith(_FORMULA) else kept


def parquet_bytes(rows: list[FlatRow]) -> bytes:
    """The same as Parquet, numbers as numbers."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"int": pa.int64(), "int | None": pa.int64(), "float | None": pa.float64(), "bool": pa.bool_()}
    columns = {
        field.name: pa.array(
            [_encodable(getattr(row, field.name)) for row in rows], kinds.get(str(field.type), pa.string())
        )
        for field in fields(FlatRow)
    }
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()


def _encodable(value: Any) -> Any:
    """The same without halves of surrogate pairs, which JSON may bear and UTF-8 may not."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def model_index(board: Board, model: str | None = None) -> str:
    """YAML with the ``model-index`` of one model, to put at the head of its card on the hub.

    Raises:
        ConfigError: the board has several models and ``model`` is none of them; the message lists them.
    """
    import yaml
    from huggingface_hub import EvalResult
    from huggingface_hub.repocard_data import eval_results_to_model_index

    rows = [
        (table.data, flat)
        for table in board.tables
        for row in table.rows
        if not row.floor
        for flat in _of_row(table, row)
    ]
    wanted = {(f.model, f.revision, f.shots) for _, f in rows if model is None or model in _names(f)}
    if len(wanted) != 1:
        listed = _listed([flat for _, flat in rows])
        raise ConfigError(f"--model: a model card is about one model; there are {listed}")
    ((name, revision, shots),) = wanted
    results = [
        EvalResult(
            task_type="text-generation",
            task_name=f"CSConv {flat.task}, {flat.context} context",
            dataset_type=_DATASETS.get(data.name, "csconv"),
            dataset_name=f"CSConv {flat.data}, {flat.scale}",
            dataset_config=f"{flat.task}/{flat.context}",
            dataset_split=flat.scale,
            dataset_revision=data.fingerprint or None,
            dataset_args={"prompt": flat.prompt, "num_fewshot": shots, "turns": flat.turns},
            metric_type=flat.metric,
            metric_name=flat.metric,
            metric_value=flat.value,
            metric_config=flat.run,
            metric_args={"signature": flat.signature, "low": flat.low, "high": flat.high},
            verified=False,
        )
        for data, flat in rows
        if (flat.model, flat.revision, flat.shots) == (name, revision, shots) and flat.value is not None
    ]
    index = eval_results_to_model_index(name, results)
    return yaml.safe_dump({"model-index": index}, allow_unicode=True, sort_keys=False)

"""A leaderboard for other tools: a flat table, and the form in which model cards carry results."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.board import Board, BoardTable, Row
from csc_tasks.leaderboards.names import asked_for_by, title_of
from csc_tasks.leaderboards.rendering.text import printable

__all__ = ["FlatRow", "csv_bytes", "flat_rows", "model_index", "parquet_bytes"]

_DATASETS = dict.fromkeys(("hub", "modelscope"), "DianJin/DianJin-CSC-Data")
"""The hub's name for data of this name, which cards on the hub refer to."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class FlatRow:
    """One score: a model, a task in a context, a metric. Units as in :class:`~csc_tasks.leaderboards.board.Cell`.

    ``best_floor`` is the floor's model name; ``customer`` who plays the customers of role-plays. The ``turns`` of
    role-plays are role-plays.
    """

    model: str
    revision: str
    step: int | None
    shots: int
    adapter: str
    settings: str
    floor: bool
    task: str
    context: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    seeds: int
    spread: float | None
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
    beats_floor: str
    best_floor: str
    customer: str


def flat_rows(board: Board, model: str | None = None) -> list[FlatRow]:
    """Every score of a board or of one model of it, in the order of its tables, rows and columns.

    Raises:
        ConfigError: the board has no model of this name; the message lists those that it has.
    """
    rows = [(table, row) for table in board.tables for row in table.rows]
    chosen = [
        (table, row)
        for table, row in rows
        if model is None or model in asked_for_by(row.model, row.revision, row.words)
    ]
    if not chosen:
        raise ConfigError(f"--model: no model {model!r}; there are {_listed(row for _, row in rows)}")
    return [flat for table, row in chosen for flat in _of_row(table, row)]


def _listed(rows: Iterable[Row]) -> str:
    found = sorted({title_of(row.model, row.revision, row.words) for row in rows})
    return ", ".join(printable(name) for name in found[:20]) or "none"


def _of_row(table: BoardTable, row: Row) -> list[FlatRow]:
    flat = []
    sections = {section.id: section for section in table.sections}
    floors = {other.id: other.model for other in table.rows if other.floor}
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
                row.adapter,
                "; ".join(f"{name}={value}" for name, value in row.settings),
                row.floor,
                section.task,
                section.context,
                column.metric,
                cell.value,
                cell.low,
                cell.high,
                cell.seeds,
                cell.spread,
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
                beats_floor=cell.beats_floor.value,
                best_floor=floors.get(cell.best_floor, ""),
                customer=table.facts.get("customer", ""),
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

    rows = [row for table in board.tables for row in table.rows if not row.floor]
    wanted = [
        row for row in rows if model is None or model in asked_for_by(row.model, row.revision, row.words)
    ]
    if len({(row.model, row.settings) for row in wanted}) != 1:
        raise ConfigError(f"--model: a model card is about one model; there are {_listed(rows)}")
    name, settings = wanted[0].model, dict(wanted[0].settings)
    flats = [
        (table.data, row.shots, flat)
        for table in board.tables
        for row in table.rows
        if row in wanted
        for flat in _of_row(table, row)
        if flat.value is not None
    ]
    results = [
        EvalResult(
            task_type="text-generation",
            task_name="CSConv role-play" if flat.customer else f"CSConv {flat.task}, {flat.context} context",
            dataset_type=_DATASETS.get(data.name, "csconv"),
            dataset_name=f"CSConv {flat.data}, {data.extent}",
            dataset_config=f"{flat.task}/{flat.context}",
            dataset_split=flat.scale,
            dataset_revision=data.fingerprint or None,
            dataset_args={
                "prompt": flat.prompt,
                "num_fewshot": shots,
                "turns": flat.turns,
                "seeds": flat.seeds,
                "settings": settings,
                **({"customer": flat.customer} if flat.customer else {}),
            },
            metric_type=flat.metric,
            metric_name=flat.metric,
            metric_value=flat.value,
            metric_config=flat.run,
            metric_args={
                "signature": flat.signature,
                "low": flat.low,
                "high": flat.high,
                "spread_of_seeds": flat.spread,
                "beats_floor": flat.beats_floor or None,
            },
            verified=False,
        )
        for data, shots, flat in flats
    ]
    index = eval_results_to_model_index(name, results)
    return yaml.safe_dump({"model-index": index}, allow_unicode=True, sort_keys=False)

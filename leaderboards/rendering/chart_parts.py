"""What the charts of a table have in common: titles, units, the entry of a score, the names of models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from csc_tasks.leaderboards.board import BoardTable, Cell, Column, Row, Section
from csc_tasks.leaderboards.rendering.labels import row_labels
from csc_tasks.leaderboards.rendering.numbers import ABSENT, fixed, number

__all__ = [
    "Spec",
    "Values",
    "base",
    "column_of",
    "columns_of",
    "extremes",
    "labelled",
    "score_entry",
    "title_of",
    "tooltip",
    "unit_of",
]

Spec = dict[str, Any]
Values = list[dict[str, Any]]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


def base(title: str, description: str, values: Values, lines: bool = False) -> Spec:
    """What all charts have; ``usermeta`` tells the page that its reader may choose the models of this one."""
    return {
        "$schema": SCHEMA,
        "title": {"text": title, "limit": 700},
        "description": description.strip(),
        "usermeta": {"choose": lines},
        "data": {"values": values},
    }


def score_entry(row: Row, label: str, cell: Cell, column: Column | None) -> dict[str, Any]:
    """A score as one record of a chart: shares in percent to two decimals, the interval also in words."""
    percent = column is not None and column.percent

    def read(value: float | None) -> float | None:
        return value if value is None else round(100 * value, 2) if percent else round(value, 4)

    value, low, high = read(cell.value), read(cell.low), read(cell.high)
    known = cell.low is not None and cell.high is not None
    interval = f"{number(cell.low, percent)} to {number(cell.high, percent)}" if known else ABSENT
    entry = {"row": row.id, "model": label, "value": value, "low": low, "high": high}
    return entry | {"interval": interval, "turns": cell.turns, "floor": row.floor}


def tooltip(column: Column | None, *more: str) -> list[Spec]:
    """What a reader sees of a record: model, ``more`` fields, value, interval, turns."""
    fields = [("model", "Model"), *((name, name.capitalize()) for name in more)]
    fields += [("value", unit_of(column) if column else "Value"), ("interval", "95 % interval")]
    return [{"field": f, "title": title, "type": "nominal"} for f, title in [*fields, ("turns", "Turns")]]


def unit_of(column: Column) -> str:
    """A column's title with its unit, for an axis."""
    return f"{column.title}, %" if column.percent else column.title


def extremes(values: Values, percent: bool) -> str:
    """The lowest and the highest score in words, for those who do not see the chart."""
    low, high = (choose(values, key=lambda v: v["value"]) for choose in (min, max))
    ends = (f"{fixed(end['value'], 1 if percent else 2)} ({end['model']})" for end in (low, high))
    return f"From {' to '.join(ends)}."


def labelled(table: BoardTable, rows: Iterable[str] | None = None) -> Iterator[tuple[Row, str]]:
    """The rows with these ids, or all, with their short names."""
    labels = row_labels(table.rows)
    wanted = set(labels) if rows is None else set(rows)
    return ((row, labels[row.id]) for row in table.rows if row.id in wanted)


def columns_of(table: BoardTable, section: Section) -> list[Column]:
    """The columns of a section, in the order of the table."""
    return [column for column in table.columns if column.section == section.id]


def column_of(table: BoardTable, section: Section, metric: str) -> Column | None:
    """A section's first column of a metric; ``None`` if it has none."""
    return next((column for column in columns_of(table, section) if column.metric == metric), None)


def title_of(table: BoardTable, section: Section, metric: str) -> str:
    """The title of a metric's column, or its name."""
    column = column_of(table, section, metric)
    return column.title if column else metric

"""What the charts of a table have in common: titles, units, the entry of a score, the names of models.

Words are keys of the table of texts, which :func:`~csc_tasks.leaderboards.rendering.language.resolve` puts in;
records hold ids of rows, and the parameters ``names`` and ``short`` of a specification what those are called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from csc_tasks.leaderboards.board import BoardTable, Cell, Column, Row, Section
from csc_tasks.leaderboards.rendering.language import column_text
from csc_tasks.leaderboards.rendering.numbers import ABSENT, fixed, number

__all__ = [
    "COLOURS",
    "NAME",
    "NAMED",
    "Spec",
    "Values",
    "base",
    "chosen_first",
    "column_of",
    "columns_of",
    "extremes",
    "rows_of",
    "score_entry",
    "span",
    "tooltip",
    "unit_of",
]

Spec = dict[str, Any]
Values = list[dict[str, Any]]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
NAMED = [{"calculate": "names[datum.row]", "as": "model"}]
"""The name of a record's row, for what a reader points at."""
NAME = "short[datum.value] || names[datum.value]"
"""The same beside an axis or in a legend."""
COLOURS = 8
"""Things that a chart can tell apart by colour; all others are grey."""
_AT_FIRST = 5
"""Models in colour before anyone chose, where there are more than colours."""


def base(title: Any, description: Any, values: Values, choose: str = "") -> Spec:
    """What all charts have.

    Args:
        title: above the chart, a text or its key with values.
        description: the same in words for those who do not see it.
        values: its records.
        choose: ``lines`` or ``bars`` where readers may choose what is shown in colour, which the page offers them.
    """
    return {
        "$schema": SCHEMA,
        "title": {"text": title, "limit": 700},
        "description": description,
        "usermeta": {"choose": choose},
        "data": {"values": values},
    }


def score_entry(row: Row, cell: Cell, column: Column | None) -> dict[str, Any]:
    """A score as one record of a chart: shares in percent to two decimals, the interval also as text."""
    percent = column is not None and column.percent

    def read(value: float | None) -> float | None:
        return value if value is None else round(100 * value, 2) if percent else round(value, 4)

    value, low, high = read(cell.value), read(cell.low), read(cell.high)
    known = cell.low is not None and cell.high is not None
    interval = f"{number(cell.low, percent)} – {number(cell.high, percent)}" if known else ABSENT
    entry = {"row": row.id, "value": value, "low": low, "high": high}
    return entry | {"interval": interval, "turns": cell.turns, "floor": row.floor}


def tooltip(column: Column | None, *more: str) -> list[Spec]:
    """What a reader sees of a record: model, ``more`` fields, value, interval, turns."""
    fields = [(name, f"@chart.field.{name}") for name in ("model", *more)]
    fields += [("value", unit_of(column) if column else "@chart.field.value")]
    fields += [(name, f"@chart.field.{name}") for name in ("interval", "turns")]
    return [{"field": f, "title": title, "type": "nominal"} for f, title in fields]


def unit_of(column: Column) -> Any:
    """A column's title with its unit, for an axis."""
    title = column_text(column)
    return {"@": "chart.unit.percent", "metric": title} if column.percent else title


def extremes(values: Values, percent: bool, names: Mapping[str, Any]) -> Any:
    """The lowest and the highest score in words."""
    low, high = (choose(values, key=lambda v: v["value"]) for choose in (min, max))
    digits = 1 if percent else 2
    return {
        "@": "chart.extremes",
        "low": fixed(low["value"], digits),
        "low_model": names[low["row"]],
        "high": fixed(high["value"], digits),
        "high_model": names[high["row"]],
    }


def span(values: Values) -> list[float]:
    """The lowest and the highest end of all scores with their intervals, for the scale that they are all drawn on.

    It is told rather than found, so that it stays where it is whichever models are chosen.
    """
    ends = [value[end] for value in values for end in ("low", "value", "high") if value[end] is not None]
    low, high = min(ends), max(ends)
    return [low, high] if high > low else [low - 1, high + 1]


def chosen_first(rows: Sequence[Row]) -> list[str]:
    """Ids of the rows that are in colour before anyone chose: all, or the first few and the best floor."""
    if len(rows) <= COLOURS:
        return [row.id for row in rows]
    models = [row.id for row in rows if not row.floor][:_AT_FIRST]
    return models + [row.id for row in rows if row.floor][:1]


def rows_of(table: BoardTable, values: Values) -> list[Row]:
    """The rows that a chart's records are of, in the order of the table."""
    shown = {value["row"] for value in values}
    return [row for row in table.rows if row.id in shown]


def columns_of(table: BoardTable, section: Section) -> list[Column]:
    """The columns of a section, in the order of the table."""
    return [column for column in table.columns if column.section == section.id]


def column_of(table: BoardTable, section: Section, metric: str) -> Column | None:
    """A section's first column of a metric; ``None`` if it has none."""
    return next((column for column in columns_of(table, section) if column.metric == metric), None)

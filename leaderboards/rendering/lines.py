"""Lines of a metric: reference against generated context, by depth of the turn, by training step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from csc_tasks.leaderboards.board import BoardTable, Cell, Column, Row, Section
from csc_tasks.leaderboards.names import telling_words
from csc_tasks.leaderboards.reading.identity import ADAPTERS
from csc_tasks.leaderboards.rendering.chart_parts import (
    Spec,
    Values,
    base,
    column_of,
    extremes,
    labelled,
    score_entry,
    title_of,
    tooltip,
    unit_of,
)
from csc_tasks.leaderboards.rendering.labels import row_labels

__all__ = ["depth_chart", "slope_chart", "trend_chart"]


def slope_chart(
    table: BoardTable,
    reference: Section,
    generated: Section,
    metric: str,
    rows: Iterable[str] | None = None,
) -> Spec | None:
    """A metric with the gold history and with the model's own: a line a model that has both.

    Args:
        table: the comparability class.
        reference: section of one task in reference context.
        generated: section of the same task in generated context.
        metric: name of the metric.
        rows: ids of the models to show; all by default.
    """
    pair = [column_of(table, section, metric) for section in (reference, generated)]
    if pair[0] is None or pair[1] is None:
        return None
    values: Values = []
    for row, label in labelled(table, rows):
        cells = [row.cells.get(column.id) for column in pair if column]
        if all(cell is not None and cell.value is not None for cell in cells):
            for name, cell in zip(("reference", "generated"), cells, strict=True):
                assert cell is not None
                values.append({**score_entry(row, label, cell, pair[0]), "context": name})
    if not values:
        return None
    column = pair[0]
    x = {
        "field": "context",
        "type": "nominal",
        "sort": ["reference", "generated"],
        "axis": {"labelAngle": 0, "title": "conversation so far", "grid": True},
        "scale": {"type": "point", "padding": 0.3},
    }
    return {
        **base(
            f"{column.title}, {reference.task}",
            f"Slope chart of {unit_of(column)}: {len(values) // 2} models, each with reference context on the "
            f"left and generated context on the right. "
            f"{extremes(values, column.percent)}",
            values,
            lines=True,
        ),
        "width": 440,
        "height": 320,
        "encoding": {"x": x, **_line_colours(values)},
        "layer": _with_intervals(unit_of(column), tooltip(column, "context"), band=False),
    }


def depth_chart(
    table: BoardTable, section: Section, metric: str, rows: Iterable[str] | None = None
) -> Spec | None:
    """A metric over the turn's position in its conversation, a line a model with its interval.

    Args:
        table: the comparability class.
        section: where the metric was measured.
        metric: name of the metric in :attr:`SectionFigures.depth`.
        rows: ids of the models to show; all by default.
    """
    column = column_of(table, section, metric)
    values: Values = []
    for row, label in labelled(table, rows):
        figures = row.figures.get(section.id)
        for point in figures.depth.get(metric, ()) if figures else ():
            if point.value is not None:
                cell = Cell(point.value, point.low, point.high, point.turns)
                values.append({**score_entry(row, label, cell, column), "position": point.position})
    last = max((value["position"] for value in values), default=0)
    if last < 2:
        return None
    title = title_of(table, section, metric)
    unit = unit_of(column) if column else title
    x = {
        "field": "position",
        "type": "quantitative",
        "title": "position of the turn in the conversation",
        "scale": {"nice": False, "zero": False, "padding": 8},
        "axis": {
            "tickMinStep": 1,
            "format": "d",
            "grid": False,
            "labelExpr": f"datum.value == {last} ? '{last}+' : datum.label",
        },
    }
    return {
        **base(
            f"{title} by turn depth, {section.title}",
            f"Line chart of {unit} at turns 1 to {last} and later of a conversation. "
            f"{extremes(values, column is not None and column.percent)}",
            values,
            lines=True,
        ),
        "width": 520,
        "height": 280,
        "encoding": {"x": x, **_line_colours(values)},
        "layer": _with_intervals(unit, tooltip(column, "position"), band=True),
    }


def trend_chart(table: BoardTable, column: Column) -> Spec | None:
    """A column over training steps, a line a model of which two checkpoints or more were measured."""
    runs: dict[tuple[str, tuple[tuple[str, str], ...]], list[Row]] = {}
    for row in table.rows:
        cell = row.cells.get(column.id)
        if row.step is not None and not row.floor and cell is not None and cell.value is not None:
            runs.setdefault((row.model, _all_along(row)), []).append(row)
    runs = {key: sorted(run, key=lambda r: r.step or 0) for key, run in runs.items() if len(run) > 1}
    # One row stands for its run, so that a run is named like any other model.
    words = telling_words([(model, dict(settings)) for model, settings in runs])
    first = [replace(run[0], words=own) for run, own in zip(runs.values(), words, strict=True)]
    labels = row_labels(first)
    values: Values = []
    for run in runs.values():
        for row in run:
            entry = score_entry(row, labels[run[0].id], row.cells[column.id], column)
            values.append({**entry, "row": run[0].id, "step": row.step})
    if not values:
        return None
    x = {
        "field": "step",
        "type": "quantitative",
        "title": "training step",
        "scale": {"zero": False, "nice": False, "padding": 12},
        "axis": {"grid": False, "format": "~s", "tickCount": 6},
    }
    return {
        **base(
            f"{column.title} by checkpoint",
            f"Line chart of {unit_of(column)} over training steps of {len(runs)} models. "
            f"{extremes(values, column.percent)}",
            values,
        ),
        "width": 520,
        "height": 280,
        "encoding": {"x": x, **_line_colours(values)},
        "layer": _with_intervals(unit_of(column), tooltip(column, "step"), band=True),
    }


def _line_colours(values: Values) -> Spec:
    """Colour and shape by model, both in the order of the table, so that they make one legend."""
    models = list(dict.fromkeys(value["model"] for value in values))
    model = {"field": "model", "type": "nominal", "title": None, "scale": {"domain": models}}
    return {"color": model, "shape": model}


def _with_intervals(unit: str, fields: list[Spec], band: bool) -> list[Spec]:
    y = {"type": "quantitative", "title": unit, "scale": {"zero": False}}
    interval = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
    if band:
        first: Spec = {"mark": {"type": "area", "opacity": 0.14, "aria": False}}
    else:
        first = {"mark": {"type": "rule", "opacity": 0.45, "strokeWidth": 3, "aria": False}}
    dash = {"condition": {"test": "datum.floor", "value": [5, 4]}, "value": [1, 0]}
    first["encoding"] = {**interval, "shape": None}
    return [
        {"transform": [{"filter": "datum.low !== null"}], **first},
        {
            "mark": {"type": "line", "strokeWidth": 2},
            "encoding": {"y": {**y, "field": "value"}, "strokeDash": dash, "shape": None},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 46, "opacity": 1},
            "encoding": {
                "y": {**y, "field": "value"},
                "tooltip": fields,
            },
        },
    ]


def _all_along(row: Row) -> tuple[tuple[str, str], ...]:
    """The settings that checkpoints of one run have in common; of an adapter the folder of its checkpoints."""
    return tuple(
        (name, str(PurePosixPath(value).parent) if name in ADAPTERS else value)
        for name, value in row.settings
        if name not in ("revision", "step")
    )

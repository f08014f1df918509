"""Lines of a metric: reference against generated context, by depth of the turn, by training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from csc_tasks.leaderboards.board import BoardTable, Cell, Column, Row, Section
from csc_tasks.leaderboards.rendering.chart_names import model_names, names_of_rows, names_of_texts
from csc_tasks.leaderboards.rendering.chart_parts import (
    COLOURS,
    NAME,
    NAMED,
    Spec,
    Values,
    base,
    chosen_first,
    column_of,
    extremes,
    rows_of,
    score_entry,
    span,
    tooltip,
    unit_of,
)
from csc_tasks.leaderboards.rendering.language import column_text, section_text

__all__ = ["depth_chart", "slope_chart", "trend_chart"]

_CHOSEN = "indexof(chosen, datum.row) >= 0"


def slope_chart(table: BoardTable, reference: Section, generated: Section, metric: str) -> Spec | None:
    """A metric with the gold history and with the model's own: a line a model that has both.

    Args:
        table: the comparability class.
        reference: section of one task in reference context.
        generated: section of the same task in generated context.
        metric: name of the metric.
    """
    pair = [column_of(table, section, metric) for section in (reference, generated)]
    if pair[0] is None or pair[1] is None:
        return None
    column = pair[0]
    values: Values = []
    for row in table.rows:
        cells = [row.cells.get(column.id) for column in pair if column]
        if all(cell is not None and cell.value is not None for cell in cells):
            for name, cell in zip(("reference", "generated"), cells, strict=True):
                assert cell is not None
                values.append({**score_entry(row, cell, column), "side": name})
    if not values:
        return None
    rows, names = rows_of(table, values), model_names(table.rows)
    x = {
        "field": "side",
        "type": "nominal",
        "sort": ["reference", "generated"],
        "axis": {
            "labelAngle": 0,
            "title": "@chart.slope.x",
            "grid": True,
            "labelExpr": "sides[datum.value]",
        },
        "scale": {"type": "point", "padding": 0.3},
    }
    task = section_text(reference)
    title = {
        "@": "chart.slope.name",
        "metric": column_text(column),
        "task": task.get("task", task) if isinstance(task, dict) else reference.task,
    }
    told = {
        "@": "chart.slope.told",
        "unit": unit_of(column),
        "n": len(rows),
        "extremes": extremes(values, column.percent, names),
    }
    sides = {side: f"@chart.slope.{side}" for side in ("reference", "generated")}
    return {
        **base(title, told, values, choose="lines"),
        "params": [*_params(table, rows), {"name": "sides", "value": sides}],
        "transform": [*NAMED, {"calculate": "sides[datum.side]", "as": "context"}],
        "width": 440,
        "height": 320,
        "encoding": {"x": x, **_colours(chosen_first(rows))},
        "layer": _layers(values, unit_of(column), tooltip(column, "context"), band=False),
    }


def depth_chart(table: BoardTable, section: Section, metric: str) -> Spec | None:
    """A metric over the turn's position in its conversation, a line a model with its interval.

    Args:
        table: the comparability class.
        section: where the metric was measured.
        metric: name of the metric in :attr:`SectionFigures.depth`.
    """
    column = column_of(table, section, metric)
    values: Values = []
    for row in table.rows:
        figures = row.figures.get(section.id)
        for point in figures.depth.get(metric, ()) if figures else ():
            if point.value is not None:
                cell = Cell(point.value, point.low, point.high, point.turns)
                values.append({**score_entry(row, cell, column), "position": point.position})
    last = max((value["position"] for value in values), default=0)
    if last < 2:
        return None
    rows, names = rows_of(table, values), model_names(table.rows)
    unit = unit_of(column) if column else metric
    x = {
        "field": "position",
        "type": "quantitative",
        "title": "@chart.depth.x",
        "scale": {"domain": [1, last], "nice": False, "zero": False, "padding": 8},
        "axis": {
            "tickMinStep": 1,
            "format": "d",
            "grid": False,
            "labelExpr": f"datum.value == {last} ? '{last}+' : datum.label",
        },
    }
    title = {
        "@": "chart.depth.name",
        "metric": column_text(column) if column else metric,
        "section": section_text(section),
    }
    percent = column is not None and column.percent
    told = {"@": "chart.depth.told", "unit": unit, "last": last, "extremes": extremes(values, percent, names)}
    return {
        **base(title, told, values, choose="lines"),
        "params": _params(table, rows),
        "transform": NAMED,
        "width": 520,
        "height": 280,
        "encoding": {"x": x, **_colours(chosen_first(rows))},
        "layer": _layers(values, unit, tooltip(column, "position"), band=True),
    }


def trend_chart(table: BoardTable, column: Column) -> Spec | None:
    """A column over training steps, a line a training run of which two checkpoints or more were measured.

    Of two models of one run at one step, the newer counts.
    """
    runs: dict[str, dict[int, Row]] = {}
    for row in sorted(table.rows, key=lambda row: row.date):
        cell = row.cells.get(column.id)
        if row.step is not None and row.training_run and cell is not None and cell.value is not None:
            runs.setdefault(row.training_run, {})[row.step] = row
    lines = {name: [run[step] for step in sorted(run)] for name, run in sorted(runs.items()) if len(run) > 1}
    if not lines:
        return None
    ids = {name: run[0].id for name, run in lines.items()}
    called = names_of_texts(dict(zip(ids.values(), ids, strict=True)))
    names = called[0]["value"]
    values: Values = [
        {**score_entry(row, row.cells[column.id], column), "row": ids[name], "step": row.step}
        for name, run in lines.items()
        for row in run
    ]
    chosen, steps = list(ids.values())[:COLOURS], [value["step"] for value in values]
    x = {
        "field": "step",
        "type": "quantitative",
        "title": "@chart.trend.x",
        "scale": {"domain": [min(steps), max(steps)], "zero": False, "nice": False, "padding": 12},
        "axis": {"grid": False, "format": "~s", "tickCount": 6},
    }
    section = next(section for section in table.sections if section.id == column.section)
    title = {"@": "chart.trend.name", "metric": column_text(column), "section": section_text(section)}
    told = {
        "@": "chart.trend.told",
        "unit": unit_of(column),
        "n": len(lines),
        "extremes": extremes(values, column.percent, names),
    }
    return {
        **base(title, told, values, choose="lines"),
        "params": [*called, {"name": "chosen", "value": chosen}],
        "transform": NAMED,
        "width": 520,
        "height": 280,
        "encoding": {"x": x, **_colours(chosen)},
        "layer": _layers(values, unit_of(column), tooltip(column, "step"), band=True),
    }


def _params(table: BoardTable, rows: Sequence[Row]) -> list[Spec]:
    shown = names_of_rows(table.rows, [row.id for row in rows])
    return [*shown, {"name": "chosen", "value": chosen_first(rows)}]


def _colours(chosen: list[str]) -> Spec:
    """Colour and shape of those that are chosen, in one legend."""
    assert len(chosen) <= COLOURS
    legend = {"labelExpr": NAME}
    model = {"field": "row", "type": "nominal", "title": None, "scale": {"domain": chosen}, "legend": legend}
    return {"color": model, "shape": model}


def _layers(values: Values, unit: Any, fields: list[Spec], band: bool) -> list[Spec]:
    """A grey line a model, above them in colour those chosen with their intervals, on top the one pointed at."""
    y = {
        "type": "quantitative",
        "title": unit,
        "scale": {"domain": span(values), "nice": True, "zero": False},
    }
    value = {"y": {**y, "field": "value"}}
    interval = {"y": {**y, "field": "low"}, "y2": {"field": "high"}, "shape": None}
    dash = {"condition": {"test": "datum.floor", "value": [5, 4]}, "value": [1, 0]}
    grey = {"color": None, "shape": None, "detail": {"field": "row"}}
    around: Spec = (
        {"type": "area", "opacity": 0.14} if band else {"type": "rule", "opacity": 0.45, "strokeWidth": 3}
    )
    pointed = [{"filter": {"param": "pointed", "empty": False}}]
    return [
        {
            "transform": [{"filter": f"!({_CHOSEN})"}],
            "mark": {"type": "line", "style": "crowd", "strokeWidth": 1, "aria": False},
            "encoding": {**value, **grey, "strokeDash": dash},
        },
        {
            "transform": [{"filter": f"datum.low !== null && {_CHOSEN}"}],
            "mark": {**around, "aria": False},
            "encoding": interval,
        },
        {
            "transform": [{"filter": _CHOSEN}],
            "mark": {"type": "line", "strokeWidth": 2},
            "encoding": {**value, "strokeDash": dash, "shape": None},
        },
        {
            "transform": pointed,
            "mark": {"type": "line", "style": "pointed", "strokeWidth": 3, "aria": False},
            "encoding": {**value, **grey},
        },
        {
            # Wider than it looks, so that a hand can meet it; it tells the model, the points their figures.
            "params": [
                {
                    "name": "pointed",
                    "select": {
                        "type": "point",
                        "fields": ["row"],
                        "on": "pointerover",
                        "clear": "pointerout",
                    },
                }
            ],
            "mark": {"type": "line", "strokeWidth": 9, "opacity": 0, "aria": False},
            "encoding": {
                **value,
                **grey,
                "tooltip": [{"field": "model", "type": "nominal", "title": "@chart.field.model"}],
            },
        },
        {
            "transform": [{"filter": f"!({_CHOSEN})"}],
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0, "aria": False},
            "encoding": {**value, **grey, "tooltip": fields},
        },
        {
            "transform": [{"filter": _CHOSEN}],
            "mark": {"type": "point", "filled": True, "size": 46, "opacity": 1},
            "encoding": {**value, "tooltip": fields},
        },
    ]

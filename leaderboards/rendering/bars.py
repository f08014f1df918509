"""Bars of what a judge gave, a group a dimension and in it a bar a model."""

from __future__ import annotations

from csc_tasks.leaderboards.board import BoardTable, Section
from csc_tasks.leaderboards.rendering.chart_names import model_names, names_of_rows
from csc_tasks.leaderboards.rendering.chart_parts import (
    COLOURS,
    NAME,
    NAMED,
    Spec,
    Values,
    base,
    chosen_first,
    columns_of,
    extremes,
    rows_of,
    score_entry,
    tooltip,
)
from csc_tasks.leaderboards.rendering.language import column_text, section_text

__all__ = ["judge_chart"]


def judge_chart(table: BoardTable, section: Section, percent: bool) -> Spec | None:
    """Bars of a judge's dimensions, a group a dimension and in it a bar for each model that is chosen.

    Args:
        table: the comparability class.
        section: where the judge graded.
        percent: the dimensions answered with yes or no; otherwise those graded from 1 to 5.
    """
    columns = [
        c
        for c in columns_of(table, section)
        if c.metric.startswith("judge_") and c.metric != "judge_coverage" and c.percent is percent
    ]
    values: Values = []
    for column in columns:
        for row in table.rows:
            cell = row.cells.get(column.id)
            if cell is not None and cell.value is not None:
                values.append({**score_entry(row, cell, column), "column": column.id})
    if not values:
        return None
    rows, names = rows_of(table, values), model_names(table.rows)
    chosen = chosen_first(rows)
    unit = "@chart.judge.shares" if percent else "@chart.judge.grades"
    least = 0 if percent else 1
    told = {
        "@": "chart.judge.told",
        "unit": {"@": unit[1:]},
        "dimensions": len(columns),
        "n": len(rows),
        "extremes": extremes(values, percent, names),
    }
    return {
        **base({"@": "chart.judge.name", "section": section_text(section)}, told, values, choose="bars"),
        "params": [
            *names_of_rows(table.rows, [row.id for row in rows]),
            {"name": "columns", "value": {column.id: column_text(column) for column in columns}},
            {"name": "chosen", "value": chosen},
        ],
        "transform": [
            {"filter": "indexof(chosen, datum.row) >= 0"},
            *NAMED,
            {"calculate": "columns[datum.column]", "as": "dimension"},
        ],
        "width": 520,
        "height": {"step": 11},
        "encoding": {
            "y": {
                "field": "column",
                "type": "nominal",
                "sort": [column.id for column in columns],
                "title": None,
                "axis": {"labelExpr": "columns[datum.value]"},
                "scale": {"paddingInner": 0.25},
            },
            "yOffset": {"field": "row", "type": "nominal", "sort": chosen},
            "color": {
                "field": "row",
                "type": "nominal",
                "title": None,
                "scale": {"domain": chosen[:COLOURS]},
                "legend": {"labelExpr": NAME},
            },
            "tooltip": tooltip(None, "dimension"),
        },
        "layer": [
            {
                # A bar's length must mean something: it starts at the lowest grade there is.
                "mark": {"type": "bar", "clip": True, "fillOpacity": 0.75},
                "encoding": {
                    "x": {
                        "field": "value",
                        "type": "quantitative",
                        "title": unit,
                        "scale": {"domain": [least, 100 if percent else 5]},
                        "axis": {"tickCount": 5},
                    },
                    "x2": {"datum": least},
                },
            },
            {
                "mark": {"type": "rule", "strokeWidth": 1.5, "clip": True, "aria": False},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative"},
                    "x2": {"field": "high"},
                },
            },
        ],
    }

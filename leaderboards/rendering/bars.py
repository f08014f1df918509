"""Bars of what a judge gave, a group a dimension and in it a bar a model."""

from __future__ import annotations

from collections.abc import Iterable

from csc_tasks.leaderboards.board import BoardTable, Section
from csc_tasks.leaderboards.rendering.chart_parts import (
    Spec,
    Values,
    base,
    columns_of,
    extremes,
    labelled,
    score_entry,
    tooltip,
)

__all__ = ["judge_chart"]


def judge_chart(
    table: BoardTable, section: Section, percent: bool, rows: Iterable[str] | None = None
) -> Spec | None:
    """Bars of a judge's dimensions, a group a dimension and in it a bar a model.

    Args:
        table: the comparability class.
        section: where the judge graded.
        percent: the dimensions answered with yes or no; otherwise those graded from 1 to 5.
        rows: ids of the models to show; all by default.
    """
    columns = [
        c
        for c in columns_of(table, section)
        if c.metric.startswith("judge_") and c.metric != "judge_coverage" and c.percent is percent
    ]
    values: Values = []
    for column in columns:
        for row, label in labelled(table, rows):
            cell = row.cells.get(column.id)
            if cell is not None and cell.value is not None:
                values.append({**score_entry(row, label, cell, column), "dimension": column.title})
    if not values:
        return None
    models = list(dict.fromkeys(value["model"] for value in values))
    unit = "share of yes, %" if percent else "mean grade, 1 to 5"
    least = 0 if percent else 1
    return {
        **base(
            f"Judge, {section.title}",
            f"Bar chart of a judge's {unit}, {len(columns)} dimensions, {len(models)} models. "
            f"{extremes(values, percent)}",
            values,
            lines=True,
        ),
        "width": 520,
        "height": {"step": 11},
        "encoding": {
            "y": {
                "field": "dimension",
                "type": "nominal",
                "sort": [column.title for column in columns],
                "title": None,
                "scale": {"paddingInner": 0.25},
            },
            "yOffset": {"field": "model", "type": "nominal", "sort": models},
            "color": {"field": "model", "type": "nominal", "title": None, "scale": {"domain": models}},
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

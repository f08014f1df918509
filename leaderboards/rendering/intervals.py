"""The first picture of a table: a column's scores with their intervals, sorted, against the floors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from csc_tasks.leaderboards.board import BeatsFloor, BoardTable, Cell, Column, Row
from csc_tasks.leaderboards.rendering.chart_names import model_names, names_of_rows
from csc_tasks.leaderboards.rendering.chart_parts import (
    NAME,
    NAMED,
    Spec,
    Values,
    base,
    extremes,
    score_entry,
    span,
    tooltip,
    unit_of,
)
from csc_tasks.leaderboards.rendering.labels import arrow
from csc_tasks.leaderboards.rendering.language import column_text, section_text

__all__ = ["interval_chart"]

_STEPS = ((12, 22), (30, 18))
"""Up to so many models, pixels a model; where there are more, :data:`_LEAST`: fifty fit a screen."""
_LEAST = 15
_FLOOR_LINE = 13
"""Pixels above the chart for the name of a floor."""
_STANDINGS = {
    BeatsFloor.YES: "above",
    BeatsFloor.NO: "chance",
    BeatsFloor.UNKNOWN: "unknown",
    BeatsFloor.NOT_ASKED: "unasked",
}
_Scored = list[tuple[Row, Cell]]


def interval_chart(table: BoardTable, column: Column, bases: Mapping[str, str] | None = None) -> Spec | None:
    """Dots and bars of all models in a column, the best on top; floors are lines, ranks bands.

    Models of one rank that stand side by side share a band. A model that is not significantly better than the best
    floor is grey, one that lacks turns hollow and below the others. A column that has no better end is sorted by size.

    Args:
        table: the comparability class.
        column: whose scores.
        bases: of a tuned model's row id that of the model it was tuned from, where that is known.
    """
    scored = [
        (row, cell) for row in table.rows if (cell := row.cells.get(column.id)) and cell.value is not None
    ]
    models = _sorted([pair for pair in scored if not pair[0].floor], column)
    if not models:
        return None
    floors = [score_entry(row, cell, column) for row, cell in scored if row.floor]
    values = _with_bases(list(_values(models, column)), bases or {})
    names = model_names(table.rows)
    section = next(section for section in table.sections if section.id == column.section)
    title = {"@": "chart.intervals.name", "metric": column_text(column), "section": section_text(section)}
    spec = base(title, _told(models, column, extremes(values, column.percent, names), names), values)
    order = [row.id for row, _ in models]
    ranks = {members[0]["row"]: str(rank) for rank, members in _ties(values) if rank}
    step = next((pixels for most, pixels in _STEPS if len(models) <= most), _LEAST)
    return {
        **spec,
        "params": [
            *names_of_rows(table.rows, [*order, *(value["row"] for value in floors)]),
            {"name": "first", "value": [row.id for row, cell in models if cell.first]},
            {"name": "ranks", "value": ranks},
            {"name": "against", "value": {name: f"@chart.intervals.{name}" for name in _STANDINGS.values()}},
        ],
        "transform": [
            *NAMED,
            {"calculate": "against[datum.standing]", "as": "against_floor"},
            {"calculate": "datum.base ? names[datum.base] : null", "as": "base_model"},
        ],
        "width": 560,
        "height": step * len(models),
        "encoding": {"y": _y(order, None)},
        "layer": [
            _bands(order, bool(ranks)),
            *_floors(floors),
            *_lines(column, values, floors),
            *_dots(),
            _touched(column, any(v["base"] for v in values)),
        ],
        "resolve": {"axis": {"y": "independent"}},
    }


def _sorted(models: _Scored, column: Column) -> _Scored:
    """The better end on top, and whoever lacks turns below."""
    sign = -1 if column.better >= 0 else 1
    return sorted(models, key=lambda pair: (bool(pair[0].incomplete), sign * (pair[1].value or 0)))


def _values(models: _Scored, column: Column) -> Iterator[dict[str, Any]]:
    for row, cell in models:
        place = "" if cell.rank is None else str(cell.rank)
        if cell.rank_low is not None and cell.rank_low != cell.rank_high:
            place += f" ({cell.rank_low}–{cell.rank_high})"
        yield score_entry(row, cell, column) | {
            "rank": cell.rank,
            "place": place,
            "standing": _STANDINGS[cell.beats_floor],
            "hollow": bool(row.incomplete),
        }


def _ties(values: Values) -> list[tuple[int | None, Values]]:
    """Neighbours of one rank together, each other model alone."""
    numbered = enumerate(values)
    groups = groupby(numbered, key=lambda pair: (pair[1]["rank"], pair[0] if pair[1]["rank"] is None else 0))
    return [(rank, [value for _, value in members]) for (rank, _), members in groups]


def _with_bases(values: Values, bases: Mapping[str, str]) -> Values:
    """The records with the band that each is on and, where it is known and has a score, its base's score."""
    of = {value["row"]: value["value"] for value in values}
    shaded = {value["row"]: i % 2 == 0 for i, (_, members) in enumerate(_ties(values)) for value in members}
    return [
        {
            **value,
            "band": shaded[value["row"]],
            "base": bases.get(value["row"], "") if bases.get(value["row"]) in of else "",
            "base_value": of.get(bases.get(value["row"], "")),
        }
        for value in values
    ]


def _told(models: _Scored, column: Column, ends: Any, names: Mapping[str, Any]) -> Any:
    words = {"unit": unit_of(column), "n": len(models), "extremes": ends}
    if not column.better:
        return {"@": "chart.intervals.told_plain", **words}
    first = [names[row.id] for row, cell in models if cell.first]
    chance = sum(cell.beats_floor is BeatsFloor.NO for _, cell in models)
    return {"@": "chart.intervals.told", **words, "best": first or ["–"], "chance": chance}


def _y(order: Sequence[str], axis: Spec | None) -> Spec:
    return {
        "field": "row",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(order), "padding": 0},
        "axis": axis,
    }


def _bands(order: Sequence[str], ranked: bool) -> Spec:
    """A shade behind every second group of ties, the models' names on the left and ranks on the right."""
    plain: Spec = {"domain": False, "ticks": False, "labelFontSize": 11, "labelPadding": 5}
    bold = {"condition": {"test": "indexof(first, datum.value) >= 0", "value": 700}, "value": 400}
    left = {
        **plain,
        "labelExpr": NAME,
        "labelFontWeight": bold,
        "labelLimit": 240,
    }
    right = {
        **plain,
        "orient": "right",
        "labelExpr": "ranks[datum.value] || ''",
        "title": "@chart.field.rank",
        "titleAngle": 0,
        "titleAlign": "left",
        "titleX": 2,
        "titleY": -8,
    }
    whole = {"x": {"value": 0}, "x2": {"value": "width"}}
    shade = {
        "transform": [{"filter": "datum.band"}],
        "mark": {"type": "rect", "style": "tie", "aria": False},
        "encoding": {**whole, "y": _y(order, left)},
    }
    if not ranked:
        return shade
    empty = {
        "mark": {"type": "rect", "opacity": 0, "aria": False},
        "encoding": {**whole, "y": _y(order, right)},
    }
    return {"layer": [shade, empty], "resolve": {"axis": {"y": "independent"}}}


def _floors(floors: Values) -> Iterator[Spec]:
    """A line across all models for each floor, its name above; the names lie one below the other."""
    for place, floor in enumerate(sorted(floors, key=lambda value: value["value"])):
        above = -6 - _FLOOR_LINE * (len(floors) - 1 - place)
        one = {"data": {"values": [floor]}, "transform": NAMED}
        x = {"field": "value", "type": "quantitative"}
        yield {
            **one,
            "mark": {"type": "rule", "style": "floor", "strokeDash": [4, 3], "clip": True},
            "encoding": {"x": x, "y": {"value": above + 2}, "y2": {"value": "height"}},
        }
        yield {
            **one,
            "mark": {
                "type": "text",
                "style": "floor-name",
                "align": "left",
                "dx": 4,
                "fontSize": 10,
                "aria": False,
            },
            "encoding": {"x": x, "y": {"value": above}, "text": {"field": "model", "type": "nominal"}},
        }


def _lines(column: Column, values: Values, floors: Values) -> Iterator[Spec]:
    """Intervals, and the way from a base's score to that of the model tuned from it."""
    unit = {"@": "chart.unit.better", "unit": unit_of(column), "arrow": arrow(column)}
    scale = {"domain": span([*values, *floors]), "nice": True, "zero": False}
    x = {"type": "quantitative", "title": unit, "scale": scale, "axis": {"tickCount": 8, "labelFlush": False}}
    for style in ("above", "chance"):
        yield {
            "transform": [{"filter": f"datum.low !== null && {_IS[style]}"}],
            "mark": {"type": "rule", "style": style, "strokeWidth": 3, "opacity": 0.4, "aria": False},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
        }
    known = [{"filter": "datum.base_value !== null"}]
    yield {
        "transform": known,
        "mark": {"type": "rule", "style": "pair", "strokeWidth": 1.25, "aria": False},
        "encoding": {"x": {**x, "field": "base_value"}, "x2": {"field": "value"}},
    }
    yield {
        "transform": known,
        "mark": {
            "type": "point",
            "style": "pair",
            "shape": "diamond",
            "filled": False,
            "size": 44,
            "aria": False,
        },
        "encoding": {"x": {**x, "field": "base_value"}},
    }


_IS = {"above": "datum.standing !== 'chance'", "chance": "datum.standing === 'chance'"}


def _dots() -> Iterator[Spec]:
    for style, test in _IS.items():
        for hollow in (False, True):
            yield {
                "transform": [{"filter": f"{test} && {'' if hollow else '!'}datum.hollow"}],
                "mark": {"type": "point", "style": style, "filled": not hollow, "size": 50, "opacity": 1},
                "encoding": {"x": {"field": "value", "type": "quantitative"}},
            }


def _touched(column: Column, paired: bool) -> Spec:
    """What nobody sees and everybody can point at: a model's whole line tells its figures."""
    fields = tooltip(column)
    if column.better:
        more = [("place", "rank"), ("against_floor", "floor")]
        more += [("base_model", "base"), ("base_value", "base_value")] if paired else []
        fields += [
            {"field": name, "title": f"@chart.field.{title}", "type": "nominal"} for name, title in more
        ]
    return {
        "mark": {"type": "rect", "opacity": 0, "aria": False},
        "encoding": {"x": {"value": 0}, "x2": {"value": "width"}, "tooltip": fields},
    }

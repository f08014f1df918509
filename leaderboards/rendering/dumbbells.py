"""The picture of what tuning changed: base and tuned model on one line, measured above, reported below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from csc_tasks.leaderboards.board import BoardTable, Column
from csc_tasks.leaderboards.rendering.chart_names import names_of_rows
from csc_tasks.leaderboards.rendering.chart_parts import NAME, Spec, Values, base, unit_of
from csc_tasks.leaderboards.rendering.labels import arrow
from csc_tasks.leaderboards.rendering.language import column_text, section_text
from csc_tasks.leaderboards.rendering.numbers import difference_interval, number, p_value
from csc_tasks.leaderboards.rendering.reported import reported_pairs
from csc_tasks.leaderboards.tuned import PairedScore, TunedPair

__all__ = ["dumbbell_chart"]

_STEP = 24
"""Pixels a model."""
_GAP = "between"
"""The place on the axis between what is measured and what is reported."""


def dumbbell_chart(table: BoardTable, column: Column, reported: Mapping[str, Any]) -> Spec | None:
    """A line a tuned model, from its base's score to its own, with the interval of the difference around its end.

    The interval is the corrected one (:class:`~csc_tasks.leaderboards.tuned.PairedScore`), drawn from the base's
    score: a difference is told from chance where it does not reach the base, and grey where it does. Pairs that the
    paper reports stand below a gap, hollow and dashed: they have no intervals, and were scored by other code.

    Args:
        table: the comparability class.
        column: whose scores.
        reported: the paper's table.

    Returns:
        ``None`` where no pair was measured in this column.
    """
    measured = [
        (pair, score)
        for pair in table.pairs
        for score in pair.scores
        if score.column == column.id and score.base is not None and score.tuned is not None
    ]
    if not measured:
        return None
    values = [_measured(pair, score, column) for pair, score in measured]
    section = next(section for section in table.sections if section.id == column.section)
    told: Values = []
    if section.task == "response" and column.percent:
        told = [
            {
                "row": f"reported:{i}",
                "base_value": found.base,
                "value": found.tuned,
                "difference": number((found.tuned - found.base) / 100, True, signed=True),
                "reported": True,
                "name": f"arXiv: {found.model}",
            }
            for i, found in enumerate(reported_pairs(reported, section.context, column.metric))
        ]
    order = [value["row"] for value in values] + ([_GAP] if told else []) + [value["row"] for value in told]
    words = {"metric": column_text(column), "section": section_text(section)}
    names = names_of_rows(table.rows, [row for pair, _ in measured for row in (pair.tuned, pair.base)])
    extra = {value["row"]: value.pop("name") for value in told} | {_GAP: " "}
    names[0] = {**names[0], "value": {**names[0]["value"], **extra}}
    real = sum(score.real for _, score in measured)
    about = {"@": "chart.pairs.told", "n": len(values), "real": real, "reported": len(told), **words}
    return {
        **base({"@": "chart.pairs.name", **words}, about, [*values, *told]),
        "params": names,
        "transform": [
            {"calculate": "names[datum.row]", "as": "model"},
            {"calculate": "datum.base ? names[datum.base] : null", "as": "base_model"},
        ],
        "width": 560,
        "height": _STEP * len(order),
        "encoding": {
            "y": {
                "field": "row",
                "type": "nominal",
                "title": None,
                "scale": {"domain": order},
                "axis": {"labelExpr": NAME, "labelLimit": 240, "domain": False, "ticks": False},
            }
        },
        "layer": list(_layers(column, [*values, *told])),
    }


def _measured(pair: TunedPair, score: PairedScore, column: Column) -> dict[str, Any]:
    def read(value: float | None) -> float | None:
        return value if value is None else round(100 * value, 2) if column.percent else round(value, 4)

    assert score.base is not None
    ends = [None if end is None else read(score.base + end) for end in (score.low, score.high)]
    known = score.low is not None and score.high is not None
    return {
        "row": pair.tuned,
        "base": pair.base,
        "base_value": read(score.base),
        "value": read(score.tuned),
        "low": ends[0],
        "high": ends[1],
        "difference": number(score.difference, column.percent, signed=True),
        "interval": difference_interval(score.low or 0.0, score.high or 0.0, column.metric) if known else "–",
        "p": "–" if score.p is None else p_value(score.p),
        "real": score.real,
        "reported": False,
    }


_LOOKS = (
    ("above", "!datum.reported && datum.real"),
    ("chance", "!datum.reported && !datum.real"),
    ("floor-name", "datum.reported"),
)
"""Told from chance, not told from chance, reported."""


def _layers(column: Column, values: Values) -> Iterator[Spec]:
    unit = {"@": "chart.unit.better", "unit": unit_of(column), "arrow": arrow(column)}
    x = {
        "type": "quantitative",
        "title": unit,
        "scale": {"domain": _span(values), "nice": True, "zero": False},
    }
    for style, test in _LOOKS[:2]:
        yield {
            "transform": [{"filter": f"{test} && datum.low !== null"}],
            "mark": {"type": "rule", "style": style, "strokeWidth": 7, "opacity": 0.35, "aria": False},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
        }
    for reported in (False, True):
        line = {"type": "rule", "style": "pair", "strokeWidth": 1.25, "aria": False}
        yield {
            "transform": [{"filter": f"{'' if reported else '!'}datum.reported"}],
            "mark": {**line, "style": "floor-name", "strokeDash": [3, 3]} if reported else line,
            "encoding": {"x": {**x, "field": "base_value"}, "x2": {"field": "value"}},
        }
        yield {
            "transform": [{"filter": f"{'' if reported else '!'}datum.reported"}],
            "mark": {
                "type": "point",
                "style": "floor-name" if reported else "pair",
                "shape": "diamond",
                "filled": False,
                "size": 50,
                "aria": False,
            },
            "encoding": {"x": {**x, "field": "base_value"}},
        }
    for style, test in _LOOKS:
        yield {
            "transform": [{"filter": test}],
            "mark": {
                "type": "point",
                "style": style,
                "filled": style != "floor-name",
                "size": 70,
                "opacity": 1,
            },
            "encoding": {"x": {**x, "field": "value"}, "tooltip": _tooltip()},
        }


def _tooltip() -> list[Spec]:
    fields = ("model", "base_model", "base_value", "value", "difference", "interval", "p")
    return [{"field": name, "title": f"@chart.pairs.{name}", "type": "nominal"} for name in fields]


def _span(values: Sequence[Mapping[str, Any]]) -> list[float]:
    ends = [
        v[name] for v in values for name in ("base_value", "value", "low", "high") if v.get(name) is not None
    ]
    low, high = min(ends), max(ends)
    return [low, high] if high > low else [low - 1, high + 1]

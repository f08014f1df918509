"""Heat maps of strategies: accuracy by strategy, which are mixed up, and the way from stage to stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from csc_tasks.framework import Stage, Strategy
from csc_tasks.leaderboards.board import BoardTable, Gold, Section, SectionFigures
from csc_tasks.leaderboards.rendering.chart_names import names_of_rows
from csc_tasks.leaderboards.rendering.chart_parts import (
    NAME,
    NAMED,
    Spec,
    Values,
    base,
    rows_of,
)
from csc_tasks.leaderboards.rendering.language import Language, section_text, text
from csc_tasks.leaderboards.rendering.numbers import fixed

__all__ = ["confusion_chart", "strategy_chart", "transition_chart"]

STRONG = 75
"""Share in percent from which on a cell's text is of the other colour: the fourth of a ramp's five, see theme.py."""
BLOCK = 18
"""Models below one line of headings, so that there is one on every screenful."""
_WIDE, _NARROW, _HIGH, _LOW = 46, 36, 24, 28
_STRATEGIES = {
    Language.EN: [strategy.en for strategy in Strategy],
    Language.ZH: [strategy.zh for strategy in Strategy],
}


def strategy_chart(table: BoardTable, section: Section) -> Spec | None:
    """Heat map of recall: models by the twelve strategies, with headings above every few models."""
    values: Values = []
    for row in table.rows:
        figures = row.figures.get(section.id)
        if figures is None or figures.confusion is None:
            continue
        for strategy, counts in zip(Strategy, figures.confusion, strict=True):
            if total := sum(counts):
                hits = counts[strategy.index]
                values.append(
                    {
                        "row": row.id,
                        "to": strategy.index,
                        "share": round(100 * hits / total, 2),
                        "text": fixed(100 * hits / total, 0),
                        "turns": f"{hits} / {total}",
                    }
                )
    if not values:
        return None
    rows = rows_of(table, values)
    ids = [row.id for row in rows]
    # No block of one or two at the end: all are about as high.
    blocks = -(-len(ids) // BLOCK)
    high = -(-len(ids) // blocks)
    told = {"@": "chart.strategies.told", "n": len(ids)}
    spec = base({"@": "chart.strategies.name", "section": section_text(section)}, told, values)
    if any(row.incomplete for row in rows):
        spec["title"]["subtitle"] = "@chart.incomplete"
    maps = [
        {
            "transform": [{"filter": {"field": "row", "oneOf": ids[start : start + high]}}],
            **_heat_map(
                {
                    "x": _names("to", list(range(len(Strategy))), "labels[lang][datum.value]", top=True)
                    | {"title": "@chart.strategies.x" if start == 0 else None},
                    "y": _names("row", ids[start : start + high], NAME) | {"title": None},
                },
                [("model", "model"), ("to_name", "strategy"), ("text", "accuracy"), ("turns", "turns")],
                _WIDE,
                _HIGH,
            ),
        }
        for start in range(0, len(ids), high)
    ]
    named = [*NAMED, {"calculate": "labels[lang][datum.to]", "as": "to_name"}]
    params = [*names_of_rows(table.rows, ids), *_labels(_STRATEGIES)]
    if len(maps) == 1:
        return {**spec, "params": params, **maps[0], "transform": named}
    return {**spec, "params": params, "transform": named, "vconcat": maps, "spacing": 14}


def confusion_chart(figures: SectionFigures, model: Any) -> Spec | None:
    """Heat map of one model's strategies: gold in rows, its own in columns, what could not be read last."""
    if figures.confusion is None or not any(map(any, figures.confusion)):
        return None
    values: Values = []
    for gold, counts in zip(Strategy, figures.confusion, strict=True):
        total = sum(counts)
        for to, count in enumerate(counts):
            values.append(
                {
                    "from": gold.index,
                    "to": to,
                    "share": round(100 * count / total, 2) if total else None,
                    "text": str(count) if count else "",
                    "turns": count,
                }
            )
    labels = {
        language: [*names, text("chart.confusion.unreadable", language)]
        for language, names in _STRATEGIES.items()
    }
    return {
        **base(
            {"@": "chart.confusion.name", "model": model},
            {"@": "chart.confusion.told", "model": model},
            values,
        ),
        "params": _labels(labels),
        "transform": _ENDS,
        **_heat_map(
            {
                "x": _names("to", list(range(len(Strategy) + 1)), "labels[lang][datum.value]")
                | {"title": "@chart.confusion.x"},
                "y": _names("from", list(range(len(Strategy))), "labels[lang][datum.value]")
                | {"title": "@chart.confusion.y"},
            },
            [("from_name", "gold"), ("to_name", "predicted"), ("turns", "turns"), ("share", "share")],
            _NARROW,
            _LOW,
        ),
    }


def transition_chart(figures: SectionFigures, gold: Gold | None, model: Any) -> Spec | None:
    """Two heat maps beside each other: how the gold conversations go from stage to stage, and the model's."""
    if figures.transitions is None or not any(map(any, figures.transitions)):
        return None
    sides = [("model", figures.transitions)]
    if gold is not None and any(map(any, gold.transitions)):
        sides.insert(0, ("gold", gold.transitions))
    values: Values = []
    for side, matrix in sides:
        for start, counts in enumerate(matrix):
            total = sum(counts)
            # Nothing goes back to the start: its column would only be empty.
            for to, count in list(enumerate(counts))[1:]:
                share = 100 * count / total if total else None
                values.append(
                    {
                        "side": side,
                        "from": start,
                        "to": to,
                        "share": share if share is None else round(share, 2),
                        "text": "" if not share else fixed(share, 0) if share >= 0.5 else "<1",
                        "turns": count,
                    }
                )
    labels = {
        language: [
            text("chart.transitions.start", language),
            *(stage.zh if language is Language.ZH else stage.en for stage in Stage),
            Strategy.OTHERS.zh if language is Language.ZH else Strategy.OTHERS.en,
        ]
        for language in Language
    }
    inner = _heat_map(
        {
            "x": _names("to", list(range(1, len(Stage) + 2)), "labels[lang][datum.value]")
            | {"title": "@chart.transitions.x"},
            "y": _names("from", list(range(len(Stage) + 2)), "labels[lang][datum.value]")
            | {"title": "@chart.transitions.y"},
        },
        [("from_name", "from"), ("to_name", "to"), ("share", "share"), ("turns", "turns")],
        _NARROW,
        _LOW,
    )
    told = "told_both" if len(sides) == 2 else "told"
    return {
        **base(
            {"@": "chart.transitions.name", "model": model},
            {"@": f"chart.transitions.{told}", "model": model},
            values,
        ),
        "params": [
            *_labels(labels),
            {"name": "sides", "value": {side: f"@chart.transitions.{side}" for side, _ in sides}},
        ],
        "transform": _ENDS,
        "facet": {
            "column": {
                "field": "side",
                "sort": [side for side, _ in sides],
                "title": None,
                "type": "nominal",
                "header": {"labelExpr": "sides[datum.value]"},
            }
        },
        "spacing": 24,
        "spec": inner,
    }


_ENDS = [
    {"calculate": "labels[lang][datum.from]", "as": "from_name"},
    {"calculate": "labels[lang][datum.to]", "as": "to_name"},
]


def _labels(labels: Mapping[Language, Sequence[str]]) -> list[Spec]:
    """The names of rows and columns in both languages, and which of them is shown."""
    each = {language.value: list(names) for language, names in labels.items()}
    return [{"name": "labels", "value": each}, {"name": "lang", "value": "@chart.language"}]


def _heat_map(
    encoding: Mapping[str, Spec], tooltip: Sequence[tuple[str, str]], width: int, height: int
) -> Spec:
    # Two layers of text rather than a condition, because a theme can colour a style and not a condition.
    texts = [
        {
            "transform": [{"filter": f"datum.share !== null && datum.share {test} {STRONG}"}],
            "mark": {"type": "text", "style": style, "fontSize": 11, "aria": False},
            "encoding": {"text": {"field": "text", "type": "nominal"}},
        }
        for style, test in (("on-weak", "<"), ("on-strong", ">="))
    ]
    colour = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 100]},
        "legend": None,
    }
    fields = [{"field": name, "title": f"@chart.field.{title}", "type": "nominal"} for name, title in tooltip]
    return {
        "width": {"step": width},
        "height": {"step": height},
        "encoding": {**encoding, "tooltip": fields},
        "layer": [{"mark": {"type": "rect", "cornerRadius": 2}, "encoding": {"color": colour}}, *texts],
    }


def _names(field: str, order: Sequence[Any], label: str, top: bool = False) -> Spec:
    axis: Spec = {"domain": False, "ticks": False, "labelPadding": 6, "labelExpr": label}
    if field == "to":
        axis |= {"labelAngle": -45, "labelAlign": "left" if top else "right"}
    if field == "row":
        # A name that is too long was shortened in its middle: nothing is cut off its end.
        axis |= {"labelLimit": 260, "minExtent": 120}
    scale = {"paddingInner": 0.06, "paddingOuter": 0, "domain": list(order)}
    return {
        "field": field,
        "type": "nominal",
        "axis": axis | ({"orient": "top"} if top else {}),
        "scale": scale,
    }

"""Charts of a leaderboard as Vega-Lite specifications: plain dicts with their data inline.

A function returns ``None`` where there is nothing to show. Colours are not in the specifications but in
:func:`config`, so that one chart serves light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from csc_tasks.framework import Stage, Strategy
from csc_tasks.leaderboards.board import BoardTable, Cell, Column, Gold, Row, Section, SectionFigures
from csc_tasks.leaderboards.rendering.labels import row_labels

__all__ = [
    "Chart",
    "ChartKind",
    "charts",
    "config",
    "confusion_chart",
    "depth_chart",
    "judge_chart",
    "slope_chart",
    "strategy_chart",
    "transition_chart",
    "trend_chart",
]

Spec = dict[str, Any]
Values = list[dict[str, Any]]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
FONTS = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif'
UNREADABLE = ("不可读", "unreadable")
START = ("开始", "Start")
STRONG = 75
"""Share in percent above which a heat map's cell needs the other colour of text; see both ramps below."""


class ChartKind(Enum):
    """A kind of chart: its name in files, its title, and how to read it."""

    SLOPE = (
        "slope",
        "Gold history against the model's own",
        "The same metric with the conversation so far as annotated (reference), and as the model itself wrote "
        "it (generated). A steep fall: mistakes add up.",
    )
    DEPTH = (
        "depth",
        "By turn depth",
        "The metric over turns at each position in their conversation; bands are 95 % intervals.",
    )
    STRATEGIES = (
        "strategies",
        "Accuracy by strategy",
        "Of the turns whose gold strategy is the column's, the percentage that the model labelled so.",
    )
    CONFUSION = (
        "confusion",
        "Which strategies are mixed up",
        "Rows are gold, columns what the model said; counts of turns. The colour is the share of the row.",
    )
    TRANSITIONS = (
        "transitions",
        "From stage to stage",
        "Where a conversation goes after a turn of each stage, in percent of the row: gold beside the model.",
    )
    TREND = ("trend", "By checkpoint", "The metric over training steps; bands are 95 % intervals.")
    JUDGE = ("judge", "Judge", "Mean grade, or share of yes, of each dimension; lines are 95 % intervals.")

    def __init__(self, id: str, title: str, about: str) -> None:
        self.id = id
        self.title = title
        self.about = about


@dataclass(frozen=True, slots=True)
class Chart:
    """A specification and what it was drawn for: ``picks`` is what to choose (metric, model …) → the choice."""

    kind: ChartKind
    picks: dict[str, str]
    spec: Spec


# Okabe and Ito's palette, which colour-blind readers tell apart; its light colours darkened for white
# paper and its dark ones lightened for a dark page, so that all have a contrast of 3:1 and more.
_LIGHT = ["#0072b2", "#d55e00", "#00805d", "#b0568a", "#8a6d00", "#5b4fc4", "#2f7f95", "#555b63"]
_DARK = ["#56b4e9", "#ff8f4a", "#2fc79a", "#e39ac4", "#f0d442", "#a99bff", "#7fd3e0", "#b4bcc6"]


def config(dark: bool = False, font: str = FONTS) -> Spec:
    """Vega-Lite's configuration of the colours and letters of all charts."""
    ink, quiet, line = ("#e6edf3", "#a3afbb", "#303a45") if dark else ("#1b1f24", "#555e68", "#dde2e8")
    ramp = (
        ["#18222d", "#17344f", "#1b4f7c", "#2a76b0", "#8fd0f5"]
        if dark
        else ["#f1f6fb", "#c6dbef", "#6baed6", "#2171b5", "#08306b"]
    )
    return {
        "font": font,
        "background": None,
        "view": {"stroke": None},
        "padding": 4,
        "title": {"color": ink, "subtitleColor": quiet, "anchor": "start", "fontSize": 13, "offset": 12},
        "axis": {
            "labelColor": quiet,
            "titleColor": ink,
            "titleFontWeight": 500,
            "gridColor": line,
            "domainColor": line,
            "tickColor": line,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titlePadding": 10,
            "labelLimit": 190,
        },
        "header": {"labelColor": ink, "titleColor": ink, "labelFontSize": 13, "labelFontWeight": 600},
        "legend": {
            "labelColor": ink,
            "titleColor": quiet,
            "labelFontSize": 12,
            "labelLimit": 230,
            "symbolLimit": 0,
            "orient": "bottom",
            "direction": "vertical",
            "columns": 2,
            "columnPadding": 18,
            "symbolOpacity": 1,
        },
        "range": {"category": _DARK if dark else _LIGHT, "heatmap": ramp, "ramp": ramp},
        "style": {
            "on-weak": {"color": "#f2f6fa" if dark else "#10151b"},
            "on-strong": {"color": "#0a0f14" if dark else "#ffffff"},
        },
    }


def charts(table: BoardTable, limit: int | None = None) -> Iterator[Chart]:
    """All charts of a table, in the order of :class:`ChartKind`.

    Args:
        table: one comparability class.
        limit: models in the charts that draw a line or a group of bars for each; all by default.
    """
    labels = row_labels(table.rows)
    few = None if limit is None else [row.id for row in table.rows[:limit]]
    for reference, generated in _contexts(table):
        for column in _columns(table, reference):
            spec = slope_chart(table, reference, generated, column.metric, few)
            if spec:
                yield Chart(ChartKind.SLOPE, {"Task": reference.task, "Metric": column.title}, spec)
    for section in table.sections:
        metrics = dict.fromkeys(
            metric for _, _, figures in _figures(table, section) for metric in figures.depth
        )
        for metric in metrics:
            if spec := depth_chart(table, section, metric, few):
                title = _title(table, section, metric)
                yield Chart(ChartKind.DEPTH, {"Section": section.title, "Metric": title}, spec)
    for section in table.sections:
        if spec := strategy_chart(table, section):
            yield Chart(ChartKind.STRATEGIES, {"Section": section.title}, spec)
    for section, row, figures in _figures(table):
        if spec := confusion_chart(figures, labels[row.id]):
            yield Chart(ChartKind.CONFUSION, {"Section": section.title, "Model": labels[row.id]}, spec)
    for section, row, figures in _figures(table):
        if spec := transition_chart(figures, table.gold.get(section.id), labels[row.id]):
            yield Chart(ChartKind.TRANSITIONS, {"Section": section.title, "Model": labels[row.id]}, spec)
    for section in table.sections:
        for column in _columns(table, section):
            if spec := trend_chart(table, column):
                yield Chart(ChartKind.TREND, {"Section": section.title, "Metric": column.title}, spec)
    for section in table.sections:
        for percent, unit in ((False, "grades"), (True, "yes or no")):
            if spec := judge_chart(table, section, percent, few):
                yield Chart(ChartKind.JUDGE, {"Section": section.title, "Dimensions": unit}, spec)


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
    pair = [_column(table, section, metric) for section in (reference, generated)]
    if pair[0] is None or pair[1] is None:
        return None
    values: Values = []
    for row, label in _labelled(table, rows):
        cells = [row.cells.get(column.id) for column in pair if column]
        if all(cell is not None and cell.value is not None for cell in cells):
            for name, cell in zip(("reference", "generated"), cells, strict=True):
                assert cell is not None
                values.append({**_score(row, label, cell, pair[0]), "context": name})
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
        **_base(
            f"{column.title}, {reference.task}",
            f"Slope chart of {_unit(column)}: {len(values) // 2} models, each with reference context on the "
            f"left and generated context on the right. {_extremes(values)}",
            values,
            lines=True,
        ),
        "width": 440,
        "height": 320,
        "encoding": {"x": x, **_line_colours(values)},
        "layer": _with_intervals(_unit(column), _tooltip(column, "context"), band=False),
    }


def strategy_chart(table: BoardTable, section: Section) -> Spec | None:
    """Heat map of recall: models by the twelve strategies."""
    values: Values = []
    for row, label in _labelled(table):
        figures = row.figures.get(section.id)
        if figures is None or figures.confusion is None:
            continue
        for strategy, counts in zip(Strategy, figures.confusion, strict=True):
            if total := sum(counts):
                hits = counts[strategy.index]
                values.append(
                    {
                        "model": label,
                        "strategy": strategy.zh,
                        "english": strategy.en,
                        "share": round(100 * hits / total, 2),
                        "text": f"{100 * hits / total:.0f}",
                        "turns": f"{hits} of {total}",
                    }
                )
    if not values:
        return None
    models = list(dict.fromkeys(value["model"] for value in values))
    return {
        **_base(
            f"Accuracy by strategy, {section.title}",
            f"Heat map of accuracy in percent: {len(models)} models in rows, the twelve strategies in columns.",
            values,
        ),
        **_heat_map(
            {
                "x": _names("strategy", [s.zh for s in Strategy], "gold strategy", -45),
                "y": _names("model", models, None),
            },
            [
                ("model", "Model"),
                ("strategy", "策略"),
                ("english", "Strategy"),
                ("text", "Accuracy, %"),
                ("turns", "Turns"),
            ],
        ),
    }


def confusion_chart(figures: SectionFigures, model: str) -> Spec | None:
    """Heat map of one model's strategies: gold in rows, its own in columns, what could not be read last."""
    if figures.confusion is None or not any(map(any, figures.confusion)):
        return None
    predicted = [(s.zh, s.en) for s in Strategy] + [UNREADABLE]
    values: Values = []
    for gold, counts in zip(Strategy, figures.confusion, strict=True):
        total = sum(counts)
        for (zh, en), count in zip(predicted, counts, strict=True):
            values.append(
                {
                    "gold": gold.zh,
                    "predicted": zh,
                    "english": f"{gold.en} → {en}",
                    "share": round(100 * count / total, 2) if total else None,
                    "text": str(count) if count else "",
                    "turns": count,
                }
            )
    return {
        **_base(
            f"Strategies of {model}",
            f"Confusion matrix of {model}: twelve gold strategies in rows; in columns the strategies that the "
            "model named, and labels that could not be read.",
            values,
        ),
        **_heat_map(
            {
                "x": _names("predicted", [zh for zh, _ in predicted], "strategy that the model named", -45),
                "y": _names("gold", [s.zh for s in Strategy], "gold strategy"),
            },
            [("english", "Gold → model"), ("turns", "Turns"), ("share", "% of the row")],
            width=36,
            height=28,
        ),
    }


def transition_chart(figures: SectionFigures, gold: Gold | None, model: str) -> Spec | None:
    """Two heat maps beside each other: how the gold conversations go from stage to stage, and the model's."""
    if figures.transitions is None or not any(map(any, figures.transitions)):
        return None
    stages = [START, *((s.zh, s.en) for s in Stage), (Strategy.OTHERS.zh, Strategy.OTHERS.en)]
    sides = [("model", figures.transitions)]
    if gold is not None and any(map(any, gold.transitions)):
        sides.insert(0, ("gold", gold.transitions))
    values: Values = []
    for side, matrix in sides:
        for (zh, en), counts in zip(stages, matrix, strict=True):
            total = sum(counts)
            # Nothing goes back to the start: its column would only be empty.
            for (to_zh, to_en), count in list(zip(stages, counts, strict=True))[1:]:
                share = 100 * count / total if total else None
                values.append(
                    {
                        "side": side,
                        "from": zh,
                        "to": to_zh,
                        "english": f"{en} → {to_en}",
                        "share": share if share is None else round(share, 2),
                        "text": "" if not share else f"{share:.0f}" if share >= 0.5 else "<1",
                        "turns": count,
                    }
                )
    inner = _heat_map(
        {
            "x": _names("to", [zh for zh, _ in stages[1:]], "next stage", -45),
            "y": _names("from", [zh for zh, _ in stages], "stage"),
        },
        [("english", "Stages"), ("share", "% of the row"), ("turns", "Turns")],
        width=36,
        height=28,
    )
    return {
        **_base(
            f"Stages of {model}",
            f"Heat maps of the way from stage to stage in percent of each row: {model}"
            + (" beside the gold annotation." if len(sides) == 2 else "."),
            values,
        ),
        "facet": {
            "column": {"field": "side", "sort": [side for side, _ in sides], "title": None, "type": "nominal"}
        },
        "spacing": 24,
        "spec": inner,
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
    column = _column(table, section, metric)
    values: Values = []
    for row, label in _labelled(table, rows):
        figures = row.figures.get(section.id)
        for point in figures.depth.get(metric, ()) if figures else ():
            if point.value is not None:
                cell = Cell(point.value, point.low, point.high, point.turns)
                values.append({**_score(row, label, cell, column), "position": point.position})
    last = max((value["position"] for value in values), default=0)
    if last < 2:
        return None
    title = _title(table, section, metric)
    unit = _unit(column) if column else title
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
        **_base(
            f"{title} by turn depth, {section.title}",
            f"Line chart of {unit} at turns 1 to {last} and later of a conversation. {_extremes(values)}",
            values,
            lines=True,
        ),
        "width": 520,
        "height": 280,
        "encoding": {"x": x, **_line_colours(values)},
        "layer": _with_intervals(unit, _tooltip(column, "position"), band=True),
    }


def trend_chart(table: BoardTable, column: Column) -> Spec | None:
    """A column over training steps, a line a model of which two checkpoints or more were measured."""
    runs: dict[tuple[str, int], list[Row]] = {}
    for row in table.rows:
        cell = row.cells.get(column.id)
        if row.step is not None and not row.floor and cell is not None and cell.value is not None:
            runs.setdefault((row.model, row.shots), []).append(row)
    runs = {key: sorted(run, key=lambda r: r.step or 0) for key, run in runs.items() if len(run) > 1}
    # One row stands for its run, so that a run is named like any other model.
    labels = row_labels([_unstepped(run[0]) for run in runs.values()])
    values: Values = []
    for run in runs.values():
        for row in run:
            entry = _score(row, labels[run[0].id], row.cells[column.id], column)
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
        **_base(
            f"{column.title} by checkpoint",
            f"Line chart of {_unit(column)} over training steps of {len(runs)} models. {_extremes(values)}",
            values,
        ),
        "width": 520,
        "height": 280,
        "encoding": {"x": x, **_line_colours(values)},
        "layer": _with_intervals(_unit(column), _tooltip(column, "step"), band=True),
    }


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
        for c in _columns(table, section)
        if c.metric.startswith("judge_") and c.metric != "judge_coverage" and c.percent is percent
    ]
    values: Values = []
    for column in columns:
        for row, label in _labelled(table, rows):
            cell = row.cells.get(column.id)
            if cell is not None and cell.value is not None:
                values.append({**_score(row, label, cell, column), "dimension": column.title})
    if not values:
        return None
    models = list(dict.fromkeys(value["model"] for value in values))
    unit = "share of yes, %" if percent else "mean grade, 1 to 5"
    floor = 0 if percent else 1
    return {
        **_base(
            f"Judge, {section.title}",
            f"Bar chart of a judge's {unit}, {len(columns)} dimensions, {len(models)} models. "
            f"{_extremes(values)}",
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
            "tooltip": _tooltip(None, "dimension"),
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
                        "scale": {"domain": [floor, 100 if percent else 5]},
                        "axis": {"tickCount": 5},
                    },
                    "x2": {"datum": floor},
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


def _base(title: str, description: str, values: Values, lines: bool = False) -> Spec:
    """What all charts have; ``usermeta`` tells the page that its reader may choose the models of this one."""
    return {
        "$schema": SCHEMA,
        "title": {"text": title, "limit": 700},
        "description": description.strip(),
        "usermeta": {"choose": lines},
        "data": {"values": values},
    }


def _heat_map(
    encoding: Mapping[str, Spec], tooltip: Sequence[tuple[str, str]], width: int = 46, height: int = 26
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
    return {
        "width": {"step": width},
        "height": {"step": height},
        "encoding": {
            **encoding,
            "tooltip": [{"field": f, "title": title, "type": "nominal"} for f, title in tooltip],
        },
        "layer": [{"mark": {"type": "rect", "cornerRadius": 2}, "encoding": {"color": colour}}, *texts],
    }


def _names(field: str, order: Sequence[str], title: str | None, angle: int = 0) -> Spec:
    axis: Spec = {"labelAngle": angle, "domain": False, "ticks": False, "labelPadding": 6}
    scale = {"paddingInner": 0.06, "paddingOuter": 0, "domain": list(order)}
    return {"field": field, "type": "nominal", "title": title, "axis": axis, "scale": scale}


def _line_colours(values: Values) -> Spec:
    """Colour and shape by model, both in the order of the table, so that they make one legend."""
    models = list(dict.fromkeys(value["model"] for value in values))
    model = {"field": "model", "type": "nominal", "title": None, "scale": {"domain": models}}
    return {"color": model, "shape": model}


def _with_intervals(unit: str, tooltip: list[Spec], band: bool) -> list[Spec]:
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
                "tooltip": tooltip,
            },
        },
    ]


def _score(row: Row, label: str, cell: Cell, column: Column | None) -> dict[str, Any]:
    percent = column is not None and column.percent

    def read(value: float | None) -> float | None:
        return value if value is None else round(100 * value, 2) if percent else round(value, 4)

    value, low, high = read(cell.value), read(cell.low), read(cell.high)
    digits = 1 if percent else 2
    interval = "none" if low is None or high is None else f"{low:.{digits}f} to {high:.{digits}f}"
    entry = {"row": row.id, "model": label, "value": value, "low": low, "high": high}
    return entry | {"interval": interval, "turns": cell.turns, "floor": row.floor}


def _tooltip(column: Column | None, *more: str) -> list[Spec]:
    fields = [("model", "Model"), *((name, name.capitalize()) for name in more)]
    fields += [("value", _unit(column) if column else "Value"), ("interval", "95 % interval")]
    return [{"field": f, "title": title, "type": "nominal"} for f, title in [*fields, ("turns", "Turns")]]


def _unit(column: Column) -> str:
    return f"{column.title}, %" if column.percent else column.title


def _extremes(values: Values) -> str:
    low, high = (choose(values, key=lambda v: v["value"]) for choose in (min, max))
    return f"From {low['value']:.4g} ({low['model']}) to {high['value']:.4g} ({high['model']})."


def _labelled(table: BoardTable, rows: Iterable[str] | None = None) -> Iterator[tuple[Row, str]]:
    labels = row_labels(table.rows)
    wanted = set(labels) if rows is None else set(rows)
    return ((row, labels[row.id]) for row in table.rows if row.id in wanted)


def _columns(table: BoardTable, section: Section) -> list[Column]:
    return [column for column in table.columns if column.section == section.id]


def _column(table: BoardTable, section: Section, metric: str) -> Column | None:
    return next((column for column in _columns(table, section) if column.metric == metric), None)


def _title(table: BoardTable, section: Section, metric: str) -> str:
    column = _column(table, section, metric)
    return column.title if column else metric


def _contexts(table: BoardTable) -> Iterator[tuple[Section, Section]]:
    for reference in table.sections:
        for generated in table.sections:
            pair = (reference.context, generated.context)
            if reference.task == generated.task and pair == ("reference", "generated"):
                yield reference, generated


def _figures(table: BoardTable, only: Section | None = None) -> Iterator[tuple[Section, Row, SectionFigures]]:
    for section in table.sections if only is None else (only,):
        for row in table.rows:
            if figures := row.figures.get(section.id):
                yield section, row, figures


def _unstepped(row: Row) -> Row:
    return Row(row.id, row.model, "", None, row.shots, row.floor, row.date, {}, {})

"""Heat maps of strategies: accuracy by strategy, which are mixed up, and the way from stage to stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from csc_tasks.framework import Stage, Strategy
from csc_tasks.leaderboards.board import BoardTable, Gold, Section, SectionFigures
from csc_tasks.leaderboards.rendering.chart_parts import Spec, Values, base, labelled
from csc_tasks.leaderboards.rendering.numbers import fixed

__all__ = ["confusion_chart", "strategy_chart", "transition_chart"]

UNREADABLE = ("不可读", "unreadable")
START = ("开始", "Start")
STRONG = 75
"""Share in percent above which a heat map's cell needs the other colour of text; see both ramps below."""


def strategy_chart(table: BoardTable, section: Section) -> Spec | None:
    """Heat map of recall: models by the twelve strategies."""
    values: Values = []
    for row, label in labelled(table):
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
                        "text": fixed(100 * hits / total, 0),
                        "turns": f"{hits} of {total}",
                    }
                )
    if not values:
        return None
    models = list(dict.fromkeys(value["model"] for value in values))
    return {
        **base(
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
        **base(
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
                        "text": "" if not share else fixed(share, 0) if share >= 0.5 else "<1",
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
        **base(
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

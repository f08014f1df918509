"""What charts show of a board, and that Vega-Lite takes them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.board import BoardTable, SectionFigures
from csc_tasks.leaderboards.rendering.bars import judge_chart
from csc_tasks.leaderboards.rendering.charts import ChartKind, charts
from csc_tasks.leaderboards.rendering.heat_maps import confusion_chart, strategy_chart, transition_chart
from csc_tasks.leaderboards.rendering.lines import slope_chart, trend_chart
from csc_tasks.leaderboards.rendering.theme import config
from tests.leaderboards import boards


@pytest.fixture(scope="module")
def table() -> BoardTable:
    return boards.table()


def values(spec: Any) -> list[dict[str, Any]]:
    assert spec is not None
    found: list[dict[str, Any]] = spec["data"]["values"]
    return found


def empty() -> SectionFigures:
    return SectionFigures("", (), 0, None, 0, False)


@pytest.mark.parametrize("kind", ChartKind, ids=lambda kind: kind.id)
def test_a_chart_of_each_kind_compiles_in_light_and_dark(kind: ChartKind, table: BoardTable) -> None:
    vl_convert = pytest.importorskip("vl_convert")
    chart = next(chart for chart in charts(table) if chart.kind is kind)
    for dark in (False, True):
        svg = vl_convert.vegalite_to_svg(chart.spec, config=config(dark))
        assert svg.startswith("<svg")
        assert "NaN" not in svg


def test_every_chart_says_in_words_what_it_shows(table: BoardTable) -> None:
    for chart in charts(table):
        assert len(chart.spec["description"]) > 40
        assert chart.spec["title"]["text"]
        json.dumps(chart.spec, allow_nan=False)


def test_choices_name_one_chart_of_a_kind(table: BoardTable) -> None:
    drawn = [(chart.kind, *chart.picks.values()) for chart in charts(table)]
    assert len(set(drawn)) == len(drawn) > 20


def test_a_slope_joins_the_two_contexts_of_models_that_have_both(table: BoardTable) -> None:
    cells = {id: cell for id, cell in table.rows[0].cells.items() if "generated" not in id}
    rows = (replace(table.rows[0], cells=cells), *table.rows[1:])
    spec = slope_chart(replace(table, rows=rows), *table.sections, "bleu_4")
    ends = [(v["row"], v["context"]) for v in values(spec)]
    assert ends == [(row.id, context) for row in rows[1:] for context in ("reference", "generated")]


def test_percentages_are_drawn_times_hundred_and_grades_as_they_are(table: BoardTable) -> None:
    row = table.rows[0]
    for metric, scale in (("bleu_4", 100), ("judge_helpfulness", 1)):
        spec = slope_chart(table, *table.sections, metric, [row.id])
        value = row.cells[f"response/reference/{metric}"].value
        assert value is not None
        assert values(spec)[0]["value"] == pytest.approx(scale * value, abs=0.01)
        unit = spec["layer"][1]["encoding"]["y"]["title"]  # type: ignore[index]
        assert unit.endswith(", %") is (scale == 100)


def test_accuracy_by_strategy_is_the_share_of_gold_turns_labelled_so(table: BoardTable) -> None:
    row, section = table.rows[0], table.sections[0]
    confusion = row.figures[section.id].confusion
    assert confusion is not None
    first = values(strategy_chart(table, section))[0]
    assert first["share"] == pytest.approx(100 * confusion[0][0] / sum(confusion[0]), abs=0.01)
    assert (first["strategy"], first["english"]) == ("礼貌问候", "Greeting")
    # No gold turn of a strategy: no accuracy, rather than 0.
    assert not [v for v in values(strategy_chart(table, section)) if v["strategy"] == Strategy.OTHERS.zh]


def test_a_confusion_matrix_has_a_column_for_what_could_not_be_read(table: BoardTable) -> None:
    figures = table.rows[0].figures[table.sections[0].id]
    cells = values(confusion_chart(figures, "m"))
    assert len(cells) == 12 * 13
    assert figures.confusion is not None
    unread = sum(cell["turns"] for cell in cells if cell["predicted"] == "不可读")
    assert unread == sum(row[12] for row in figures.confusion)


def test_stages_of_a_model_stand_beside_the_annotation_where_there_is_one(table: BoardTable) -> None:
    figures, gold = table.rows[0].figures[table.sections[0].id], table.gold[table.sections[0].id]
    assert {v["side"] for v in values(transition_chart(figures, gold, "m"))} == {"gold", "model"}
    assert {v["side"] for v in values(transition_chart(figures, None, "m"))} == {"model"}
    shares = [v["share"] for v in values(transition_chart(figures, None, "m")) if v["from"] == "开始"]
    assert sum(shares) == pytest.approx(100, abs=0.1)


def test_checkpoints_of_one_model_are_one_line_in_the_order_of_steps(table: BoardTable) -> None:
    points = [(v["model"], v["step"]) for v in values(trend_chart(table, table.columns[0]))]
    assert points == [("ours/tuned", 1000), ("ours/tuned", 2000), ("ours/tuned", 3000)]


def test_judge_bars_keep_grades_and_shares_apart(table: BoardTable) -> None:
    grades = {v["dimension"] for v in values(judge_chart(table, table.sections[0], percent=False))}
    shares = {v["dimension"] for v in values(judge_chart(table, table.sections[0], percent=True))}
    assert (grades, shares) == ({"Helpfulness", "Accuracy"}, {"Resolved"})


def test_a_chart_with_nothing_to_show_is_absent(table: BoardTable) -> None:
    bare = replace(
        table, rows=tuple(replace(r, cells={}, figures={}, step=None) for r in table.rows), gold={}
    )
    assert list(charts(bare)) == []
    assert list(charts(replace(table, rows=()))) == []
    assert confusion_chart(empty(), "m") is None
    assert transition_chart(empty(), None, "m") is None
    zeros = replace(empty(), confusion=((0,) * 13,) * 12, transitions=((0,) * 7,) * 7)
    assert confusion_chart(zeros, "m") is None
    assert transition_chart(zeros, None, "m") is None


def test_only_as_many_lines_are_drawn_as_asked_for(table: BoardTable) -> None:
    slope = next(chart for chart in charts(table, limit=2) if chart.kind is ChartKind.SLOPE)
    assert [v["row"] for v in values(slope.spec)[::2]] == [row.id for row in table.rows[:2]]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("dark", "paper"), [(False, "#ffffff"), (True, "#0f1419")])
def test_colours_stand_out_from_the_page_and_from_each_other(dark: bool, paper: str) -> None:
    look = config(dark)
    palette = look["range"]["category"]
    assert len(set(palette)) == 8
    assert min(contrast(colour, paper) for colour in palette) >= 3
    assert all(
        contrast(look[part][key], paper) >= 4.5
        for part in ("axis", "legend")
        for key in ("labelColor", "titleColor")
    )
    assert len(list(combinations(palette, 2))) == 28
    ramp = look["range"]["heatmap"]
    weak, strong = (look["style"][style]["color"] for style in ("on-weak", "on-strong"))
    # The fourth of five colours stands at 75 %, where the text changes.
    assert all(contrast(colour, weak) >= 3.5 for colour in ramp[:4])
    assert all(contrast(colour, strong) >= 3.5 for colour in ramp[3:])

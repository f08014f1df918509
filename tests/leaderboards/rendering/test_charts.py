"""What charts show of a board, and that Vega-Lite takes them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.board import BoardTable, SectionFigures
from csc_tasks.leaderboards.rendering.bars import judge_chart
from csc_tasks.leaderboards.rendering.chart_parts import COLOURS
from csc_tasks.leaderboards.rendering.charts import ChartKind, charts
from csc_tasks.leaderboards.rendering.heat_maps import confusion_chart, strategy_chart, transition_chart
from csc_tasks.leaderboards.rendering.language import Language, resolve
from csc_tasks.leaderboards.rendering.lines import depth_chart, slope_chart, trend_chart
from csc_tasks.leaderboards.rendering.theme import config
from tests.leaderboards import boards


@pytest.fixture(scope="module")
def table() -> BoardTable:
    return boards.table()


@pytest.fixture(scope="module")
def crowd() -> BoardTable:
    return boards.crowded_table()


def values(spec: Any) -> list[dict[str, Any]]:
    assert spec is not None
    found: list[dict[str, Any]] = spec["data"]["values"]
    return found


def empty() -> SectionFigures:
    return SectionFigures("", (), 0, None, 0, False)


def parameter(spec: Any, name: str) -> Any:
    return next(each["value"] for each in spec["params"] if each["name"] == name)


@pytest.mark.parametrize(
    "kind", [kind for kind in ChartKind if kind is not ChartKind.PAIRS], ids=lambda kind: kind.value
)
def test_a_chart_of_each_kind_compiles_in_light_and_dark(kind: ChartKind, table: BoardTable) -> None:
    vl_convert = pytest.importorskip("vl_convert")
    chart = next(chart for chart in charts(table) if chart.kind is kind)
    for dark, language in ((False, Language.EN), (True, Language.ZH)):
        svg = vl_convert.vegalite_to_svg(resolve(chart.spec, language), config=config(dark))
        assert svg.startswith("<svg")
        assert "NaN" not in svg
        assert "undefined" not in svg
        assert not re.search(r"[>\s]@\w", svg)


def test_every_chart_says_in_words_what_it_shows(table: BoardTable) -> None:
    for chart in charts(table):
        for language in Language:
            spec = resolve(chart.spec, language)
            assert len(spec["description"]) > 20
            assert spec["title"]["text"]
            # No place of a pattern is left, and no key of the table of texts.
            assert not re.search(r"\{[a-z]|chart\\.", spec["description"] + str(spec["title"]))
        json.dumps(chart.spec, allow_nan=False)


def test_a_chart_in_chinese_has_no_english_of_ours(table: BoardTable) -> None:
    words = re.compile(
        r"\b(model|turn|interval|strategy|rank|floor|step|share|gold|accuracy of|value)s?\b", re.I
    )
    # What tells two rows of one model apart is said by whoever names rows.
    named = replace(table, rows=tuple(replace(row, words=()) for row in table.rows))
    for chart in charts(named):
        spec = resolve(chart.spec, Language.ZH)
        spec["params"] = [
            each for each in spec["params"] if each["name"] not in ("names", "short", "narrow", "labels")
        ]
        shown = [
            spec["title"]["text"],
            *re.findall(r'"title": "([^"]+)"', json.dumps(spec, ensure_ascii=False)),
        ]
        told = [text.replace("Strategy accuracy", "") for text in shown]
        assert [text for text in told if words.search(text)] == []


def test_choices_name_one_chart_of_a_kind(table: BoardTable) -> None:
    drawn = [(chart.kind, *(pick.id for pick in chart.picks.values())) for chart in charts(table)]
    assert len(set(drawn)) == len(drawn) > 20


def test_a_slope_joins_the_two_contexts_of_models_that_have_both(table: BoardTable) -> None:
    cells = {id: cell for id, cell in table.rows[0].cells.items() if "generated" not in id}
    rows = (replace(table.rows[0], cells=cells), *table.rows[1:])
    spec = slope_chart(replace(table, rows=rows), *table.sections, "bleu_4")
    ends = [(v["row"], v["side"]) for v in values(spec)]
    assert ends == [(row.id, side) for row in rows[1:] for side in ("reference", "generated")]


def test_percentages_are_drawn_times_hundred_and_grades_as_they_are(table: BoardTable) -> None:
    row = table.rows[0]
    for metric, scale in (("bleu_4", 100), ("judge_helpfulness", 1)):
        spec = resolve(slope_chart(replace(table, rows=(row,)), *table.sections, metric), Language.EN)
        value = row.cells[f"response/reference/{metric}"].value
        assert value is not None
        assert values(spec)[0]["value"] == pytest.approx(scale * value, abs=0.01)
        assert spec["layer"][1]["encoding"]["y"]["title"].endswith(", %") is (scale == 100)


def test_accuracy_by_strategy_is_the_share_of_gold_turns_labelled_so(table: BoardTable) -> None:
    row, section = table.rows[0], table.sections[0]
    confusion = row.figures[section.id].confusion
    assert confusion is not None
    spec = strategy_chart(table, section)
    first = values(spec)[0]
    assert first["share"] == pytest.approx(100 * confusion[0][0] / sum(confusion[0]), abs=0.01)
    assert [parameter(spec, "labels")[language][first["to"]] for language in ("en", "zh")] == [
        "Greeting",
        "礼貌问候",
    ]
    # No gold turn of a strategy: no accuracy, rather than 0.
    assert not [v for v in values(spec) if v["to"] == Strategy.OTHERS.index]


def test_a_confusion_matrix_has_a_column_for_what_could_not_be_read(table: BoardTable) -> None:
    figures = table.rows[0].figures[table.sections[0].id]
    spec = confusion_chart(figures, "m")
    assert len(values(spec)) == 12 * 13
    assert figures.confusion is not None
    unread = sum(
        cell["turns"] for cell in values(spec) if parameter(spec, "labels")["zh"][cell["to"]] == "不可读"
    )
    assert unread == sum(row[12] for row in figures.confusion)


def test_stages_of_a_model_stand_beside_the_annotation_where_there_is_one(table: BoardTable) -> None:
    figures, gold = table.rows[0].figures[table.sections[0].id], table.gold[table.sections[0].id]
    assert {v["side"] for v in values(transition_chart(figures, gold, "m"))} == {"gold", "model"}
    assert {v["side"] for v in values(transition_chart(figures, None, "m"))} == {"model"}
    shares = [v["share"] for v in values(transition_chart(figures, None, "m")) if v["from"] == 0]
    assert sum(shares) == pytest.approx(100, abs=0.1)


def test_checkpoints_of_one_training_are_one_line_in_the_order_of_steps(table: BoardTable) -> None:
    spec = trend_chart(table, table.columns[0])
    assert [v["step"] for v in values(spec)] == [1000, 2000, 3000]
    assert parameter(spec, "names") == {values(spec)[0]["row"]: "ours/tuned"}


def test_checkpoints_of_three_trainings_are_three_lines_and_none_goes_back(crowd: BoardTable) -> None:
    spec = trend_chart(crowd, crowd.columns[0])
    lines: dict[str, list[int]] = {}
    for value in values(spec):
        lines.setdefault(value["row"], []).append(value["step"])
    assert list(lines.values()) == [[1000, 2000, 3000, 4000]] * 3
    assert list(parameter(spec, "names").values()) == ["out/run-0", "out/run-1", "out/run-2"]


def test_of_two_results_at_one_step_the_newer_is_drawn(table: BoardTable) -> None:
    rows = [row for row in table.rows if row.training_run]
    again = replace(rows[0], id="again", date=rows[0].date + 1, cells=rows[1].cells)
    spec = trend_chart(replace(table, rows=(*table.rows, again)), table.columns[0])
    drawn = {v["step"]: v["value"] for v in values(spec)}
    assert len(values(spec)) == len(drawn) == 3
    value = again.cells[table.columns[0].id].value
    assert value is not None
    assert drawn[again.step] == pytest.approx(100 * value, abs=0.01)


def test_judge_bars_keep_grades_and_shares_apart(table: BoardTable) -> None:
    grades = {v["column"] for v in values(judge_chart(table, table.sections[0], percent=False))}
    shares = {v["column"] for v in values(judge_chart(table, table.sections[0], percent=True))}
    of = "response/reference/judge_"
    assert (grades, shares) == ({of + "helpfulness", of + "accuracy"}, {of + "resolved"})


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


def test_no_colour_is_given_to_two_models_of_a_chart(crowd: BoardTable) -> None:
    section = crowd.sections[0]
    drawn = (
        slope_chart(crowd, *crowd.sections, "bleu_4"),
        depth_chart(crowd, section, "bleu_4"),
        judge_chart(crowd, section, percent=False),
    )
    for dark in (False, True):
        assert len(set(config(dark)["range"]["category"])) == COLOURS
    for spec in drawn:
        assert spec is not None
        chosen = spec["encoding"]["color"]["scale"]["domain"]
        assert chosen == parameter(spec, "chosen")
        assert 1 < len(set(chosen)) == len(chosen) <= COLOURS
        # The best models, and the best floor to hold them against.
        assert [row.id for row in crowd.rows if row.id in chosen][-1] == "floor-2"
    few = slope_chart(replace(crowd, rows=crowd.rows[:COLOURS]), *crowd.sections, "bleu_4")
    assert parameter(few, "chosen") == [row.id for row in crowd.rows[:COLOURS]]


def test_who_is_not_in_colour_is_a_grey_line(crowd: BoardTable) -> None:
    vl_convert = pytest.importorskip("vl_convert")
    spec = resolve(depth_chart(crowd, crowd.sections[0], "bleu_4"), Language.EN)
    look = config()
    svg = vl_convert.vegalite_to_svg(spec, config=look)
    lines = re.findall(r'<path [^>]*stroke="(#\w{6})" stroke-width="[12]"[^>]*>', svg)
    grey = look["style"]["crowd"]["color"]
    assert lines.count(grey) == len(crowd.rows) - len(parameter(spec, "chosen"))
    for colour in look["range"]["category"][: len(parameter(spec, "chosen"))]:
        assert lines.count(colour) == 1


def test_a_heat_map_of_many_models_repeats_its_headings(crowd: BoardTable) -> None:
    spec = strategy_chart(crowd, crowd.sections[0])
    assert spec is not None
    blocks = [block["encoding"] for block in spec["vconcat"]]
    rows = [block["y"]["scale"]["domain"] for block in blocks]
    assert [id for block in rows for id in block] == [row.id for row in crowd.rows]
    # At 24 pixels a row and with the headings, a block is lower than the lowest screen that it is made for.
    assert max(map(len, rows)) * 24 + 190 < 844
    assert {block["x"]["axis"]["orient"] for block in blocks} == {"top"}


def test_a_heat_map_marks_rows_that_lack_turns(table: BoardTable) -> None:
    spec = resolve(strategy_chart(table, table.sections[0]), Language.EN)
    assert [name for name in parameter(spec, "names").values() if name.endswith(" *")] == [
        "deepseek-ai/DeepSeek-V3 *"
    ]
    assert spec["title"]["subtitle"] == "* incomplete: not all turns"
    whole = tuple(replace(row, incomplete="") for row in table.rows)
    assert (
        "subtitle"
        not in resolve(strategy_chart(replace(table, rows=whole), table.sections[0]), Language.EN)["title"]
    )


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
    assert min(contrast(colour, paper) for colour in palette) >= 3
    assert all(
        contrast(look[part][key], paper) >= 4.5
        for part in ("axis", "legend")
        for key in ("labelColor", "titleColor")
    )


@pytest.mark.parametrize("dark", [False, True])
def test_text_in_every_cell_of_a_heat_map_can_be_read(dark: bool, table: BoardTable) -> None:
    vl_convert = pytest.importorskip("vl_convert")
    spec = resolve(strategy_chart(table, table.sections[0]), Language.EN)
    rows = [row.id for row in table.rows]
    shares = [i / 4 for i in range(401)]
    cells = [
        {"row": rows[i // 60], "to": i % 60, "share": share, "text": f"{share:.2f}", "turns": ""}
        for i, share in enumerate(shares)
    ]
    spec = {**spec, "data": {"values": cells}}
    spec["encoding"]["x"]["scale"]["domain"] = list(range(60))
    svg = vl_convert.vegalite_to_svg(spec, config=config(dark))
    fills = re.findall(r"Accuracy, %: ([\d.]+)[^>]*?fill=\"rgb\((\d+), (\d+), (\d+)\)", svg)
    ink = {text: colour for colour, text in re.findall(r'fill="(#\w{6})"[^>]*>(\d+\.\d\d)</text>', svg)}
    assert set(ink.values()) == {config(dark)["style"][style]["color"] for style in ("on-weak", "on-strong")}
    assert len(fills) == len(ink) == len(shares)
    low = {
        text: contrast(ink[text], "#" + "".join(f"{int(part):02x}" for part in fill)) for text, *fill in fills
    }
    assert min(low.values()) >= 4.5, min(low, key=lambda text: low[text])

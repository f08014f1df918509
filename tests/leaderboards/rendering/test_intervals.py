"""The first picture of a table: who is best, by how much, tied with whom, above the floors, better than its base."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from csc_tasks.leaderboards.board import BeatsFloor, BoardTable
from csc_tasks.leaderboards.rendering.charts import ChartKind, charts
from csc_tasks.leaderboards.rendering.intervals import interval_chart
from csc_tasks.leaderboards.rendering.language import Language, resolve
from csc_tasks.leaderboards.rendering.theme import config
from csc_tasks.leaderboards.tuned import TunedPair
from tests.leaderboards import boards


@pytest.fixture(scope="module")
def table() -> BoardTable:
    return boards.crowded_table()


def drawn(table: BoardTable, column: int = 0, bases: dict[str, str] | None = None) -> Any:
    spec = interval_chart(table, table.columns[column], bases)
    assert spec is not None
    return resolve(spec, Language.EN)


def parameter(spec: Any, name: str) -> Any:
    return next(each["value"] for each in spec["params"] if each["name"] == name)


def records(spec: Any) -> dict[str, dict[str, Any]]:
    return {value["row"]: value for value in spec["data"]["values"]}


def test_models_stand_in_the_order_of_their_scores_and_those_that_lack_turns_below(table: BoardTable) -> None:
    spec = drawn(table)
    found = list(records(spec).values())
    whole = [value["value"] for value in found if not value["hollow"]]
    assert whole == sorted(whole, reverse=True)
    assert [value["hollow"] for value in found] == [False] * 49 + [True]
    assert found[-1]["row"] == "m20"
    assert spec["encoding"]["y"]["scale"]["domain"] == list(records(spec))


def test_where_less_is_better_the_lowest_is_on_top(table: BoardTable) -> None:
    columns = (replace(table.columns[0], better=-1), *table.columns[1:])
    spec = drawn(replace(table, columns=columns))
    whole = [value["value"] for value in records(spec).values() if not value["hollow"]]
    assert whole == sorted(whole)
    assert spec["layer"][-2]["encoding"]["x"]["field"] == "value"
    assert "↓" in str(spec["layer"])


def test_models_of_one_rank_share_a_band_and_neighbours_of_another_do_not(table: BoardTable) -> None:
    spec = drawn(table)
    found = list(records(spec).values())
    for one, next_ in pairwise(found):
        tied = one["rank"] is not None and one["rank"] == next_["rank"]
        assert (one["band"] == next_["band"]) is tied, (one["row"], next_["row"])
    heads = [value for i, value in enumerate(found) if i == 0 or found[i - 1]["rank"] != value["rank"]]
    ranked = {value["row"]: str(value["rank"]) for value in heads if value["rank"]}
    assert parameter(spec, "ranks") == ranked


def test_whoever_is_not_above_the_best_floor_is_grey_and_never_bold(table: BoardTable) -> None:
    vl_convert = pytest.importorskip("vl_convert")
    weak = replace(table, rows=tuple(row for row in table.rows if row.floor or row.id < "m06"))
    column = table.columns[0].id
    # A board of none above the floors: the first rank is nobody's to be proud of.
    rows = [
        row
        if row.floor
        else replace(
            row,
            cells=row.cells
            | {column: replace(row.cells[column], beats_floor=BeatsFloor.NO, rank=1, best_floor="floor-2")},
        )
        for row in weak.rows
    ]
    spec = drawn(replace(weak, rows=tuple(rows)))
    assert parameter(spec, "first") == []
    svg = vl_convert.vegalite_to_svg(spec, config=config())
    assert config()["style"]["above"]["color"] not in svg
    assert len(re.findall(f'stroke="{config()["style"]["chance"]["color"]}" stroke-width="3"', svg)) == 6
    assert "6 are not significantly better" in spec["description"]
    best = drawn(table)
    assert parameter(best, "first") == [row.id for row in table.rows if row.cells[column].first]
    assert len(parameter(best, "first")) > 1


def test_every_floor_is_a_line_with_its_name_and_no_row(table: BoardTable) -> None:
    spec = drawn(table)
    lines = [layer for layer in spec["layer"] if layer.get("mark", {}).get("style") == "floor"]
    names = [layer for layer in spec["layer"] if layer.get("mark", {}).get("style") == "floor-name"]
    floors = {row.id: row.cells[table.columns[0].id].value for row in table.rows if row.floor}
    told = {layer["data"]["values"][0]["row"]: layer["data"]["values"][0]["value"] for layer in lines}
    assert told == pytest.approx({id: 100 * (value or 0) for id, value in floors.items()}, abs=0.01)
    heights = [layer["encoding"]["y"]["value"] for layer in names]
    assert len(set(heights)) == len(heights) == 3
    assert not floors.keys() & records(spec).keys()
    assert parameter(spec, "names")["floor-0"] == "floor-0 (floor)"


def test_a_tuned_model_has_the_score_of_its_base_on_its_line(table: BoardTable) -> None:
    pairs = (
        TunedPair(tuned="m49", base="m30", name="the base", told_by="the user"),
        TunedPair(tuned="m48", base="", name="nobody", told_by="the user"),
        TunedPair(tuned="m47", base="floor-0", name="no model", told_by="the user"),
    )
    chart = next(c for c in charts(replace(table, pairs=pairs)) if c.kind is ChartKind.INTERVALS)
    found = records(chart.spec)
    assert found["m49"]["base_value"] == found["m30"]["value"]
    assert {id for id, value in found.items() if value["base_value"] is not None} == {"m49"}
    assert {id for id, value in found.items() if value["base"]} == {"m49"}
    assert "Its base" in str(resolve(chart.spec, Language.EN)["layer"][-1])
    assert "Its base" not in str(drawn(table)["layer"][-1])


def test_fifty_models_fit_a_screen_and_few_have_more_room(table: BoardTable) -> None:
    assert len(records(drawn(table))) == 50
    assert drawn(table)["height"] == 750
    assert drawn(replace(table, rows=table.rows[:4]))["height"] == 88


def test_the_first_picture_is_of_the_column_that_the_table_is_sorted_by(table: BoardTable) -> None:
    other = replace(table, order=table.columns[2].id)
    first, second = (next(iter(charts(t))) for t in (table, other))
    assert [chart.picks["metric"].id for chart in (first, second)] == ["strategy_acc", "rouge_l"]
    assert {chart.kind for chart in (first, second)} == {ChartKind.INTERVALS}


def test_a_column_without_a_better_end_makes_no_claim(table: BoardTable) -> None:
    spec = drawn(table, [column.metric for column in table.columns].index("length_ratio"))
    assert parameter(spec, "first") == []
    assert parameter(spec, "ranks") == {}
    assert "best" not in spec["description"].lower()
    assert {value["standing"] for value in records(spec).values()} == {"unasked"}

"""Checkpoints of trainings, from their logs to the chart: one line a training, however its folders are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.rendering.charts import ChartKind, charts
from tests.leaderboards.built import only_table
from tests.leaderboards.variants import variant

pytestmark = pytest.mark.slow


def test_checkpoints_of_three_trainings_are_three_lines(
    short: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    places = [
        *(f"/work/a/sft/checkpoint-{step}" for step in (1000, 500, 2000)),
        *(f"/work/b/sft/checkpoint-{step}" for step in (1000, 1500)),
        *(f"org/model-step{step}" for step in (1000, 2000)),
        # No checkpoint, and one alone.
        *("org/model", "out/other/checkpoint-9"),
    ]
    for i, place in enumerate(places):
        change = {"model_args": {"pretrained": place}, "model_name": place}
        variant(short / "a", tmp_path / str(i), change, shift=i)
    table = only_table(build(tmp_path))
    assert len(table.rows) == len(places)
    trend = next(chart.spec for chart in charts(table) if chart.kind is ChartKind.TREND)
    names = next(each["value"] for each in trend["params"] if each["name"] == "names")
    lines: dict[str, list[int]] = {}
    for value in trend["data"]["values"]:
        lines.setdefault(names[value["row"]], []).append(value["step"])
    assert lines == {"a/sft": [500, 1000, 2000], "b/sft": [1000, 1500], "org/model": [1000, 2000]}

"""Which runs of a board's models stand where: the newest, the whole, and what may not stand together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.leaderboards.board import Board
from tests.leaderboards.built import ACCURACY, cell, only_table, results_of, row_of, told
from tests.leaderboards.logs import (
    RESPONSE,
    answering,
    edit,
    write_run,
)


@pytest.mark.slow
def test_of_two_runs_of_a_model_the_newest_counts_and_the_other_is_told(
    logs: Path, build: Callable[..., Board]
) -> None:
    newer = write_run(logs, "org/good", answering(0.2, 5), date=9.0)
    board = build(logs)
    assert (
        cell(board, "org/good").value
        == json.loads(newer.read_text())["results"][RESPONSE]["strategy_acc,none"]
    )
    assert f"org/good is older; {newer.name} counts in its place" in told(board)
    assert "strategy/reference/strategy_acc" in row_of(only_table(board), "org/good").cells


@pytest.mark.slow
def test_a_run_with_a_limit_never_replaces_a_whole_one(
    logs: Path, board: Board, build: Callable[..., Board]
) -> None:
    write_run(logs, "org/good", answering(0.2, 5), date=9.0, limit=40)
    after = build(logs)
    assert cell(after, "org/good") == cell(board, "org/good")
    assert "has --limit" in told(after)


def test_a_model_with_missing_turns_is_shown_incomplete_and_unranked(
    logs: Path, build: Callable[..., Board]
) -> None:
    write_run(logs, "org/new", answering(0.95, 5), date=9.0, limit=40)
    table = only_table(build(logs))
    row = row_of(table, "org/new")
    assert row.incomplete == "response/reference: 40 of all turns"
    assert row.cells[ACCURACY].turns == 40
    assert row.cells[ACCURACY].rank is None
    assert row.cells[ACCURACY].low is not None
    assert [r.model for r in table.rows][-2:] == ["org/new", "csconv-random"]
    depth = row.figures["response/reference"].depth["strategy_acc"]
    assert sum(point.turns for point in depth) == 40


def test_where_no_model_has_all_turns_those_with_the_same_are_ranked_and_it_is_said(
    short: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    write_run(tmp_path, "org/shorter", answering(0.9), limit=24)
    table = only_table(build(short, tmp_path))
    assert "no model has all turns of: Response, reference context" in table.partial
    ranked = {row.model: row.cells[ACCURACY].rank_high for row in table.rows if not row.floor}
    assert ranked == {"org/good": 2, "机构/客服模型": 2, "org/shorter": None}


def other_prompt(content: dict[str, Any]) -> None:
    for config in content["configs"].values():
        signature = config["metadata"]["csconv_signature"]
        signature["prompt"] = {"version": "zh-9", "sha256": "f" * 64}
        signature["line"] = signature["line"].replace("zh-2", "zh-9")


def test_two_prompts_are_two_tables_and_the_reason_is_in_words(
    logs: Path, build: Callable[..., Board]
) -> None:
    edit(results_of(logs, "org/poor"), other_prompt)
    first, second = build(logs).tables
    assert {row.model for row in first.rows} == {"org/good", "org/other", "csconv-random"}
    assert [row.model for row in second.rows] == ["org/poor"]
    assert first.apart == ""
    assert second.apart.startswith("prompt zh-9 (ffffffff) against zh-2 (")
    assert second.rows[0].cells[ACCURACY].rank == 1


@pytest.mark.parametrize("version", [1, 3])
def test_two_benchmark_versions_are_two_tables_and_only_of_a_newer_one_nothing_is_computed(
    logs: Path, build: Callable[..., Board], version: int
) -> None:
    def other(content: dict[str, Any]) -> None:
        for config in content["configs"].values():
            config["metadata"]["csconv_signature"]["benchmark"] = version

    edit(results_of(logs, "org/poor"), other)
    one, two = build(logs).tables
    assert "benchmark" in two.apart
    (table,) = (t for t in (one, two) if t.facts["benchmark"] == str(version))
    assert [row.model for row in table.rows] == ["org/poor"]
    shown = table.rows[0].cells[ACCURACY]
    assert shown.value is not None
    assert (shown.low is None) == (version == 3)
    assert ("benchmark version 3" in shown.why) == (version == 3)


@pytest.mark.parametrize("model", ["org/good", "org/poor"])
def test_of_tables_of_one_size_the_newer_benchmark_comes_first(
    logs: Path, build: Callable[..., Board], model: str
) -> None:
    def older(content: dict[str, Any]) -> None:
        for config in content["configs"].values():
            config["metadata"]["csconv_signature"]["benchmark"] = 1

    for folder in logs.iterdir():
        if folder.name not in ("org__good", "org__poor"):
            shutil.rmtree(folder)
    edit(results_of(logs, model), older)
    assert [table.facts["benchmark"] for table in build(logs).tables] == ["2", "1"]


def test_settings_that_part_two_rows_of_a_model_are_named(logs: Path, build: Callable[..., Board]) -> None:
    shutil.copytree(logs / "org__good", logs / "halved")
    for file in (logs / "halved").glob("results_*.json"):
        edit(file, lambda content: content["config"]["model_args"].update(dtype="float16"))
    rows = [row for row in only_table(build(logs)).rows if row.model == "org/good"]
    assert sorted(row.words for row in rows) == [(), ("float16",)]
    assert len({row.id for row in rows}) == 2

"""Which of several runs of a model counts: one row a set of files, written by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.door import csconv
from tests.leaderboards.reading.test_runs import results

OLD, NEW, CUT = 0.1, 0.2, 0.9
"""Scores that tell the runs apart: an older, a newer, and one with ``--limit``."""


def put(folder: Path, name: str, score: float, date: float, limit: float | None = None) -> None:
    content = results(date=date)
    content["results"]["csconv_mini_response"]["rouge_l,none"] = score
    content["config"]["limit"] = limit
    (folder / f"results_{name}.json").write_text(json.dumps(content), encoding="utf-8")


def shown(folder: Path) -> tuple[list[float], str]:
    """The scores that stand in the table, and what is said of the others."""
    done = csconv("export", folder, "--out", folder / "table.csv")
    assert done.code == 0, done.err
    with (folder / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    return [float(row["value"]) for row in rows if row["metric"] == "rouge_l"], done.err


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])
def test_the_latest_run_counts_whatever_the_files_are_called(tmp_path: Path, first: str, second: str) -> None:
    put(tmp_path, first, OLD, date=1.0)
    put(tmp_path, second, NEW, date=2.0)
    scores, told = shown(tmp_path)
    assert scores == [NEW]
    assert f"is older; results_{second}.json counts in its place" in told


def test_a_whole_run_counts_before_a_later_one_with_a_limit(tmp_path: Path) -> None:
    put(tmp_path, "a", OLD, date=1.0)
    put(tmp_path, "b", NEW, date=2.0)
    put(tmp_path, "c", CUT, date=3.0, limit=5.0)
    scores, told = shown(tmp_path)
    assert scores == [NEW]
    assert "has --limit; results_b.json counts in its place" in told


def test_of_runs_with_a_limit_the_latest_counts(tmp_path: Path) -> None:
    put(tmp_path, "a", NEW, date=2.0, limit=5.0)
    put(tmp_path, "b", OLD, date=1.0, limit=9.0)
    assert shown(tmp_path)[0] == [NEW]

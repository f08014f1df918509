"""What csconv judge --pairwise wrote is read with care: it may be anybody's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.leaderboards.reading.contests import pairwise_tables

PAIR = {"first": "org/a", "second": "org/b", "pairs": 40, "wins": 20, "ties": 10, "losses": 10}
CONTEST: dict[str, Any] = {
    "task": "csconv_mini_response",
    "judge": {"line": "pairwise-zh-2 by a-judge", "rubric": "pairwise-zh-2"},
    "sample": 40,
    "pairings": [{**PAIR, "win_rate": 0.625, "low": 0.5, "high": 0.74, "flips": 0.1, "withheld": ""}],
    "ratings": {
        "models": ["org/b", "org/a"],
        "rating": [960.0, 1040.0],
        "low": [920.0, 1000.0],
        "high": [1000.0, 1080.0],
    },
}


def write(folder: Path, content: Any, name: str = "pairwise_x.json") -> Path:
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_ratings_come_best_first_with_their_pairs_judge_and_sample(tmp_path: Path) -> None:
    ((table,), problems) = pairwise_tables([write(tmp_path, CONTEST), tmp_path])
    assert problems == []
    assert [(r.model, r.rating, r.low, r.high) for r in table.ratings] == [
        ("org/a", 1040.0, 1000.0, 1080.0),
        ("org/b", 960.0, 920.0, 1000.0),
    ]
    (pair,) = table.pairs
    assert (pair.first, pair.second, pair.wins, pair.ties, pair.losses) == ("org/a", "org/b", 20, 10, 10)
    assert (pair.win_rate, pair.low, pair.high, pair.flips) == (0.625, 0.5, 0.74, 0.1)
    assert (table.task, table.judge, table.sample) == ("csconv_mini_response", "pairwise-zh-2 by a-judge", 40)


def test_a_withheld_rate_is_not_known_and_says_why(tmp_path: Path) -> None:
    pair = {**PAIR, "win_rate": float("nan"), "low": None, "high": None, "withheld": "coverage 0.5"}
    ((table,), _) = pairwise_tables([write(tmp_path, {**CONTEST, "pairings": [pair], "ratings": None})])
    assert (table.pairs[0].win_rate, table.pairs[0].low, table.pairs[0].withheld) == (
        None,
        None,
        "coverage 0.5",
    )
    assert table.ratings == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not JSON",
        "[]",
        "[" * 5000,
        {"task": "x"},
        {**CONTEST, "pairings": [{**PAIR, "wins": -1}]},
        {**CONTEST, "ratings": {**CONTEST["ratings"], "low": []}},
    ],
    ids=["empty", "text", "a list", "deep", "no pairings", "negative", "uneven"],
)
def test_a_damaged_file_is_named_and_the_others_are_read(tmp_path: Path, content: Any) -> None:
    write(tmp_path, content, "pairwise_bad.json")
    tables, problems = pairwise_tables([write(tmp_path, CONTEST)])
    assert len(tables) == 1
    (problem,) = problems
    assert problem.path.endswith("pairwise_bad.json")
    assert "not results of csconv judge --pairwise" in problem.message

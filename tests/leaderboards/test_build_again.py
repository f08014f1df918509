"""Building a board again: the same files give the same board, and only what is new is read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.build import build_board
from tests.leaderboards.built import cell, rows_as_plain, told
from tests.leaderboards.logs import (
    age,
    overwrite,
    samples_file,
)

GOOD, CHINESE, FLOOR = "org/good", "机构/客服模型", "csconv-random"
"""Whose logs lie in the folders a, b and c."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def board(short: Path, kept: Path) -> Board:
    return build_board([short], cache=kept)


@pytest.fixture
def logs(short: Path, tmp_path: Path) -> Path:
    """A copy to work on, written an hour ago."""
    folder = Path(shutil.copytree(short, tmp_path / "logs"))
    age(folder)
    return folder


def test_the_order_of_files_changes_nothing(board: Board, short: Path, kept: Path) -> None:
    files = sorted(short.rglob("results_*.json"), reverse=True)
    assert rows_as_plain(build_board(files, cache=kept)) == rows_as_plain(board)


def test_more_workers_give_the_identical_board(board: Board, short: Path, tmp_path: Path) -> None:
    again = build_board([short], workers=2, cache=tmp_path / "cache")
    assert replace(again, built="") == replace(board, built="")


def test_what_was_kept_gives_the_identical_board(board: Board, short: Path, kept: Path) -> None:
    assert replace(build_board([short], cache=kept), built="") == replace(board, built="")


def test_progress_begins_with_what_was_kept_and_counts_the_logs_that_are_read(
    short: Path, tmp_path: Path
) -> None:
    def seen(*names: str) -> list[tuple[int, int]]:
        counted: list[tuple[int, int]] = []
        folders = [short / name for name in names]
        build_board(folders, on_progress=lambda done, total: counted.append((done, total)), cache=tmp_path)
        return counted

    assert seen("a") == [(1, 1)]
    assert seen("a") == [(1, 1)]
    assert seen("a", "b", "c") == [(1, 3), (2, 3), (3, 3)]


def test_adding_a_model_reads_no_old_log_again(logs: Path, tmp_path: Path) -> None:
    new = Path(shutil.move(logs / "b", tmp_path / "b"))
    before = build_board([logs], cache=tmp_path / "cache")
    # Were one of the old logs opened again, nothing could be read from it.
    for log in logs.rglob("samples_*.jsonl"):
        overwrite(log, stamp=True)
    after = build_board([logs, new], cache=tmp_path / "cache")
    assert not after.problems
    assert cell(after, CHINESE).low is not None
    for model in (GOOD, FLOOR):
        assert cell(after, model).low == cell(before, model).low
        assert cell(after, model).low is not None
    assert (cell(before, GOOD).rank_high, cell(after, GOOD).rank_high) == (1, 2)


def test_a_log_that_changed_is_read_again(logs: Path, tmp_path: Path) -> None:
    build_board([logs], cache=tmp_path / "cache")
    overwrite(samples_file(logs / "a"), stamp=False)
    board = build_board([logs], cache=tmp_path / "cache")
    assert "line 1: not JSON" in told(board)
    assert cell(board, GOOD).low is None


def test_a_log_that_was_changed_at_once_is_not_taken_for_the_old_one(logs: Path, tmp_path: Path) -> None:
    """Within the resolution of a time stamp a file may change twice."""
    log = samples_file(logs / "a")
    log.touch()
    build_board([logs], cache=tmp_path / "cache")
    overwrite(log, stamp=True)
    assert "line 1: not JSON" in told(build_board([logs], cache=tmp_path / "cache"))


@pytest.mark.parametrize(
    "spoil",
    [lambda b: b[:100], lambda b: b"PK" + b[2:50], lambda b: b"", lambda b: b"{}"],
    ids=["cut off", "almost a ZIP", "empty", "JSON"],
)
def test_a_kept_summary_that_is_damaged_is_made_again(
    short: Path, tmp_path: Path, board: Board, kept: Path, spoil: Callable[[bytes], bytes]
) -> None:
    cache = Path(shutil.copytree(kept, tmp_path / "cache"))
    for path in cache.glob("*.npz"):
        path.write_bytes(spoil(path.read_bytes()))
    assert rows_as_plain(build_board([short], cache=cache)) == rows_as_plain(board)

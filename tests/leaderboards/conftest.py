"""A board of the logs that are made once, and the way to build another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.build import build_board
from tests.leaderboards import tuned_runs


@pytest.fixture
def build(kept: Path) -> Callable[..., Board]:
    return lambda *folders, **options: build_board(folders, **{"cache": kept, **options})


@pytest.fixture(scope="session")
def board(measured: Path, kept: Path) -> Board:
    return build_board([measured], cache=kept)


@pytest.fixture(scope="session")
def tuned(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Runs of a base and of models tuned from it, a folder each."""
    return once("tuned-runs", tuned_runs.make)

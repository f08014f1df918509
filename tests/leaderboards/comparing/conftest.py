"""Runs to hold against each other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.leaderboards import logs


@pytest.fixture(scope="session")
def runs(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Logs of a better model (retrieval), a worse one (random), and one of forty turns."""

    def make(folder: Path) -> None:
        logs.evaluate(folder / "better", "retrieval")
        logs.evaluate(folder / "worse", "random")
        logs.evaluate(folder / "limited", "retrieval", limit=40)

    return once("gate-runs", make)


@pytest.fixture
def better(runs: Path, tmp_path: Path) -> Path:
    """A copy of the better model's results, to be damaged."""
    return Path(shutil.copytree(runs / "better", tmp_path / "better"))

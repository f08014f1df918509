from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.judge_server import JudgeServer
from tests.judging import runs


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with JudgeServer() as running:
        yield running


@pytest.fixture
def saved(once: Callable[[str, Callable[[Path], object]], Path], tmp_path: Path) -> Path:
    """A copy of two models' runs to work on."""
    return Path(shutil.copytree(once("runs_to_judge", runs.make), tmp_path / "runs"))

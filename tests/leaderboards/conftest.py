"""Runs of a few small models and floors, made once and only read."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.paths import ROOT


@pytest.fixture(scope="session")
def measured(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Logs of org/good and org/poor on two tasks, of org/other on one, and of a floor in both contexts."""
    from csc_tasks.generation.floors import FloorLM
    from tests.leaderboards.logs import RESPONSE, STRATEGY, answering, write_run

    def make(folder: Path) -> None:
        write_run(folder, "org/good", answering(0.7), [RESPONSE, STRATEGY], date=1.0)
        write_run(folder, "org/poor", answering(0.3, 1), [RESPONSE, STRATEGY], date=2.0)
        write_run(folder, "org/other", answering(0.65, 2), [RESPONSE], date=3.0)
        floor = FloorLM("csconv-random", "mini", 0)
        write_run(folder, "csconv-random", floor, [RESPONSE, "csconv_mini_dialogue"], date=4.0)

    return once("leaderboard-logs", make)


@pytest.fixture(scope="session")
def short(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The first 48 turns of two models, one of them with a Chinese name, and of a floor, a folder each."""
    from csc_tasks.generation.floors import FloorLM
    from tests.leaderboards.logs import RESPONSE, answering, write_run

    def make(folder: Path) -> None:
        write_run(folder / "a", "org/good", answering(0.95), date=1.0, limit=48)
        write_run(folder / "b", "机构/客服模型", answering(0.1, 1), date=2.0, limit=48)
        floor = FloorLM("csconv-random", "mini", 0)
        write_run(folder / "c", "csconv-random", floor, [RESPONSE], date=3.0, limit=48)

    return once("short-logs", make)


@pytest.fixture(scope="session")
def old_results(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Results, judge and all, of the version before this one, with what it printed of them in ``expected/``."""

    def unpack(folder: Path) -> None:
        with tarfile.open(ROOT / "tests" / "fixtures" / "old_results.tar.gz") as archive:
            archive.extractall(folder, filter="data")

    return once("old-results", unpack) / "old_results"


@pytest.fixture
def logs(measured: Path, tmp_path: Path) -> Path:
    """A copy of them to work on."""
    return Path(shutil.copytree(measured, tmp_path / "logs"))


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where summaries are kept: what one test has read, the next need not."""
    return tmp_path_factory.mktemp("summaries")

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.human.sheet.studies import make

MODELS = ("org__good", "org__poor", "org__other")


@pytest.fixture(scope="session")
def rated_runs(measured: Path, once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Runs of three models beside which what people say may be written, and two studies of them."""

    def prepare(folder: Path) -> None:
        for model in MODELS:
            shutil.copytree(measured / model, folder / "runs" / model)
        runs = folder / "runs"
        numbers = {"sample": 60, "raters": 3, "overlap": "100%", "repeats": 12, "attention": 4}
        options = [f"--{name}={value}" for name, value in numbers.items()]
        make(runs / MODELS[0], folder / "rate", runs / MODELS[1], *options)
        make(runs, folder / "pair", "--kind", "pair", *options)

    return once("rated_runs", prepare)


@pytest.fixture
def rate(rated_runs: Path, tmp_path: Path) -> Path:
    """A study of grades of two models, of which nobody has answered anything."""
    return Path(shutil.copytree(rated_runs / "rate", tmp_path / "rate"))


@pytest.fixture
def pair(rated_runs: Path, tmp_path: Path) -> Path:
    """A study of pairs of three models, of which nobody has answered anything."""
    return Path(shutil.copytree(rated_runs / "pair", tmp_path / "pair"))

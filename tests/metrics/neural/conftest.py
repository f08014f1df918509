"""The tiny BLEURT checkpoint, loaded, and as a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from csc_tasks.metrics.neural.bleurt_checkpoint import BleurtNetwork, load_bleurt
from tests.metrics.neural.checkpoints import TINY


@pytest.fixture(scope="module")
def bleurt() -> BleurtNetwork:
    pytest.importorskip("torch", reason="torch is not installed")
    return load_bleurt(str(TINY))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be damaged."""
    pytest.importorskip("torch", reason="torch is not installed")
    copy = tmp_path / "checkpoint"
    shutil.copytree(TINY, copy)
    return copy

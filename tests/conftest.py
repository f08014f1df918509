"""What every test is given: a cache of its own run, never the user's; and, on demand, encoders."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.paths import FIXTURES


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CSCONV_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """``once(name, make)``: a folder that is made once for all processes of a test run, and only read."""
    from filelock import FileLock

    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        with FileLock(root / f"{name}.lock"):
            path, done = root / name, root / f"{name}.done"
            if not done.exists():
                path.mkdir()
                make(path)
                done.touch()
        return path

    return folder


@pytest.fixture(scope="session")
def e5(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """multilingual-e5-small as a folder."""
    from tests import encoders

    return once("multilingual-e5-small", encoders.e5)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with random weights."""
    from tests import encoders

    return encoders.tiny_bert(tmp_path_factory.mktemp("encoder") / "tiny-bert")


@pytest.fixture(scope="session")
def old_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results, logs, verdicts and a baseline file that an earlier csconv wrote; to be read, not changed."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(FIXTURES / "old_results.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "old_results"

"""What every test is given: a cache of its own run, never the user's; and, on demand, encoders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CSCONV_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def e5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """multilingual-e5-small as a folder, made once for all processes of a test run."""
    from filelock import FileLock

    from tests import encoders

    root = tmp_path_factory.getbasetemp().parent
    with FileLock(root / "e5.lock"):
        folder, done = root / "multilingual-e5-small", root / "e5.done"
        if not done.exists():
            encoders.e5(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with random weights."""
    from tests import encoders

    return encoders.tiny_bert(tmp_path_factory.mktemp("encoder") / "tiny-bert")

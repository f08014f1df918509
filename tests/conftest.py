"""What every test is given: a cache of its own run, never the user's; and, on demand, encoders."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.paths import FIXTURES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How long an example takes says more of what else the machine does.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

if "PYTEST_XDIST_WORKER" in os.environ:
    # A core each: workers whose networks all compute on every core wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell starts what it puts into the background; the tests send Ctrl-C, to themselves and to children.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CSCONV_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _machine_described_once() -> Iterator[None]:
    """lm-eval describes the machine after every evaluation, seconds of pip and lscpu; here it does so once."""
    try:
        from torch.utils import collect_env
    except ImportError:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collect_env, "get_pretty_env_info", functools.cache(collect_env.get_pretty_env_info))
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
                shutil.rmtree(path, ignore_errors=True)  # what a failed attempt has left
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
    pytest.importorskip("torch", reason="needs csconv-eval[bertscore]")
    from tests import encoders

    return encoders.tiny_bert(tmp_path_factory.mktemp("encoder") / "tiny-bert")


# Runs of a few small models and floors, made once and only read.


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
def role_played(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Two trials of eight cards: of org/good and org/half with scripted customers (``scripted``), of org/good with
    others (``other``), with others of whom a third cannot be played (``faulty``), and once each (``once``)."""
    from tests.role_plays import OtherCustomers, card_set, supporter_lm, write_role_plays

    def make(folder: Path) -> None:
        cards = card_set(8)
        good, half = supporter_lm("good"), supporter_lm("good", "promiser", 0.5)
        write_role_plays(folder / "scripted", "org/good", good, cards, 2, date=1.0)
        write_role_plays(folder / "scripted", "org/half", half, cards, 2, date=2.0)
        write_role_plays(folder / "other", "org/good", half, cards, 2, OtherCustomers(patience=4), date=3.0)
        broken = OtherCustomers("org/broken", faults=0.3)
        write_role_plays(folder / "faulty", "org/good", good, cards, 2, broken, date=4.0)
        write_role_plays(folder / "once", "org/good", good, cards, 1, date=5.0)

    return once("role-plays", make)


@pytest.fixture
def logs(measured: Path, tmp_path: Path) -> Path:
    """A copy of them to work on."""
    return Path(shutil.copytree(measured, tmp_path / "logs"))


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where summaries are kept: what one test has read, the next need not."""
    return tmp_path_factory.mktemp("summaries")


@pytest.fixture(scope="session")
def old_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results, logs, a baseline file and a judge's journals of version 0.1.0, and what it printed of them."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(FIXTURES / "old_results.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "old_results"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a module."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        reason = "no Chromium: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    sync = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install 'csconv-eval[dev]'")
    with sync.sync_playwright() as playwright:
        # Without a sandbox, because tests in containers run as root; the page is our own.
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()

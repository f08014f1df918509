"""What csconv says about installing more of itself, by how it was installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from csc_tasks import install
from csc_tasks.install import install_hint
from tests.paths import ROOT

CHECKOUT = "pip install '.[judge]' in a checkout of csconv's repository"


class Installed:
    """A distribution with this direct_url.json."""

    def __init__(self, direct_url: str | None) -> None:
        self.direct_url = direct_url

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.direct_url


@pytest.fixture(autouse=True)
def _not_remembered() -> Iterator[None]:
    install._command.cache_clear()
    yield
    install._command.cache_clear()


@pytest.mark.parametrize(
    ("direct_url", "hint"),
    [
        (None, "pip install 'csconv-eval[judge]'"),  # from an index, once there is a release
        ("{", "pip install 'csconv-eval[judge]'"),
        ({"url": ROOT.as_uri(), "dir_info": {"editable": True}}, f"pip install -e '{ROOT}[judge]'"),
        ({"url": ROOT.as_uri(), "dir_info": {}}, f"pip install '{ROOT}[judge]'"),
        ({"url": "file:///gone/since", "dir_info": {}}, CHECKOUT),
        ({"url": "file:///gone/csconv.whl", "archive_info": {}}, CHECKOUT),
        (
            {"url": (ROOT / "LICENSE").as_uri(), "archive_info": {}},
            f"pip install '{ROOT / 'LICENSE'}[judge]'",
        ),
        (
            {"url": "https://host/csconv.git", "vcs_info": {"vcs": "git", "commit_id": "1"}},
            "pip install 'csconv-eval[judge] @ git+https://host/csconv.git'",
        ),
        (
            {"url": "https://host/csconv.whl", "archive_info": {}},
            "pip install 'csconv-eval[judge] @ https://host/csconv.whl'",
        ),
    ],
)
def test_an_extra_is_installed_from_where_csconv_came_from(
    monkeypatch: pytest.MonkeyPatch, direct_url: object, hint: str
) -> None:
    text = direct_url if direct_url is None or isinstance(direct_url, str) else json.dumps(direct_url)
    monkeypatch.setattr(metadata, "distribution", lambda _: Installed(text))
    assert install_hint("judge") == hint


def test_a_folder_on_the_path_is_installed_from_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Installed:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    assert install_hint("hf", "leaderboard") == f"pip install '{ROOT}[hf,leaderboard]'"


def test_no_page_and_no_message_promises_a_release() -> None:
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    for folder in ("csc_tasks", "metrics", "leaderboards", "tools", "benchmarks"):
        files += [p for p in (ROOT / folder).rglob("*.py") if "build" not in p.parts]
    promised = [str(p) for p in files if "pip install 'csconv-eval" in Path(p).read_text(encoding="utf-8")]
    # The one place that says it does so only to those who had it from an index.
    assert {Path(p).name for p in promised} <= {"install.py"}

"""What may be missing around a command: a working folder, a home, a cache that can be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from csc_tasks.storage import cache_folder
from tests.door import csconv


def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has a number and no name."""

    def absent(_: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    for name in ("HOME", "CSCONV_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", absent)


@pytest.mark.parametrize(
    "arguments", [["table", "x"], ["doctor"], ["floor", "random"], ["quickstart"], ["path"]]
)
def test_a_working_folder_that_is_gone_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = csconv(*arguments)
    assert done.code == 1
    assert done.err == (
        "csconv: the working folder is gone (No such file or directory): change to a folder that is there (cd) and "
        "try again\n"
    )


def test_without_a_home_the_message_says_what_to_set(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    homeless(monkeypatch)
    done = csconv("table", short)
    assert done.code == 1
    assert done.err.startswith(
        "csconv: ~/.cache: there is no home folder here: set HOME, or CSCONV_CACHE to a folder"
    )
    done = csconv("table", short, CSCONV_CACHE=str(tmp_path))
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    "arguments", [["data", "info", "~/none.json"], ["judge", "x", "--config", "judge.yaml"]]
)
def test_a_path_below_a_home_that_is_not_there_is_an_error_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    (tmp_path / "judge.yaml").write_text(
        "model: m\nbase_url: http://127.0.0.1:9/v1\ncache: ~/verdicts.sqlite\n"
    )
    homeless(monkeypatch)
    done = csconv(*arguments, cwd=tmp_path)
    assert done.code == 1
    assert "Traceback" not in done.output
    assert "there is no home folder here" in done.err


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(short: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = csconv("table", short, CSCONV_CACHE=str(tmp_path / "file"))
    assert done.code == 0, done.err


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CSCONV_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "csconv"
    monkeypatch.setenv("XDG_CACHE_HOME", "~/other")
    assert cache_folder() == tmp_path / "other" / "csconv"
    monkeypatch.setenv("CSCONV_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own"

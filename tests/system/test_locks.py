"""Locks where the file system has them, and where it has none; what is said is true."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.system import locks
from csc_tasks.system.locks import LockKind, locked, locks_in

fcntl = pytest.importorskip("fcntl")


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    locks._has_locks.cache_clear()
    yield
    locks._has_locks.cache_clear()


def without_locks(monkeypatch: pytest.MonkeyPatch, number: int, name: str) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, name, refuse)


@pytest.mark.parametrize("name", ["flock", "lockf"])
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP])
def test_where_the_file_system_has_no_locks_a_file_takes_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int, name: str
) -> None:
    without_locks(monkeypatch, number, name)
    for _ in range(2):
        with locked(tmp_path / "lock", None) as first, locked(tmp_path / "lock", None) as second:
            assert (first, second) == (True, False)
            assert [p.name for p in tmp_path.iterdir()] == ["lock.held"]
        assert list(tmp_path.iterdir()) == []
    assert [r.message for r in caplog.records] == [
        f"{tmp_path}: its file system has no locks ({os.strerror(number)}); files take their place "
        "(CSCONV_LOCKS, docs/running.md)"
    ]


def test_another_fault_is_not_taken_for_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch, errno.EIO, "flock")
    with pytest.raises(OSError, match="Input/output error"), locked(tmp_path / "lock", None):
        pass


def test_the_user_says_how_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSCONV_LOCKS", "off")
    with locked(tmp_path / "lock", None) as first, locked(tmp_path / "lock", None) as second:
        assert first
        assert second
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("CSCONV_LOCKS", "FILES")
    assert locks_in(tmp_path) is LockKind.FILES
    monkeypatch.setenv("CSCONV_LOCKS", "no")
    with pytest.raises(ConfigError, match="CSCONV_LOCKS='no': must be auto, files, off"):
        locks_in(tmp_path)


def left(folder: Path, **changes: str) -> Path:
    """A file as a process leaves it that was killed with it, with some of its lines (process, host, start) changed."""
    program = (
        "import os, sys; from pathlib import Path; from csc_tasks.system.locks import locked\n"
        "with locked(Path(sys.argv[1]), None): os._exit(1)"
    )
    environment = {**os.environ, "CSCONV_LOCKS": "files"}
    subprocess.run([sys.executable, "-c", program, str(folder / "lock")], check=False, env=environment)
    path = folder / "lock.held"
    lines = dict(zip(("process", "host", "start"), path.read_text().splitlines(), strict=True))
    path.write_text("".join(f"{line}\n" for line in {**lines, **changes}.values()))
    return path


def test_what_a_killed_process_has_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left(tmp_path)
    monkeypatch.setenv("CSCONV_LOCKS", "files")
    with locked(tmp_path / "lock", None) as held:
        assert held
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_another_process_has_got_since_is_not_taken_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux says when a process began")
    left(tmp_path, process=str(os.getpid()))
    monkeypatch.setenv("CSCONV_LOCKS", "files")
    with locked(tmp_path / "lock", None) as held:
        assert held


@pytest.mark.parametrize("age", [-200.0, 0.0, 10**6])
def test_a_process_on_another_machine_keeps_its_lock_whatever_the_clocks_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, age: float
) -> None:
    path = left(tmp_path, host="node17", process="4711")
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))
    monkeypatch.setenv("CSCONV_LOCKS", "files")
    with locked(tmp_path / "lock", None) as held:
        assert not held
    threading.Timer(0.3, path.unlink).start()
    with caplog.at_level(logging.WARNING), locked(tmp_path / "lock", "waiting") as held:
        assert held
    assert caplog.messages == [
        f"waiting ({path} is of process 4711, here or on another machine; if that is gone, remove the file)"
    ]


def test_a_file_that_says_nothing_is_nobodys_to_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSCONV_LOCKS", "files")
    for content in ("", "[]", '{"process": "1"}', "\x00"):
        (tmp_path / "lock.held").write_text(content)
        with locked(tmp_path / "lock", None) as held:
            assert not held

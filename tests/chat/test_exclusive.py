"""One process at a time, and the next one as soon as the first is gone, however it went."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from csc_tasks.chat.exclusive import one_at_a_time
from csc_tasks.errors import ChatError

HOLD = """
import sys, time; from pathlib import Path
from csc_tasks.chat.exclusive import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), "waiting"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_process_that_is_killed_frees_the_next_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = tmp_path / "lock"
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    second = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert second.stderr is not None
    assert second.stderr.readline() == "waiting\n"
    first.kill()
    first.wait()
    killed = time.monotonic()
    assert second.stdout is not None
    assert second.stdout.readline() == "held\n"
    assert time.monotonic() - killed < 5
    second.kill()
    second.communicate()
    first.stdout.close()


def test_who_is_alone_is_told_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with one_at_a_time(tmp_path / "lock", "waiting"):
            pass
    assert not caplog.records


def test_a_lock_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ChatError, match="file/lock: cannot be locked"),
        one_at_a_time(tmp_path / "file" / "lock", ""),
    ):
        pass

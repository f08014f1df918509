"""Worker processes end with the process that they work for, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from csc_tasks.system.workers import worker_pool
from tests.door import command, surroundings

PROGRAM = """
import multiprocessing, os, sys, time
from csc_tasks.system.signals import ends_by_signals
from csc_tasks.system.workers import worker_pool

def work(number):
    with open(os.path.join(sys.argv[1], str(os.getpid())), "w"):
        pass
    time.sleep(120)

if __name__ == "__main__":
    with ends_by_signals(), worker_pool(2, multiprocessing.get_context(sys.argv[2])) as pool:
        list(pool.map(work, range(8)))
"""


def there(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_no_worker_outlives_its_parent(tmp_path: Path, method: str, number: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    (tmp_path / "pids").mkdir()
    process = subprocess.Popen(
        command(program, tmp_path / "pids", method), env=surroundings(), stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while len(found := [int(p.name) for p in (tmp_path / "pids").iterdir()]) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert all(map(there, found))
    time.sleep(1.5)
    assert all(map(there, found)), "they work on while their parent does"
    os.kill(process.pid, number)
    assert process.wait(10) == (-number if number is signal.SIGKILL else 128 + number)
    until = time.monotonic() + 8
    while any(map(there, found)):
        assert time.monotonic() < until
        time.sleep(0.1)


def test_an_error_does_not_wait_for_the_workers() -> None:
    def use() -> None:
        with worker_pool(1) as pool:
            pool.submit(time.sleep, 60)
            time.sleep(0.2)
            raise LookupError

    began = time.monotonic()
    with pytest.raises(LookupError):
        use()
    assert time.monotonic() - began < 10


LOCK = threading.Lock()


def _takes_the_lock(_: int) -> bool:
    return LOCK.acquire(timeout=5)


def test_a_lock_that_a_thread_holds_when_workers_start_is_not_held_in_them() -> None:
    """As a progress bar's, or that of a library which computes on all cores: a fork would wait for it for ever."""
    with LOCK, worker_pool(2) as pool:
        assert all(pool.map(_takes_the_lock, range(2)))

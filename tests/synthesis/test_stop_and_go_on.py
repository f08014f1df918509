"""What may happen to a run: SIGKILL, Ctrl-C, a full disk, a second process, several machines."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[synthesis]")

from tests.door import command, process, surroundings
from tests.role_server import RoleServer
from tests.synthesis.faults import CONTENT, TRANSPORT, FaultyServer
from tests.synthesis.plays import configured, conversations, lines_of

pytestmark = pytest.mark.slow

CASES = 200
AT_ONCE = 32
KINDS = tuple(kind for kind in (*TRANSPORT, *CONTENT) if kind != "empty")
"""Faults for which one request is one answer; an empty answer is asked for again by the client itself."""


def start(folder: Path, n: int = CASES, *more: str, **environment: str) -> subprocess.Popen[str]:
    options = ("--out", folder / "out", "--config", folder / "synthesis.yaml", "--n", str(n), *more)
    return subprocess.Popen(
        command("-m", "csc_tasks.commands", "synthesize", "roleplay", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings(**environment),
    )


def folder_of(tmp_path: Path, name: str, server: RoleServer, **fields: object) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    configured(folder, server, **{"concurrency": AT_ONCE, **fields})
    return folder


def test_a_run_that_is_killed_again_and_again_comes_to_the_conversations_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    with FaultyServer(KINDS, latency=0.01) as server:
        quiet = folder_of(tmp_path, "quiet", server)
        done = start(quiet)
        assert done.wait(120) == 0, done.stderr and done.stderr.read()
        once = sum(server.paid.values())
    chance = random.Random(16)
    kills = 0
    with FaultyServer(KINDS, latency=0.01) as server:
        folder = folder_of(tmp_path, "killed", server)
        while True:
            running = start(folder)
            try:
                code = running.wait(chance.uniform(1.5, 4.0))
                break
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
                kills += 1
                time.sleep(0.2)  # what is under way is answered
        assert code == 0, running.stderr and running.stderr.read()
        again = sum(server.paid.values())
    assert kills >= 2
    found = conversations(folder / "out")
    assert len(found) == CASES
    assert found == conversations(quiet / "out")
    assert again - once <= kills * AT_ONCE
    kept = Counter((line["case"], line["step"]) for line in lines_read(folder) if line.get("usable"))
    assert set(kept.values()) == {1}


def lines_read(folder: Path, name: str = "main") -> list[dict[str, object]]:
    """The lines of journals that may have been cut off anywhere."""
    files = (folder / "out" / "journals").glob(f"{name}.jsonl")
    text = "\n".join(file.read_text("utf-8", errors="replace") for file in files)
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_lets_answers_under_way_arrive_and_the_same_command_goes_on(
    tmp_path: Path, number: int, code: int
) -> None:
    with RoleServer(latency=0.05) as server:
        folder = folder_of(tmp_path, "one", server)
        running = start(folder, 60)
        time.sleep(4)
        running.send_signal(number)
        assert running.wait(30) == code
        assert "the same command goes on from here" in (running.stderr.read() if running.stderr else "")
        assert start(folder, 60).wait(120) == 0
        assert len(conversations(folder / "out")) == 60
        assert set(server.paid.values()) == {1}, "nothing that was paid for was asked again"


def test_two_processes_on_one_folder_pay_once(tmp_path: Path) -> None:
    with RoleServer(latency=0.02) as server:
        folder = folder_of(tmp_path, "one", server)
        both = [start(folder, 30) for _ in range(2)]
        assert [each.wait(120) for each in both] == [0, 0]
        assert set(server.paid.values()) == {1}
        assert len(conversations(folder / "out")) == 30


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_loses_nothing_that_was_paid_for(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        with RoleServer() as server:
            configured(disk, server)
            running = start(disk, 20, TMPDIR=str(tmp_path))
            said = running.communicate(timeout=60)[1]
            assert running.returncode == 1
            assert "is the disk full?" in said
            rescued = next(tmp_path.glob("csconv_synthesis_*.jsonl"))
            assert str(rescued) in said
            paid = sum(server.paid.values())
            subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
            shutil.move(rescued, disk / "out" / "journals" / rescued.name)
            assert start(disk, 20).wait(60) == 0
            assert set(server.paid.values()) == {1}
            assert sum(server.paid.values()) > paid
            assert len(conversations(disk / "out")) == 20
    finally:
        subprocess.run(["umount", disk], check=False)


def test_two_ray_workers_make_the_conversations_of_one_process_with_one_budget(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    prices = {"input_price": 1.0, "output_price": 1.0}
    found = []
    for name, more in (("one", ()), ("two", ("--engine", "ray", "--workers", "2", "--budget", "1000"))):
        with FaultyServer(latency=0.01) as server:
            folder = folder_of(tmp_path, name, server, **prices)
            options = ("--out", folder / "out", "--config", folder / "synthesis.yaml", "--n", "24")
            done = process("synthesize", "roleplay", *map(str, options), *more)
            assert done.code == 0, done.err
            found.append(conversations(folder / "out"))
    assert found[0] == found[1]
    assert len(list((tmp_path / "two" / "out" / "journals").glob("worker-*.jsonl"))) == 2
    with RoleServer() as server:
        server.usage = {"prompt_tokens": 300, "completion_tokens": 40}
        folder = folder_of(tmp_path, "poor", server, input_price=1000.0, output_price=1000.0, max_tokens=100)
        options = ("--out", folder / "out", "--config", folder / "synthesis.yaml", "--n", "24")
        done = process("synthesize", "roleplay", *map(str, options), *more[:4], "--budget", "30")
        assert done.code == 3, done.err
        spent = sum(float(line["cost"]) for line in lines_of(folder / "out") if "case" in line)
        assert 10 < spent <= 30


def test_a_ray_worker_that_is_killed_keeps_nobody_waiting_for_what_it_might_have_spent(
    tmp_path: Path,
) -> None:
    pytest.importorskip("ray")
    with RoleServer(latency=0.1) as server:
        server.usage = {"prompt_tokens": 300, "completion_tokens": 40}
        folder = folder_of(tmp_path, "one", server, input_price=1000.0, output_price=1000.0, max_tokens=500)
        options = ("--engine", "ray", "--workers", "2", "--budget", "100")
        running = start(folder, 60, *options, CSCONV_TEST_MARK=str(tmp_path))
        assert _wait(lambda: len(server.requests) > 60)
        os.kill(_worker(str(tmp_path)), signal.SIGKILL)
        assert running.wait(120) == 3, running.stderr and running.stderr.read()
    spent = sum(float(str(line.get("cost", 0))) for line in lines_read(folder, "worker-*"))
    assert 60 < spent <= 100


def test_ray_workers_stop_once_the_shares_are_met(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with RoleServer() as server:
        folder = folder_of(tmp_path, "one", server)
        running = start(folder, CASES, "--engine", "ray", "--workers", "2", "--balance", "0.3")
        assert running.wait(200) == 0, running.stderr and running.stderr.read()
    assert 20 <= len(conversations(folder / "out")) < CASES


def _wait(there: Callable[[], bool], seconds: float = 90) -> bool:
    end = time.monotonic() + seconds
    while not there() and time.monotonic() < end:
        time.sleep(0.1)
    return there()


def _worker(mark: str) -> int:
    """The number of a process that works for a command with this mark in its environment."""
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            working = b"ray::_work" in (place / "cmdline").read_bytes()
            if working and mark.encode() in (place / "environ").read_bytes():
                return int(place.name)
    raise AssertionError("no worker")

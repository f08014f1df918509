"""What may happen to a judging process: Ctrl-C, SIGKILL, a second one, a full disk, a leaking server."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from tests.judge_server import JudgeServer, Reply
from tests.judging.runs import CANARY, TURNS, configured, log_of, verdicts_of

pytestmark = pytest.mark.slow


def csconv(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "csc_tasks.commands", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
        timeout=120,
    )


def start(saved: Path, log: Path, config: Path, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "csc_tasks.commands", "judge", str(log), "--config", str(config)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=saved,
        env={**os.environ, **environment},
    )


def wait_for(server: JudgeServer, count: int) -> None:
    deadline = time.monotonic() + 60
    while sum(server.paid.values()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_run_that_waits_for_its_rate_limit_can_be_interrupted(saved: Path, server: JudgeServer) -> None:
    # The next question may go out in a minute; nobody waits for that.
    process = start(saved, log_of(saved), configured(server, saved.parent, requests_per_minute=1))
    wait_for(server, 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 130, err
    assert [v["status"] for v in verdicts_of(log_of(saved))] == ["scored"]
    assert sum(server.asked.values()) == 1


@pytest.mark.parametrize("moment", [1, 57, 203])
def test_a_killed_run_repeats_at_most_what_was_under_way(
    saved: Path, server: JudgeServer, moment: int
) -> None:
    server.latency = 0.01
    config = configured(server, saved.parent, concurrency=8)
    log = log_of(saved)
    process = start(saved, log, config)
    wait_for(server, moment)
    process.kill()
    process.communicate()
    time.sleep(0.1)
    server.latency = 0
    done = csconv("judge", log, "--config", config, cwd=saved)
    assert done.returncode == 0, done.stderr
    assert len(verdicts_of(log)) == TURNS
    assert sum(server.asked.values()) <= len(server.asked) + 8
    assert len({v["key"] for v in verdicts_of(log)}) == len(server.asked)


ENDING = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
"""Signals that ask a process to end, and the exit codes that a shell expects."""


@pytest.mark.parametrize("number", ENDING)
def test_an_interrupted_run_ends_cleanly_and_goes_on_later(
    saved: Path, server: JudgeServer, number: signal.Signals
) -> None:
    server.latency = 0.05
    config = configured(server, saved.parent, concurrency=8)
    log = log_of(saved)
    process = start(saved, log, config)
    wait_for(server, 30)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == ENDING[number], err
    assert "interrupted; the same command goes on from here" in err
    assert "Traceback" not in err
    assert out == ""
    assert len(verdicts_of(log)) == sum(server.paid.values())  # what was under way was waited for
    server.latency = 0
    assert csconv("judge", log, "--config", config, cwd=saved).returncode == 0
    assert set(server.paid.values()) == {1}


def test_a_terminal_that_is_closed_costs_nothing(saved: Path, server: JudgeServer) -> None:
    server.latency = 0.05
    config = configured(server, saved.parent, concurrency=8)
    log = log_of(saved)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "csc_tasks.commands", "judge", str(log), "--config", str(config)]
    # A session of its own, whose terminal it is: the kernel sends SIGHUP when that goes.
    program = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, *command], stdin=theirs, stdout=theirs, stderr=theirs, cwd=saved
    )
    os.close(theirs)
    wait_for(server, 30)
    os.close(ours)
    assert process.wait(30) == ENDING[signal.SIGHUP]
    assert len(verdicts_of(log)) == sum(server.paid.values()) < TURNS
    server.latency = 0
    assert csconv("judge", log, "--config", config, cwd=saved).returncode == 0
    assert set(server.paid.values()) == {1}


@pytest.mark.parametrize("how", ["auto", "files"])
def test_two_runs_of_one_log_at_once_pay_once(saved: Path, server: JudgeServer, how: str) -> None:
    server.latency = 0.01
    config = configured(server, saved.parent, concurrency=4)
    log = log_of(saved)
    runs = [start(saved, log, config, CSCONV_LOCKS=how) for _ in range(2)]
    results = [run.communicate(timeout=90) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], results
    assert set(server.paid.values()) == {1}
    assert results[0][0] == results[1][0]
    content = json.loads(Path(results[0][0].strip()).read_text())
    assert content["csconv_judged"]["coverage"] == 1.0
    waited = "another csconv is asking fake under turn-zh-2 with .*; waiting for it"
    assert sorted(bool(re.search(waited, err)) for _, err in results) == [False, True]
    assert sorted(bool(re.search(rf"\({TURNS} from earlier", err)) for _, err in results) == [False, True]


def test_the_same_questions_in_two_logs_are_paid_once(saved: Path, server: JudgeServer) -> None:
    server.latency = 0.01
    config = configured(server, saved.parent, concurrency=4, cache=str(saved / "shared.sqlite"))
    twin = Path(shutil.copytree(saved / "csconv-random", saved / "twin"))
    logs = [log_of(saved), next(twin.glob("samples_csconv_mini_response_*"))]
    runs = [start(saved, log, config) for log in logs]
    results = [run.communicate(timeout=90) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], results
    assert set(server.paid.values()) == {1}
    assert [len(verdicts_of(log)) for log in logs] == [TURNS, TURNS]


@pytest.mark.parametrize("how", ["auto", "files"])
@pytest.mark.parametrize("number", ENDING)
def test_a_run_that_waits_for_another_can_be_interrupted(
    saved: Path, server: JudgeServer, number: signal.Signals, how: str
) -> None:
    config = configured(server, saved.parent, requests_per_minute=1)
    first = start(saved, log_of(saved), config, CSCONV_LOCKS=how)
    wait_for(server, 1)
    second = start(saved, log_of(saved), config, CSCONV_LOCKS=how)
    assert second.stderr is not None
    while "waiting for it" not in second.stderr.readline():
        pass
    second.send_signal(number)
    _, err = second.communicate(timeout=40)
    assert second.returncode == ENDING[number], err
    assert "Traceback" not in err
    first.kill()
    first.communicate()


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["csconv", *sys.argv[2:]]
from csc_tasks.commands import main
main()
"""


@pytest.mark.parametrize(("size", "file"), [(200_000, "judge_cache.sqlite"), (150_000, "verdicts_")])
def test_a_disk_that_runs_full_loses_no_paid_verdict(
    saved: Path, server: JudgeServer, tmp_path: Path, size: int, file: str
) -> None:
    # A limit on file size is what a full disk is to one file: the write fails, at some byte.
    config = configured(server, saved.parent, concurrency=4)
    log, cache = log_of(saved), tmp_path / "judge_cache.sqlite"
    if file == "verdicts_":
        # The cache is complete and needs no room; the log grows until it may not.
        assert (
            csconv("judge", log, "--config", config, "--sample", 3, "--cache", cache, cwd=saved).returncode
            == 0
        )
    arguments = ["judge", log, "--config", config, "--cache", cache]
    limited = subprocess.run(
        [sys.executable, "-c", LIMITED, str(size), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=saved,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert limited.returncode == 1, limited.stderr
    assert "Traceback" not in limited.stderr
    assert "run the same command again" in limited.stderr
    paid = sum(server.paid.values())
    assert 0 < paid < TURNS
    for rescued in tmp_path.glob("csconv_verdicts_*.jsonl"):
        (journal,) = log.parent.glob("verdicts_*.jsonl")
        with journal.open("a") as out:
            out.write(rescued.read_text())
    done = csconv(*arguments, cwd=saved)
    assert done.returncode == 0, done.stderr
    assert set(server.paid.values()) == {1}


def _escaped(text: str) -> bytes:
    """JSON with the key's letters as escapes, which a search in the response does not find."""
    written = "".join(f"\\u{ord(c):04x}" for c in CANARY)
    body = text if text.startswith("{") else json.dumps({"error": {"message": text}})
    return body.replace(CANARY, written).encode()


FAULTS: dict[str, Any] = {
    "refused key": lambda r: Reply(status=401, body=f"no such key: {CANARY}".encode()),
    "echo": lambda r: Reply(status=500, body=json.dumps({"error": {"message": f"Bearer {CANARY}"}}).encode()),
    "echo in a page": lambda r: Reply(
        status=502, body=f"<html>Authorization: Bearer {CANARY}</html>".encode()
    ),
    "echo in other characters": lambda r: Reply(body=_escaped(f"HTTP 429: {CANARY}"), status=500),
    "verdict in other characters": lambda r: Reply(
        body=_escaped(json.dumps({"choices": [{"message": {"content": f"I know {CANARY}"}}]}))
    ),
    "echo in a verdict": lambda r: Reply(json.dumps({"reason": CANARY, "empathy": 3})),
    "poisoned": lambda r: Reply(status=400, body=f'{{"error": "{CANARY}"}}'.encode()),
    "refusal": lambda r: Reply(None, message={"refusal": f"not with {CANARY}"}),
    "redirect": lambda r: Reply(status=302, headers={"Location": f"http://127.0.0.1:9/{CANARY}"}),
    "reset": lambda r: Reply(fate="reset"),
    "half": lambda r: Reply(body=f'{{"key": "{CANARY}'.encode()),
    "bad header": lambda r: Reply(headers={"Content-Type\r\n\r\n": CANARY}),
    "hang": lambda r: Reply(fate="hang"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_key_shows_up_nowhere_whatever_happens(saved: Path, server: JudgeServer, fault: str) -> None:
    fields = {"api_key_env": "JUDGE_KEY", "retries": 1, "timeout": 0.3, "concurrency": 2}
    config = configured(server, saved.parent, **fields)
    server.behave = lambda text, before, request: FAULTS[fault](request)
    done = csconv(
        *("--debug", "judge", log_of(saved), "--config", config, "--sample", 4),
        cwd=saved,
        JUDGE_KEY=CANARY,
        PYTHONASYNCIODEBUG="1",
    )
    assert any(CANARY in head for head in server.headers)  # it was sent
    assert CANARY not in done.stdout + done.stderr
    for path in saved.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path

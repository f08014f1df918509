"""`csconv judge probe`, and a judge that must pass it first."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from tests.door import csconv
from tests.judge_server import JudgeServer, Reply
from tests.judging.runs import TURNS, configured, log_of, verdicts_of


def test_a_probe_reports_and_can_be_required(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, require_probe=0.9)
    done = csconv("judge", "probe", "--config", config, "--cache", saved / "c.sqlite", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert 0.2 < report["score"] < 0.9  # this server's verdicts are noise
    assert len(server.asked) == 66 + 36
    shown = csconv("judge", "probe", "--config", config, "--cache", saved / "c.sqlite")
    assert "grades gained by a word to the judge" in shown.out
    assert sum(server.asked.values()) == 66 + 36
    refused = csconv("judge", log_of(saved), "--config", config, "--cache", saved / "c.sqlite")
    assert refused.code == 1
    assert re.search(r"fake puts \d+% of the probe's cases in order, require_probe is 90%", refused.err)
    assert sum(server.asked.values()) == 66 + 36


def test_a_probe_without_verdicts_says_nothing_and_ends_with_4(saved: Path, server: JudgeServer) -> None:
    server.behave = lambda text, *_: Reply("不好说") if zlib.crc32(text.encode()) % 4 else None
    config = configured(server, saved.parent)
    done = csconv("judge", "probe", "--config", config, "--cache", saved / "c.sqlite")
    assert done.code == 4
    assert re.search(r"\d\d of 102 questions have no verdict: this says nothing of the judge", done.err)
    assert "nan" not in done.out
    server.behave = lambda *_: Reply("不好说")
    done = csconv("judge", "probe", "--config", config, "--cache", saved / "new" / "c.sqlite")
    assert (done.code, done.out) == (4, "")
    assert "the probe: fake: none of its first 20 answers is a verdict" in done.err


def test_a_required_probe_is_counted_beforehand_and_paid_from_the_budget(
    saved: Path, server: JudgeServer
) -> None:
    prices = {"input_price": 10.0, "output_price": 100.0, "max_tokens": 200}
    config = configured(server, saved.parent, require_probe=0.05, **prices)
    log = log_of(saved)
    dry = csconv("judge", log, "--config", config, "--dry-run")
    rows = [line.split("│")[1:-1] for line in dry.out.splitlines() if line.startswith("│")]
    assert [row[4].strip() for row in rows] == ["66", "36", str(TURNS), str(66 + 36 + TURNS)]
    assert not server.asked
    short = csconv("judge", log, "--config", config, "--budget", "1.00")
    assert short.code == 3, short.err
    assert "the probe: the budget is used up; the same command goes on from here" in short.err
    assert 0.9 < 0.02 * sum(server.paid.values()) <= 1.0
    assert not verdicts_of(log)
    # 102 questions of the probe at 0.02 each; what is left of the budget goes to the turns.
    rest = csconv("judge", log, "--config", config, "--budget", "1.50")
    assert rest.code == 3, rest.err
    assert sum(server.paid.values()) * 0.02 <= 2.5
    assert verdicts_of(log)
    assert set(server.paid.values()) == {1}

"""`csconv judge probe`, and a judge that must pass it first."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.metrics.judge import load_rubric
from csc_tasks.metrics.judge.probe_cases import load_probe
from tests.door import csconv
from tests.judge_server import JudgeServer, Reply
from tests.judging.runs import TURNS, configured, log_of, verdicts_of

ASKED = 144 + 36 + 72
"""Replies alone, with the reference shown, and pairs in both orders."""


def test_a_probe_reports_each_kind_and_can_be_required(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, require_probe=0.9)
    probing = ("judge", "probe", "--config", config, "--cache", saved / "c.sqlite")
    done = csconv(*probing, "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert 0.2 < report["score"] < 0.9  # this server's verdicts are noise
    assert report["admission"]["least"]["rude"] == 10
    assert set(report["admission"]["below"]) == {
        kind for kind, (right, asked) in report["kinds"].items() if right < (10 if asked == 12 else 7)
    }
    assert len(server.asked) == ASKED
    shown = csconv(*probing)
    assert re.search(r"│ rude +│ +\d of 12 │ +10 │ below │", shown.out)
    assert "fake under turn-zh-2, probe-zh-2: " in shown.out
    assert "grades gained by a word to the judge" in shown.out
    path = Path(shown.out.splitlines()[-1])
    assert re.fullmatch(r"probe-zh-2_turn-zh-2_[0-9a-f]{8}\.json", path.name)
    kept = json.loads(path.read_text())
    assert kept["csconv_probe"] == report
    assert kept["judge"]["rubric"] == "turn-zh-2"
    assert sum(server.asked.values()) == ASKED
    refused = csconv("judge", log_of(saved), "--config", config, "--cache", saved / "c.sqlite")
    assert refused.code == 1
    assert re.search(
        r"fake puts \d+% of the probe's cases in order, 90% is the least of all and, in whole cases, of each kind; "
        r"too few are right of wrong_choice \(\d of 12, at least 10\), ",
        re.sub(r"\s+", " ", refused.err),
    )
    assert sum(server.asked.values()) == ASKED


def test_a_judge_that_fails_one_kind_is_refused_though_nearly_everything_is_in_order(
    saved: Path, server: JudgeServer
) -> None:
    """It is right in all but the calm customers, whom it wants comforted: 96 % of all cases."""
    cases = load_probe()
    pairs = {frozenset((s.fields["first"], s.fields["second"])): s.fields["first"] for s in cases.pairs[::2]}

    def behave(_: str, __: int, request: dict[str, Any]) -> Reply:
        user = request["messages"][1]["content"]
        texts = [t for _, t in re.findall(r"(【.*?】)\n<<<\w+ 开始>>>\n(.*?)\n<<<", user, re.DOTALL)]
        if "【回复甲】" in user:
            better = pairs[frozenset(texts[1:3])]
            scores: dict[str, Any] = {"winner": "甲" if texts[1] == better else "乙"}
        else:
            right = (texts[1], texts[2]) in labelled
            scores = {d.name: 5 if right else 2 for d in load_rubric("turn-zh-2").scales} | {
                "resolved_step": right
            }
            scores["empathy"] = 3 if right else 2
        return Reply(json.dumps({"reason": "依据。", **scores}, ensure_ascii=False))

    labelled = {
        (s.fields["strategy"], s.fields["reply"])
        for s in (*cases.singles, *cases.referenced)
        if s.conversation.endswith(("/gold", "/alternative+reference"))
    }
    server.behave = behave
    config = configured(server, saved.parent, require_probe=0.85)
    refused = csconv("judge", log_of(saved), "--config", config)
    assert refused.code == 1
    said = re.sub(r"\s+", " ", refused.err)
    assert "fake puts 96% of the probe's cases in order" in said
    assert "too few are right of calm (0 of 8, at least 6) (require_probe)" in said
    assert not verdicts_of(log_of(saved))


def test_a_probe_of_before_is_recognised_and_read_and_does_not_count(
    saved: Path, server: JudgeServer
) -> None:
    config = configured(server, saved.parent, require_probe=0.05)
    probing = ("judge", "probe", "--config", config, "--cache", saved / "c.sqlite")
    old = csconv(*probing, "--probe", "probe-zh-1")
    assert old.code == 0, old.err
    assert "fake under turn-zh-1, probe-zh-1: " in old.out
    assert sum(server.asked.values()) == 66 + 36
    # As the release before named them.
    assert {p.name.rsplit("_", 1)[0] for p in saved.glob("probe*.jsonl")} == {
        "probe_turn-zh-1",
        "probe_pairwise-zh-1",
    }
    new = csconv(*probing)
    said = re.sub(r"\s+", " ", new.err)
    assert "is of probe-zh-1, which asked other questions, under turn-zh-1; probe-zh-2 asks its own" in said
    assert sum(server.asked.values()) == 66 + 36 + ASKED
    (saved / "c.sqlite").unlink()  # the journals alone
    again = csconv(*probing, "--probe", "probe-zh-1")
    assert (again.code, again.out) == (0, old.out)
    assert "is of probe-zh-1" not in csconv(*probing).err
    assert sum(server.asked.values()) == 66 + 36 + ASKED
    unknown = csconv(*probing, "--probe", "probe-zh-9")
    assert unknown.code == 1
    assert "no probe 'probe-zh-9'; there are probe-zh-2, probe-zh-1" in unknown.err


def test_a_probe_without_verdicts_says_nothing_and_ends_with_4(saved: Path, server: JudgeServer) -> None:
    server.behave = lambda text, *_: Reply("不好说") if zlib.crc32(text.encode()) % 4 else None
    config = configured(server, saved.parent)
    done = csconv("judge", "probe", "--config", config, "--cache", saved / "c.sqlite")
    assert done.code == 4
    assert re.search(rf"\d+ of {ASKED} questions have no verdict: this says nothing of the judge", done.err)
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
    assert [row[4].strip() for row in rows] == ["144", "36", "72", str(TURNS), str(ASKED + TURNS)]
    assert not server.asked
    short = csconv("judge", log, "--config", config, "--budget", "1.00")
    assert short.code == 3, short.err
    assert "the probe: the budget is used up; the same command goes on from here" in short.err
    assert 0.9 < 0.02 * sum(server.paid.values()) <= 1.0
    assert not verdicts_of(log)
    # 252 questions of the probe at 0.02 each; what is left of the budget goes to the turns.
    rest = csconv("judge", log, "--config", config, "--budget", "4.50")
    assert rest.code == 3, rest.err
    assert sum(server.paid.values()) * 0.02 <= 5.5
    assert verdicts_of(log)
    assert set(server.paid.values()) == {1}

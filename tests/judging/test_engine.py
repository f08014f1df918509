"""The engine against a real local server that misbehaves on cue."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ChatError, ConfigError
from csc_tasks.metrics.judge import Sample, Status

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.judging.estimate import estimate
from csc_tasks.judging.progress import Stop
from tests.judge_server import JudgeServer, Reply, verdict_text
from tests.judging.engines import RUBRIC, Run, all_right, samples

CANARY = "sk-canary-4f1b9d27"


def test_every_sample_gets_its_own_verdict_and_a_second_run_asks_nothing(
    server: JudgeServer, tmp_path: Path
) -> None:
    first = Run(server, tmp_path)
    summary = first(300)
    all_right(first, 300)
    assert set(server.paid.values()) == {1}
    assert summary.asked == 300
    assert len(first.lines) == 300
    assert not list(tmp_path.glob("*-wal"))  # the one file is all there is, and can be moved
    again = Run(server, tmp_path)
    assert again(300).cached == 300
    all_right(again, 300)
    assert sum(server.asked.values()) == 300
    assert len(again.lines) == 300  # nor is anything logged twice


RETRIABLE = {
    "429": Reply(status=429),
    "429 with Retry-After": Reply(status=429, headers={"Retry-After": "0.05"}),
    "500": Reply(status=500),
    "502 with a page": Reply(status=502, body=b"<html>Bad gateway</html>"),
    "503 with Retry-After": Reply(status=503, headers={"Retry-After": "0"}),
    "reset": Reply(fate="reset"),
    "short": Reply("{}", fate="short"),
    "half a response": Reply(body=b'{"choices": [{"message": {"content": "{'),
    "no choices": Reply(body=b'{"choices": []}'),
    "not an object": Reply(body=b"[1, 2]"),
    "empty": Reply(""),
    "null": Reply(None),
    "hang": Reply(fate="hang"),
    "drip": Reply("{}", fate="drip"),
}


@pytest.mark.parametrize("fault", ["500", "reset", "empty"])
def test_what_passes_is_asked_again_and_paid_once(server: JudgeServer, tmp_path: Path, fault: str) -> None:
    server.behave = lambda _, before, __: RETRIABLE[fault] if before < 2 else None
    run = Run(server, tmp_path, timeout=2.0)
    run(5)
    all_right(run, 5)
    assert set(server.asked.values()) == {3}
    assert {text: n for text, n in server.paid.items() if n > 1 and fault not in ("empty",)} == {}
    assert {v.attempts for v in run.verdicts.values()} == {3}


@pytest.mark.parametrize("fault", ["500", "hang"])
def test_what_does_not_pass_fails_with_its_reason(server: JudgeServer, tmp_path: Path, fault: str) -> None:
    server.behave = lambda *_: RETRIABLE[fault]
    run = Run(server, tmp_path, retries=1, timeout=0.5)
    run(3)
    assert run.statuses() == {Status.FAILED}
    assert all(v.reason and v.attempts == 2 and not v.scores for v in run.verdicts.values())


@pytest.mark.slow
def test_one_in_twenty_requests_failing_in_every_way_costs_nothing(
    server: JudgeServer, tmp_path: Path
) -> None:
    kinds = list(RETRIABLE.values())

    def behave(text: str, before: int, _: dict[str, Any]) -> Reply | None:
        # By the text and not by the order of arrival, which differs from run to run.
        fate = zlib.crc32(text.encode())
        return kinds[fate // 20 % len(kinds)] if before == 0 and fate % 20 == 0 else None

    server.behave = behave
    run = Run(server, tmp_path, timeout=6.0, concurrency=32)
    summary = run(1000)
    all_right(run, 1000)
    assert set(server.paid.values()) <= {1, 2}
    assert summary.statuses == {Status.SCORED: 1000}
    # An empty answer is charged for, and still no verdict.
    assert sum(server.paid.values()) - 1000 <= 20
    assert len({line["key"] for line in run.lines}) == len(run.lines) == 1000


def test_a_server_that_wants_to_be_left_alone_for_an_hour_ends_the_run(
    server: JudgeServer, tmp_path: Path
) -> None:
    server.behave = lambda *_: Reply(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(ChatError, match=r"429.*asks to wait 3600 s"):
        Run(server, tmp_path)(20)


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        (Reply("这句不错。"), Status.UNPARSABLE, "no verdict"),
        (Reply('{"reason": "好", "empathy": 4'), Status.UNPARSABLE, "no verdict"),
        (Reply('{"empathy": "4"}'), Status.UNPARSABLE, "strategy_choice is missing"),
        (
            Reply(verdict_text(RUBRIC, "x").replace('"empathy": ', '"empathy": 7')),
            Status.UNPARSABLE,
            "empathy: 7",
        ),
        (Reply('{"reason": "太长', finish="length"), Status.UNPARSABLE, "cut off at max_tokens"),
        (Reply("", finish="length"), Status.UNPARSABLE, "cut off at max_tokens"),
        (Reply("", finish="content_filter"), Status.REFUSED, "content filter"),
        (Reply(None, message={"refusal": "I cannot."}), Status.REFUSED, "declined"),
        (
            Reply(status=400, body=b'{"error": {"code": "content_filter", "message": "flagged"}}'),
            Status.REFUSED,
            "HTTP 400: flagged",
        ),
        (
            Reply(status=400, body=b'{"error": {"message": "bad unicode"}}'),
            Status.FAILED,
            "HTTP 400: bad unicode",
        ),
        (Reply(status=413, body=b"too large"), Status.FAILED, "HTTP 413: too large"),
    ],
)
def test_one_poisoned_text_costs_its_own_verdict_only(
    server: JudgeServer, tmp_path: Path, reply: Reply, status: Status, reason: str
) -> None:
    server.behave = lambda text, *_: reply if "第7件" in text else None
    run = Run(server, tmp_path)
    summary = run(20)
    assert run.verdicts["c1:2"].status is status
    assert reason in run.verdicts["c1:2"].reason
    assert not run.verdicts["c1:2"].scores
    assert summary.statuses == {Status.SCORED: 19, status: 1}
    if isinstance(reply.content, str):
        assert run.verdicts["c1:2"].raw == reply.content  # kept as it came
    # The next run asks for it, and for nothing else; what was asked as often as allowed, only if more is.
    server.behave = lambda *_: None
    again = Run(server, tmp_path, reasks=3)
    assert again(20).asked == 1
    all_right(again, 20)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(status=401), "HTTP 401.*it wants a key, name its variable in api_key_env"),
        (Reply(status=402), "HTTP 402.*no credit"),
        (Reply(status=403), "HTTP 403.*what it is allowed"),
        (Reply(status=404), "HTTP 404.*check model and base_url .asked: http://127"),
        (Reply(status=307, headers={"Location": "http://127.0.0.1:1/"}), "HTTP 307"),
        (
            Reply(status=429, body=b'{"error": {"code": "insufficient_quota"}}'),
            "insufficient_quota.*no credit",
        ),
    ],
)
def test_what_can_never_work_ends_the_run_at_once(
    server: JudgeServer, tmp_path: Path, reply: Reply, message: str
) -> None:
    server.behave = lambda *_: reply
    with pytest.raises(ChatError, match=message):
        Run(server, tmp_path)(500)
    assert sum(server.asked.values()) <= 8


def test_a_server_without_json_schema_is_asked_without_it_from_then_on(
    server: JudgeServer, tmp_path: Path
) -> None:
    complaint = b'{"error": {"message": "response_format is not supported"}}'
    server.behave = lambda _, __, request: (
        Reply(status=400, body=complaint) if "response_format" in request else None
    )
    run = Run(server, tmp_path, concurrency=4)
    run(100)
    all_right(run, 100)
    assert sum("response_format" in r for r in server.requests) <= 4
    strict = Run(server, tmp_path / "on", json_schema="on")
    with pytest.raises(ChatError, match="response_format is not supported; set json_schema: off"):
        strict(3)


def test_a_server_that_dies_and_comes_back_loses_nothing(server: JudgeServer, tmp_path: Path) -> None:
    server.latency = 0.01
    restarts: list[threading.Thread] = []

    def restart() -> None:
        server.die()
        time.sleep(0.4)
        server.start()

    def behave(*_: Any) -> None:
        if sum(server.asked.values()) >= 60 and not restarts:
            restarts.append(threading.Thread(target=restart))
            restarts[0].start()

    server.behave = behave
    run = Run(server, tmp_path, backoff=0.1, retries=9)
    run(200)
    restarts[0].join()
    all_right(run, 200)
    assert sum(server.paid.values()) <= 200 + 8  # what was under way when it died


def test_a_server_that_is_gone_ends_the_run_and_keeps_what_was_said(
    server: JudgeServer, tmp_path: Path
) -> None:
    run = Run(server, tmp_path, retries=1)
    server.behave = lambda *_: Reply(fate="reset") if sum(server.asked.values()) > 50 else None
    with pytest.raises(
        ChatError, match=r"the last 10 requests failed, each after every retry .*same command again"
    ):
        run(500)
    assert sum(server.asked.values()) < 100
    server.behave = lambda *_: None
    again = Run(server, tmp_path)
    assert again(500).cached == 50
    all_right(again, 500)
    assert set(server.paid.values()) == {1}


PRICES = {"input_price": 10.0, "output_price": 100.0, "max_tokens": 200}
COST = (10.0 * 1000 + 100.0 * 100) / 1e6


def test_the_budget_is_never_exceeded_and_the_run_can_be_resumed(server: JudgeServer, tmp_path: Path) -> None:
    limit = 50 * COST
    run = Run(server, tmp_path, budget=limit, **PRICES)
    summary = run(100)
    assert summary.stopped is Stop.BUDGET
    assert 45 * COST <= summary.cost <= limit
    assert summary.cost == pytest.approx(sum(server.paid.values()) * COST)
    assert summary.statuses[Status.SCORED] == summary.asked
    assert run.verdicts["c19:4"].reason == "the budget is used up"
    assert summary.done == 100
    again = Run(server, tmp_path, **PRICES)
    again(100)
    all_right(again, 100)
    assert set(server.paid.values()) == {1}
    with pytest.raises(ConfigError, match="a budget needs input_price and output_price"):
        Run(server, tmp_path, budget=1.0)


def test_an_estimate_counts_what_is_missing_and_asks_nothing(server: JudgeServer, tmp_path: Path) -> None:
    Run(server, tmp_path, **PRICES)(30)
    run = Run(server, tmp_path, **PRICES)
    twice = [*samples(100), *samples(100)]
    found = estimate(run.questions, run.cache, run.journal_path, twice)
    assert (found.samples, found.cached, found.requests) == (200, 130, 70)
    assert found.completion_tokens == 70 * 200
    assert found.cost == pytest.approx((10 * found.prompt_tokens + 100 * 70 * 200) / 1e6)
    double = found + found
    assert (double.samples, double.requests) == (400, 140)
    assert sum(server.asked.values()) == 30


def test_the_same_text_twice_is_asked_once(server: JudgeServer, tmp_path: Path) -> None:
    server.latency = 0.05
    twins = [Sample(f"c{i}", 0, samples(1)[0].fields) for i in range(20)]
    run = Run(server, tmp_path)
    run(twins)
    assert sum(server.asked.values()) == 1
    assert len(run.verdicts) == 20
    assert run.statuses() == {Status.SCORED}
    assert [line["cached"] for line in run.lines].count(False) == 1


def test_texts_that_are_the_same_share_what_became_of_them(server: JudgeServer, tmp_path: Path) -> None:
    server.latency = 0.05
    server.behave = lambda *_: Reply("不好说")
    run = Run(server, tmp_path)
    progress = run([Sample(f"c{i}", 0, samples(1)[0].fields) for i in range(5)])
    assert sum(server.asked.values()) == 3
    assert progress.asked == 1
    assert progress.statuses == {Status.UNPARSABLE: 5}


def test_a_model_that_said_nothing_gets_the_lowest_grades_without_being_asked_about(
    server: JudgeServer, tmp_path: Path
) -> None:
    silent = Sample("c0", 0, {**samples(1)[0].fields, "reply": ""}, silent=True)
    run = Run(server, tmp_path)
    run([silent])
    assert not server.asked
    verdict = run.verdicts["c0:0"]
    assert verdict.status is Status.SCORED
    assert set(verdict.scores.values()) == {1, False}
    assert verdict.flags == ("silent",)


@pytest.mark.parametrize(("change", "kept"), [({"temperature": 0.5}, 0), ({"concurrency": 3}, 3)])
def test_an_old_verdict_serves_unless_something_changed_that_can_change_it(
    server: JudgeServer, tmp_path: Path, change: dict[str, Any], kept: int
) -> None:
    """What can change it: test_questions has all of it."""
    Run(server, tmp_path)(3)
    assert Run(server, tmp_path, **change)(3).cached == kept


def test_a_key_is_the_same_in_every_release_so_that_kept_verdicts_go_on_serving(
    server: JudgeServer, tmp_path: Path
) -> None:
    run = Run(server, tmp_path, extra_body={"b": "é", "a": None})
    run(1)
    titles = [block.title for block in RUBRIC.blocks]
    shown = list(zip(titles, ["客户: 第0件事\n", "信息传达", "好的，第0件。"], strict=False))
    identity = [1, run.config.parameters, RUBRIC.sha256, shown]
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    assert run.lines[0]["key"] == hashlib.sha256(text.encode()).hexdigest()[:40]

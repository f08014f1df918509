"""An answer that is no verdict is asked for again: how often, with what, and what that costs."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.judging.estimate import estimate
from csc_tasks.judging.progress import Stop
from csc_tasks.metrics.judge import Status
from tests.door import csconv
from tests.judge_server import Behaviour, JudgeServer, Reply, verdict_text
from tests.judging.engines import RUBRIC, Run, all_right, samples
from tests.judging.runs import TURNS, configured, log_of, verdicts_of

PROSE = Reply("不好说")
PRICES = {"input_price": 10.0, "output_price": 100.0, "max_tokens": 200}
COST = (10.0 * 1000 + 100.0 * 100) / 1e6


def one_bad(text: str, reply: Reply = PROSE) -> Behaviour:
    return lambda judged, *_: reply if text in judged else None


@pytest.mark.parametrize(
    ("reply", "attempts"),
    [
        (PROSE, 3),
        (Reply('{"reason": "好", "empathy": 4'), 3),
        (Reply("{}"), 3),
        (Reply('{"empathy": 4}'), 3),  # the others are missing
        (Reply(verdict_text(RUBRIC, "x").replace('"empathy": ', '"empathy": 1')), 3),  # a grade of 11 to 15
        (Reply("<think>嗯"), 3),
        (Reply("抱歉，我不能评价。"), 3),  # a refusal in prose looks like any other prose
        (Reply("不好说", finish="length"), 1),  # it would end there again
        (Reply("", finish="length"), 1),
        (Reply("", finish="content_filter"), 1),  # a filter decides by the text
        (Reply(status=400), 1),  # not paid for, and no answer
    ],
)
def test_what_is_asked_again(server: JudgeServer, tmp_path: Path, reply: Reply, attempts: int) -> None:
    server.behave = one_bad("第7件", reply)
    run = Run(server, tmp_path, json_schema="off")
    progress = run(20)
    assert sum(server.asked.values()) == 19 + attempts
    assert (progress.asked, progress.reasked) == (20, attempts - 1)
    assert progress.prompt_tokens == 1000 * (19 + attempts * (reply.status == 200))
    assert len(run.lines) == 19 + attempts  # each answer is in the journal


def test_three_answers_in_a_hundred_cut_in_half_cost_no_verdict(server: JudgeServer, tmp_path: Path) -> None:
    luck = random.Random(0)

    def behave(text: str, _: int, request: dict[str, Any]) -> Reply | None:
        return Reply(verdict_text(RUBRIC, text)[:40]) if luck.random() < 0.03 else None

    server.behave = behave
    run = Run(server, tmp_path)
    progress = run(400)
    all_right(run, 400)
    assert progress.reasked == sum(server.asked.values()) - 400 > 3
    assert Run(server, tmp_path)(400).cached == 400


def test_each_attempt_has_another_seed_and_the_third_other_delimiters(
    server: JudgeServer, tmp_path: Path
) -> None:
    server.behave = lambda *_: PROSE
    Run(server, tmp_path, seed=7)(1)
    assert [request["seed"] for request in server.requests] == [7, 8, 9]
    first, second, third = (request["messages"][1]["content"] for request in server.requests)
    assert first == second != third
    server.requests.clear()
    Run(server, tmp_path, seed=None)(1)
    assert len({json.dumps(request) for request in server.requests}) == 3
    assert all("seed" not in request for request in server.requests)


@pytest.mark.parametrize("lost", ["nothing", "cache", "journal"])
def test_the_same_command_asks_only_what_is_left_of_the_attempts(
    server: JudgeServer, tmp_path: Path, lost: str
) -> None:
    server.behave = one_bad("第7件")
    for reasks, asked in [(1, 2), (1, 0), (2, 1), (2, 0), (0, 0), (4, 2)]:
        server.asked.clear()
        server.requests.clear()
        run = Run(server, tmp_path, reasks=reasks)
        run(20)
        bad = [request for request in server.requests if "第7件" in request["messages"][1]["content"]]
        assert len(bad) == asked
        assert run.verdicts["c1:2"].status is Status.UNPARSABLE
        if lost == "cache":
            (tmp_path / "cache.sqlite").unlink()
        if lost == "journal":
            run.journal_path.unlink()
    assert {request["seed"] for request in bad} == {3, 4}  # no request was sent twice
    server.behave = lambda *_: None
    again = Run(server, tmp_path, reasks=5)
    again(20)
    all_right(again, 20)


def test_an_answer_that_was_cut_off_is_asked_for_by_the_next_commands_until_the_attempts_are_used_up(
    server: JudgeServer, tmp_path: Path
) -> None:
    server.behave = one_bad("第7件", Reply('{"reason": "太', finish="length"))
    assert [Run(server, tmp_path)(20).asked for _ in range(5)] == [20, 1, 1, 0, 0]


def test_every_attempt_is_paid_from_the_budget_and_the_next_run_goes_on(
    server: JudgeServer, tmp_path: Path
) -> None:
    server.behave = lambda *_: PROSE
    run = Run(server, tmp_path, budget=2.5 * COST, concurrency=1, **PRICES)
    progress = run(3)
    assert progress.stopped is Stop.BUDGET
    paid = sum(server.paid.values())
    assert progress.cost == pytest.approx(paid * COST)
    assert progress.cost <= 2.5 * COST
    assert run.verdicts["c0:0"].status is Status.UNPARSABLE
    assert run.verdicts["c0:2"].status is Status.SKIPPED
    Run(server, tmp_path, **PRICES)(3)
    assert sum(server.paid.values()) == 9
    assert Run(server, tmp_path, **PRICES)(3).asked == 0


def test_an_estimate_says_what_all_attempts_can_cost(server: JudgeServer, tmp_path: Path) -> None:
    server.behave = lambda *_: PROSE
    Run(server, tmp_path, reasks=0, **PRICES)(2)
    run = Run(server, tmp_path, **PRICES)
    found = estimate(run.questions, run.cache, run.journal_path, samples(10))
    assert (found.requests, found.most_requests) == (10, 8 * 3 + 2 * 2)
    assert found.most_cost == pytest.approx(
        sum(
            run.config.cost(run.questions.task(sample).request.tokens, 200) * (2 if i < 2 else 3)
            for i, sample in enumerate(samples(10))
        )
    )


def test_the_command_says_what_was_asked_again_and_what_could_be(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent, input_price=1.0, output_price=2.0)
    log = log_of(saved)
    dry = csconv("judge", log, "--config", config, "--dry-run")
    assert f"at most {3 * TURNS:,} requests, " in dry.out
    server.behave = lambda text, before, _: PROSE if before == 0 and len(text) % 9 == 0 else None
    done = csconv("judge", log, "--config", config)
    assert done.code == 0, done.err
    bad = sum(server.asked.values()) - len(server.asked)
    assert bad > 3
    assert f"{bad} asked again" in done.err
    content = json.loads(Path(done.out.strip()).read_text())["csconv_judged"]
    assert (content["reasked"], content["coverage"]) == (bad, 1.0)
    scored = [line for line in verdicts_of(log) if line["status"] == "scored"]
    assert (len(scored), len(verdicts_of(log))) == (TURNS, TURNS + bad)


def test_pairs_and_the_probe_ask_again_too(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent)
    server.behave = lambda text, before, _: PROSE if before == 0 and len(text) % 5 == 0 else None
    runs = [saved / "csconv-random", saved / "csconv-shuffle"]
    done = csconv("judge", "--pairwise", *runs, "--config", config, "--sample", "30")
    assert done.code == 0, done.err
    assert sum(server.asked.values()) > len(server.asked)
    asked = sum(server.asked.values()) - len(server.asked)
    probed = csconv("judge", "probe", "--config", config, "--cache", saved / "c.sqlite", "--json")
    assert json.loads(probed.out)["unscored"] == 0
    assert sum(server.asked.values()) - len(server.asked) > asked

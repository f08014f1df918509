"""A judge that gives no verdict is left alone after twenty answers, whatever they are and however many are asked."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.doctor import diagnose
from csc_tasks.errors import ConfigError
from csc_tasks.judging.progress import Stop
from csc_tasks.metrics.judge import Status
from tests.door import csconv
from tests.judge_server import JudgeServer, Reply, judged_text
from tests.judging.engines import Run, all_right, samples
from tests.judging.runs import configured, log_of, verdicts_of
from tests.running import FunctionLM, evaluate, gold

PROSE = Reply("不好说")
KINDS = {
    "prose": PROSE,
    "refusal in prose": Reply("抱歉，我无法评价。"),
    "thinking that is cut off": Reply("<think>嗯……", finish="length"),
    "thinking alone": Reply(None, message={"reasoning_content": "嗯……"}),
    "nothing but white space": Reply("\n" * 900, finish="length"),
    "a tool call": Reply(
        None, finish="tool_calls", message={"tool_calls": [{"function": {"name": "grade"}}]}
    ),
    "filtered": Reply("", finish="content_filter"),
    "refused": Reply(None, message={"refusal": "No."}),
    "another rubric": Reply('{"score": 5}'),
    "400": Reply(status=400),
    "500": Reply(status=500),
    "reset": Reply(fate="reset"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("concurrency", "count"), [(1, 300), (64, 300), (64, 30)])
def test_twenty_answers_without_a_verdict_end_a_run(
    server: JudgeServer, tmp_path: Path, kind: str, concurrency: int, count: int
) -> None:
    server.behave = lambda *_: KINDS[kind]
    run = Run(server, tmp_path, concurrency=concurrency, json_schema="off", retries=0)
    progress = run(count)
    assert progress.stopped is Stop.HOPELESS
    assert sum(server.asked.values()) <= 20
    assert progress.statuses[Status.SCORED] == 0
    assert progress.done == count  # the others are heard of as skipped
    assert "m: none of its first 20 answers is a verdict" in progress.trouble or (
        "m: the last" in progress.trouble and "requests failed (" in progress.trouble
    )


def test_kinds_may_be_mixed(server: JudgeServer, tmp_path: Path) -> None:
    kinds = itertools.cycle(KINDS.values())
    server.behave = lambda *_: next(kinds)
    progress = Run(server, tmp_path, json_schema="off", retries=0)(300)
    assert progress.stopped is Stop.HOPELESS
    assert sum(server.asked.values()) == 20


def test_the_command_tells_what_came_and_what_to_do_and_ends_with_4(saved: Path, server: JudgeServer) -> None:
    answers = itertools.cycle(["看情况\x1b[2J\u202e\n分数", "[bold]好[/bold]", "很好" * 500, "也好"])
    server.behave = lambda *_: Reply(next(answers))
    config = configured(server, saved.parent, concurrency=4)
    done = csconv("judge", log_of(saved), "--config", config)
    assert done.code == 4
    assert "none of its first 20 answers is a verdict (20 × unparsable: no verdict in the answer)" in done.err
    assert "\n  看情况\\x1b[2J\\u202e 分数\n  [bold]好[/bold]\n  很好很好" in done.err
    assert "What to do: take a judge, or a server, that keeps to a JSON schema" in done.err
    assert max(len(line) for line in done.err.splitlines()) < 400
    assert sum(server.paid.values()) == 20
    content = json.loads(Path(done.out.strip()).read_text())["csconv_judged"]
    assert content["statuses"]["scored"] == 0
    assert "coverage 0.000 is below" in content["withheld"]
    assert all(line["status"] == "unparsable" for line in verdicts_of(log_of(saved)))


@pytest.mark.parametrize(
    ("reply", "cure"),
    [
        (Reply("<think>嗯", finish="length"), "raise max_tokens, or let the judge think less"),
        (Reply("<think>嗯"), "switch the judge's thinking off"),
        (Reply(None, message={"reasoning": "嗯"}), "switch the judge's thinking off"),
        (Reply("", finish="content_filter"), "take another judge"),
        (Reply(None, message={"tool_calls": [{}]}), "extra_body: {tool_choice: none}"),
        (Reply(status=400, body=b'{"message": "too long \\u001b[1m"}'), "too long \\x1b[1m"),
    ],
)
def test_the_cure_fits_what_came(server: JudgeServer, tmp_path: Path, reply: Reply, cure: str) -> None:
    server.behave = lambda *_: reply
    assert cure in Run(server, tmp_path, concurrency=32, json_schema="off")(50).trouble


def test_a_hopeless_judge_costs_less_each_time_and_soon_nothing(server: JudgeServer, tmp_path: Path) -> None:
    server.behave = lambda *_: PROSE
    paid = []
    for _ in range(4):
        server.paid.clear()
        assert Run(server, tmp_path)(300).stopped is Stop.HOPELESS
        paid.append(sum(server.paid.values()))
    assert paid[0] == 20
    assert paid[1] < 20
    assert paid[3] == 0
    server.behave = lambda *_: None
    cured = Run(server, tmp_path, reasks=3)
    cured(300)
    all_right(cured, 300)


def test_a_run_with_few_questions_ends_by_itself_without_scores(server: JudgeServer, tmp_path: Path) -> None:
    server.behave = lambda *_: PROSE
    progress = Run(server, tmp_path)(5)
    assert progress.stopped is None
    assert progress.statuses == {Status.UNPARSABLE: 5}
    assert sum(server.paid.values()) == 15


def test_a_judge_that_finds_its_way_in_time_goes_on(server: JudgeServer, tmp_path: Path) -> None:
    server.behave = lambda *_: PROSE if sum(server.asked.values()) < 20 else None
    run = Run(server, tmp_path, concurrency=64)
    progress = run(300)
    assert progress.stopped is None
    assert progress.statuses[Status.SCORED] > 290


def test_texts_that_a_proven_judge_cannot_judge_end_no_run(server: JudgeServer, tmp_path: Path) -> None:
    def behave(text: str, *_: Any) -> Reply | None:
        return Reply("", finish="content_filter") if int(text[4:-2]) >= 100 else None

    server.behave = behave
    for asked in (140, 40, 40, 0):
        progress = Run(server, tmp_path)(140)
        assert (progress.stopped, progress.asked) == (None, asked)
        assert progress.statuses == {Status.SCORED: 100, Status.REFUSED: 40}


def test_a_proven_judge_that_is_broken_by_now_ends_the_run_after_twenty(
    server: JudgeServer, tmp_path: Path
) -> None:
    Run(server, tmp_path)(100)
    server.paid.clear()
    server.behave = lambda *_: PROSE
    progress = Run(server, tmp_path, concurrency=64)(400)
    assert progress.stopped is Stop.HOPELESS
    assert sum(server.paid.values()) <= 40  # each of twenty questions, and those under way again
    assert progress.statuses[Status.SCORED] == 100


def test_twins_of_one_bad_text_count_once(server: JudgeServer, tmp_path: Path) -> None:
    bad = samples(1) * 50
    twins = [each.__class__(f"t{i}", 0, each.fields) for i, each in enumerate(bad)]
    server.behave = lambda text, *_: PROSE if "第0件" in text else None
    for _ in range(2):
        progress = Run(server, tmp_path)([*twins, *samples(30)[1:]])
        assert progress.stopped is None
        assert progress.statuses == {Status.UNPARSABLE: 50, Status.SCORED: 29}


@pytest.mark.parametrize(
    "kind", ["prose", "thinking that is cut off", "thinking alone", "filtered", "a tool call"]
)
def test_the_check_before_a_run_wants_a_verdict_and_not_just_an_answer(
    server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path))
    server.behave = lambda *_: KINDS[kind]
    config = configured(server, tmp_path)
    model = FunctionLM(gold)
    with pytest.raises(
        ConfigError, match=r"the judge fake answers, but gives no verdict \((.|\n)*What to do: "
    ):
        evaluate(model, ["csconv_mini_response"], metadata={"csconv_judge": str(config)}, limit=2)
    assert model.requests == []
    assert 1 <= sum(server.asked.values()) <= 5
    (found,) = (check for check in diagnose(judge=config) if check.name == "judge")
    assert found.ok is False
    assert "gives no verdict" in found.detail


def test_the_check_asks_again_as_a_run_would(server: JudgeServer, tmp_path: Path) -> None:
    seen: list[str] = []

    def behave(_: str, __: int, request: dict[str, Any]) -> Reply | None:
        seen.append(judged_text(request["messages"][1]["content"]))
        return PROSE if len(seen) < 3 else None

    server.behave = behave
    (found,) = (check for check in diagnose(judge=configured(server, tmp_path)) if check.name == "judge")
    assert (found.ok, found.detail) == (True, f"fake answers at {server.url}, with a verdict")
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("fields", "said"), [({"retries": 0}, "failed ("), ({"retries": 1}, "failed, each after every retry (")]
)
def test_a_dead_server_is_said_to_have_been_retried_only_where_it_was(
    server: JudgeServer, tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    server.behave = lambda *_: Reply(fate="reset")
    assert said in Run(server, tmp_path, **fields)(50).trouble
    server.behave = lambda *_: Reply(status=400)  # asked twice, for the schema, and not retried
    refused = Run(server, tmp_path / "refused", **fields)(50).trouble
    assert "requests failed (HTTP 400" in refused


def test_an_answer_without_an_end_is_kept_in_part(server: JudgeServer, tmp_path: Path) -> None:
    server.behave = lambda *_: Reply("好" * 200_000)
    run = Run(server, tmp_path, reasks=0)
    run(1)
    assert run.lines[0]["raw"] == "好" * 2**16 + "… [134,464 more characters]"

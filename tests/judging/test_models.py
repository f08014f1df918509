"""The model that a server says it answered with stands with each verdict; a change is warned of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from tests.door import csconv
from tests.judge_server import JudgeServer, Reply, judged_text, verdict_text
from tests.judging.engines import Run
from tests.judging.runs import TURNS, configured, log_of, verdicts_of


def answering_as(model: Any, server: JudgeServer) -> Any:
    def behave(text: str, _: int, request: dict[str, Any]) -> Reply:
        system, user = (message["content"] for message in request["messages"])
        said = verdict_text(server.rubrics[system], judged_text(user))
        name = model(sum(server.asked.values())) if callable(model) else model
        body = {"model": name, "choices": [{"message": {"content": said}, "finish_reason": "stop"}]}
        return Reply(said, body=json.dumps(body).encode())

    return behave


def test_a_change_in_the_middle_is_warned_of_and_stands_in_the_results(
    saved: Path, server: JudgeServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = answering_as(lambda asked: "fake-0901" if asked <= 100 else "fake\x1b[2J-1001", server)
    config = configured(server, saved.parent, concurrency=1)
    done = csconv("judge", log_of(saved), "--config", config)
    assert done.code == 0, done.err
    warned = [message for message in caplog.messages if "the server says that" in message]
    assert len(warned) == 1
    assert (
        "that fake\\x1b[2J-1001 answers, and before it was fake-0901; the scores are not of one" in warned[0]
    )
    assert "the server answered as more than one model: fake\\x1b[2J-1001 (" in done.err
    content = json.loads(Path(done.out.strip()).read_text())["csconv_judged"]
    assert set(content["models"]) == {"fake-0901", "fake\\x1b[2J-1001"}
    assert sum(content["models"].values()) == TURNS
    assert {line["model"] for line in verdicts_of(log_of(saved))} == set(content["models"])
    again = csconv("judge", log_of(saved), "--config", config)
    assert json.loads(Path(again.out.strip()).read_text())["csconv_judged"]["models"] == content["models"]


def test_another_model_than_in_an_earlier_run_is_a_change_too(
    server: JudgeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = answering_as("a", server)
    Run(server, tmp_path)(10)
    assert not caplog.messages
    server.behave = answering_as("b", server)
    Run(server, tmp_path)(20)
    assert caplog.messages == [
        "m: the server says that b answers, and before it was a; the scores are not of one judge"
    ]


def test_a_server_with_a_new_name_each_time_is_told_of_a_few_times(
    server: JudgeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = answering_as(lambda asked: f"m-{asked}", server)
    run = Run(server, tmp_path)
    run(50)
    assert 1 <= len(caplog.messages) <= 6
    assert all(verdict.model.startswith("m-") for verdict in run.verdicts.values())


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 10**400, "completion_tokens": 10**400},
        {"prompt_tokens": -1, "completion_tokens": "x"},
        {},
    ],
)
def test_a_budget_holds_whatever_the_server_counts(server: JudgeServer, tmp_path: Path, usage: Any) -> None:
    def behave(text: str, _: int, request: dict[str, Any]) -> Reply:
        reply = server.good(request)
        reply.usage = usage or {"total": 1}
        return reply

    server.behave = behave
    prices = {"input_price": 10.0, "output_price": 100.0, "max_tokens": 200}
    run = Run(server, tmp_path, budget=0.5, **prices)
    progress = run(100)
    assert progress.stopped is not None
    assert 0.3 < progress.cost <= 0.5
    assert 10 < progress.asked < 50

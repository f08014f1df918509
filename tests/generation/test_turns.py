"""Reference context: an error is no answer, what a window cuts is counted, and a failing model loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.data.shipped import tiny_model
from csc_tasks.errors import HarnessError
from tests.chat_server import ChatServer, Reply
from tests.running import FunctionLM, evaluate, gold, scores

pytest.importorskip("aiohttp", reason="needs lm-eval[api]")
pytest.importorskip("tenacity", reason="needs lm-eval[api]")
RESPONSE, DIALOGUE = "csconv_mini_response", "csconv_mini_dialogue"
SAID = "[提供建议] 您先重启一下光猫，再看看。"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        running.good = lambda request: Reply(SAID)  # type: ignore[method-assign]
        yield running


def chat(server: ChatServer, task: str, **options: Any) -> dict[str, Any]:
    arguments = f"model=m,base_url={server.url}/chat/completions,num_concurrent=4,max_retries=1"
    return evaluate(
        "local-chat-completions", [task], model_args=arguments, apply_chat_template=True, **options
    )


def body(**content: Any) -> bytes:
    return json.dumps(content).encode()


def choice(message: dict[str, Any], finish: str = "stop") -> bytes:
    return body(choices=[{"index": 0, "finish_reason": finish, "message": message}])


ERRORS = {
    "an error body": body(error={"message": "upstream overloaded"}),
    "an error in words": body(error="upstream overloaded"),
    "a detail": body(detail="upstream overloaded"),
    "no choices": body(choices=[]),
    "choices that are null": body(choices=None),
    "a null content": choice({"role": "assistant", "content": None}),
    "a content that is a number": choice({"role": "assistant", "content": 7}),
    "no message": body(choices=[{"index": 0}]),
    "no object": b"[]",
}


@pytest.mark.parametrize("task", [RESPONSE, DIALOGUE])
@pytest.mark.parametrize("what", ERRORS)
def test_an_error_with_status_200_is_counted_as_failed_and_not_kept(
    server: ChatServer, tmp_path: Path, what: str, task: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad: set[str] = set()

    def behave(text: str, before: int, request: dict[str, Any]) -> Reply | None:
        bad.add(text) if len(server.asked) == 3 else None
        return Reply(body=ERRORS[what]) if text in bad else None

    server.behave = behave
    limit = {RESPONSE: 6, DIALOGUE: 1}[task]
    first = scores(chat(server, task, limit=limit, use_cache=str(tmp_path / "kept")), task)
    assert first["failed"] > 0
    assert first["no_answer"] == 0
    assert "with --use_cache the same command asks for these again" in caplog.text.replace("With", "with")
    if "overloaded" in str(ERRORS[what]):
        assert "upstream overloaded" in caplog.text
    (again,) = bad
    server.behave = lambda *_: None
    server.asked.clear()
    second = scores(chat(server, task, limit=limit, use_cache=str(tmp_path / "kept")), task)
    assert second["failed"] == second["no_answer"] == 0
    assert server.asked[again] == 1
    if task == RESPONSE:
        assert set(server.asked) == {again}


@pytest.mark.parametrize(
    ("payload", "metric"),
    [
        (choice({"role": "assistant", "content": ""}), "no_answer"),
        (choice({"content": None, "reasoning_content": "先想想"}), "no_answer"),
        (choice({"content": None}, "length"), "no_answer"),
        (choice({"content": None}, "content_filter"), "no_answer"),
        (choice({"content": None, "tool_calls": [{"id": "1"}]}, "tool_calls"), "no_answer"),
        (choice({"content": None, "refusal": "我不能回答。"}), "strategy_invalid"),
        (choice({"content": [{"type": "text", "text": SAID}]}), ""),
        (choice({"content": [{"type": "thinking", "thinking": "嗯"}, {"type": "text", "text": SAID}]}), ""),
        (choice({"content": SAID, "reasoning_content": "先想想"}), ""),
        (body(choices=[{"message": {"content": SAID}}]), ""),
    ],
)
def test_what_a_model_said_or_left_unsaid_is_no_failure(
    server: ChatServer, payload: bytes, metric: str
) -> None:
    server.behave = lambda *_: Reply(body=payload)
    results = chat(server, RESPONSE, limit=2)
    got = scores(results, RESPONSE)
    assert got["failed"] == 0
    for name in ("no_answer", "strategy_invalid"):
        assert got[name] == (1.0 if metric in (name, "no_answer") else 0.0)
    if not metric:
        records = [json.loads(str(s["filtered_resps"][0])) for s in results["samples"][RESPONSE]]
        assert {record["text"] for record in records} == {"您先重启一下光猫，再看看。"}


@pytest.mark.parametrize("task", [RESPONSE, DIALOGUE])
def test_who_the_server_says_answered_stands_in_log_and_report(
    server: ChatServer, task: str, caplog: pytest.LogCaptureFixture
) -> None:
    def behave(text: str, before: int, request: dict[str, Any]) -> Reply:
        name = "gpt-x-2026-01" if len(server.asked) < 4 else "gpt-x-2026-02"
        good = {"index": 0, "finish_reason": "stop", "message": {"content": SAID}}
        return Reply(body=body(choices=[good], model=name))

    server.behave = behave
    results = chat(server, task, limit={RESPONSE: 8, DIALOGUE: 1}[task])
    models = results["configs"][task]["metadata"]["csconv_report"]["signs"]["models"]
    assert set(models) == {"gpt-x-2026-01", "gpt-x-2026-02"}
    assert "several models answered" in caplog.text
    records = [json.loads(str(r)) for s in results["samples"][task] for r in s["filtered_resps"]]
    assert {record["model"] for record in records} == set(models)


@pytest.mark.parametrize(
    "task", [pytest.param("csconv_mini_response", marks=pytest.mark.slow), "csconv_mini_strategy_mc"]
)
def test_prompts_longer_than_the_window_are_counted_in_reference_context_too(task: str) -> None:
    def run(window: int) -> tuple[dict[str, Any], list[bool]]:
        arguments = f"pretrained={tiny_model()},max_length={window}"
        results = evaluate(
            "hf",
            [task],
            model_args=arguments,
            limit=12,
            batch_size=4,
            device="cpu",
            **({} if task.endswith("mc") else {"gen_kwargs": {"max_gen_toks": 8}}),
        )
        logged = [s["filtered_resps"][0] for s in results["samples"][task]]
        records = [json.loads(value if isinstance(value, str) else value[-1]) for value in logged]
        counts = results["configs"][task]["metadata"]["csconv_report"]["signs"]["counts"]
        return counts, [record.get("truncated", False) for record in records]

    counts, flags = run(4096)
    assert not any(flags)
    assert "truncated" not in counts
    counts, flags = run(1600)
    assert 0 < flags.count(True) < 12
    assert counts["truncated"] == flags.count(True)
    # Within a conversation prompts only grow: once too long, always too long.
    assert flags == sorted(flags)


class DyingLM(FunctionLM):
    """Reports each answer to the cache's hook as it comes, as real backends do, and fails on the way."""

    def __init__(self, reply: Callable[[Instance], Any], dies_at: int) -> None:
        super().__init__(reply)
        self.dies_at = dies_at

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        answers = []
        for request in requests:
            if len(self.requests) == self.dies_at:
                raise RuntimeError("out of memory")
            self.requests.append(request)
            answers.append(self.reply(request))
            self.cache_hook.add_partial("generate_until", request.args, answers[-1])
        return answers


def test_a_model_that_fails_in_reference_context_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match=r"out of memory.*--use_cache csconv_rescue_"):
        evaluate(DyingLM(gold, 9), [RESPONSE], limit=13)
    (rescued,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    lm = DyingLM(gold, 999)
    results = evaluate(lm, [RESPONSE], limit=13, use_cache=str(rescued).removesuffix("_rank0.db"))
    assert len(lm.requests) == 4
    assert scores(results, RESPONSE)["rouge_l"] == 1.0


def test_a_backend_with_too_few_answers_shifts_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    class Short(FunctionLM):
        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
            return super().generate_until(requests)[:-1]

    with pytest.raises(HarnessError, match="returned 4 answers to 5 requests"):
        evaluate(Short(gold), [RESPONSE], limit=5)

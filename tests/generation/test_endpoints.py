"""OpenAI-style endpoints: completions and chat, many requests at once, nulls, and killed runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from csc_tasks.data.sources import load
from csc_tasks.framework import Strategy
from csc_tasks.harness.registration import configs_folder
from csc_tasks.protocol.turns import turn_docs
from tests.running import FunctionLM, evaluate, scores

pytest.importorskip("aiohttp", reason="needs lm-eval[api]")
pytest.importorskip("tenacity", reason="needs lm-eval[api]")
TURNS = len(list(turn_docs(load("mini").conversations)))


def answer(prompt: str) -> str:
    """A model that is a function of its prompt, and of its own last answer in it."""
    names = [s.zh for s in Strategy]
    number = sum(prompt.encode()) % 12
    return f"[{names[number]}] 第{number}种说法，{prompt[-12:]!r}"


class Endpoint:
    """A local server for both APIs. Requests from number ``hang_at`` on are never answered."""

    def __init__(self, server: HTTPServer, reply: Callable[[str], str | None] = answer) -> None:
        self.reply = reply
        self.prompts: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0
        self.latency = 0.0  # seconds
        self.hang_at = sys.maxsize
        self.hanging = threading.Event()
        self.released = threading.Event()
        self._lock = threading.Lock()
        self.url = server.url_for("/v1")
        server.expect_request("/v1/chat/completions").respond_with_handler(self._handle)
        server.expect_request("/v1/completions").respond_with_handler(self._handle)

    def _handle(self, request: Request) -> Response:
        body = json.loads(request.data)
        chat = "messages" in body
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        prompt = prompt[0] if isinstance(prompt, list) else prompt
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            hang = len(self.prompts) >= self.hang_at
            if not hang:
                self.prompts.append(prompt)
                self.bodies.append(body)
        if hang:
            self.hanging.set()
            self.released.wait(60)
        time.sleep(self.latency)
        text = self.reply(prompt)
        with self._lock:
            self.at_once -= 1
        choice = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        return Response(
            json.dumps({"choices": [{"index": 0, "finish_reason": "stop", **choice}]}),
            content_type="application/json",
        )


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as http:
        yield http


def chat(endpoint: Endpoint, tasks: list[str], concurrent: int = 16, **options: Any) -> dict[str, Any]:
    url = f"{endpoint.url}/chat/completions"
    arguments = f"model=m,base_url={url},num_concurrent={concurrent},tokenized_requests=False,max_retries=1"
    return evaluate(
        "local-chat-completions", tasks, model_args=arguments, apply_chat_template=True, **options
    )


@pytest.mark.slow
def test_all_three_tasks_run_on_a_chat_endpoint_with_sixteen_requests_at_once(server: HTTPServer) -> None:
    endpoint = Endpoint(server)
    endpoint.latency = 0.02
    results = chat(endpoint, ["csconv_mini"])
    assert len(endpoint.prompts) == 3 * TURNS
    assert 8 <= endpoint.most_at_once <= 16

    def same(request: Instance) -> str:
        return answer(re.findall(r"<\|user\|>(.*?)<\|end\|>", request.args[0], re.DOTALL)[-1])

    expected = evaluate(FunctionLM(same), ["csconv_mini"], apply_chat_template=True)
    for task in ("csconv_mini_strategy", "csconv_mini_response", "csconv_mini_dialogue"):
        assert scores(results, task) == scores(expected, task)
    assert {m["role"] for b in endpoint.bodies for m in b["messages"]} == {"user"}


def test_a_system_instruction_and_shots_reach_a_chat_endpoint_as_messages(server: HTTPServer) -> None:
    endpoint = Endpoint(server)
    results = chat(
        endpoint,
        ["csconv_mini_dialogue"],
        limit=1,
        num_fewshot=1,
        system_instruction="你是客服。",
        fewshot_as_multiturn=True,
    )
    assert [m["role"] for m in endpoint.bodies[0]["messages"]] == ["system", "user", "assistant", "user"]
    (sample,) = results["samples"]["csconv_mini_dialogue"]
    logged = [json.loads(arguments[0][0])[-1]["content"] for arguments in sample["arguments"]]
    assert logged == [body["messages"][-1]["content"] for body in endpoint.bodies]  # what was sent is logged


def test_null_content_and_thinking_of_a_reasoning_model_are_counted(server: HTTPServer) -> None:
    replies = iter(
        [None, "<think>先想想", "<think>想好了</think>[信息传达] 在路上。", "", "[提供建议] 换一个。"] * 99
    )
    endpoint = Endpoint(server, lambda _: next(replies))
    results = chat(endpoint, ["csconv_mini_response", "csconv_mini_dialogue"], concurrent=1, limit=5)
    assert scores(results, "csconv_mini_response")["no_answer"] == pytest.approx(2 / 5)
    assert scores(results, "csconv_mini_response")["failed"] == pytest.approx(1 / 5)  # null twice
    turns = sum(len(c.supporter_turns) for c in load("mini").conversations[:5])
    silent = scores(results, "csconv_mini_dialogue")["no_answer"] * turns
    assert silent == pytest.approx(round(silent))
    assert 0.4 * turns < silent < 0.6 * turns  # of every null the next answer counts
    assert scores(results, "csconv_mini_response")["strategy_invalid"] == pytest.approx(3 / 5)


def test_a_completions_endpoint_gets_the_plain_prompt(server: HTTPServer) -> None:
    endpoint = Endpoint(server)
    url = f"{endpoint.url}/completions"
    arguments = f"model=m,base_url={url},tokenizer_backend=None,tokenized_requests=False,max_retries=1"
    results = evaluate("local-completions", ["csconv_mini_dialogue"], model_args=arguments, limit=3)
    expected = evaluate(FunctionLM(lambda r: answer(r.args[0])), ["csconv_mini_dialogue"], limit=3)
    assert scores(results, "csconv_mini_dialogue") == scores(expected, "csconv_mini_dialogue")
    assert endpoint.bodies[0]["stop"] == ["<|endoftext|>", "\n客户:", "\n\n对话："]
    assert endpoint.bodies[0]["max_tokens"] == 512


@pytest.mark.slow
@pytest.mark.parametrize("concurrent", [1, 8])
def test_a_dead_endpoint_is_an_error_that_loses_nothing(
    server: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concurrent: int
) -> None:
    from csc_tasks.errors import HarnessError

    monkeypatch.chdir(tmp_path)
    endpoint = Endpoint(server)
    answered: list[str] = []

    def dying(prompt: str) -> str:
        if len(endpoint.prompts) > 40:
            raise OSError("gone")
        answered.append(prompt)
        return answer(prompt)

    endpoint.reply = dying
    with pytest.raises(
        HarnessError, match=rf"failed after \d+ of {TURNS} turns .*--use_cache csconv_rescue_"
    ):
        chat(endpoint, ["csconv_mini_dialogue"], concurrent=concurrent)
    (rescued,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    # The same command with the rescued answers asks for none of them again.
    endpoint.reply, endpoint.prompts = answer, []
    chat(
        endpoint,
        ["csconv_mini_dialogue"],
        concurrent=concurrent,
        use_cache=str(rescued).removesuffix("_rank0.db"),
    )
    assert len(endpoint.prompts) <= TURNS - len(answered)
    # Conversations that a supporter opens begin with the same prompt, which others may ask for again.
    assert {p for p in answered if "客户:" in p}.isdisjoint(endpoint.prompts)
    server.clear()


@pytest.mark.slow
@pytest.mark.parametrize("concurrent", [1, 4])
@pytest.mark.parametrize(("task", "limit"), [("csconv_mini_response", 30), ("csconv_mini_dialogue", 3)])
def test_a_killed_run_repeats_no_answered_request(
    server: HTTPServer, tmp_path: Path, task: str, limit: int, concurrent: int
) -> None:
    dialogues = load("mini").conversations[:limit]
    total = sum(len(c.supporter_turns) for c in dialogues) if task.endswith("dialogue") else limit
    endpoint = Endpoint(server)
    endpoint.hang_at = 19
    model = f"model=m,base_url={endpoint.url}/chat/completions,num_concurrent={concurrent},max_retries=1"
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions", "--model_args", model),
        *(
            "--apply_chat_template",
            "--tasks",
            task,
            "--limit",
            str(limit),
            "--use_cache",
            str(tmp_path / "answers"),
        ),
        *("--include_path", str(configs_folder()), "--output_path", str(tmp_path / "out")),
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
        assert endpoint.hanging.wait(120), (tmp_path / "log").read_text()
        # lm-eval's cache is written by a thread of its own: an answer is on disk a moment after it came.
        threading.Event().wait(1.0)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    endpoint.released.set()
    before, endpoint.prompts = endpoint.prompts, []
    assert len(before) == 19
    endpoint.hang_at = sys.maxsize
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert set(before).isdisjoint(endpoint.prompts)
    # Where the supporter opens, conversations begin with the same prompt. Whether the first run's cache had it when
    # the next conversation began is a matter of milliseconds; all else is asked exactly once.
    assert 0 < len(endpoint.prompts) <= total - len(before)
    if task.endswith("dialogue"):
        assert len(endpoint.prompts) >= total - len(before) - (limit - 1)
    assert len(list(tmp_path.rglob("results_*.json"))) == 1


@pytest.mark.slow
def test_on_an_endpoint_no_conversation_waits_for_another(server: HTTPServer) -> None:
    """One answer that never seems to come holds up its own conversation, and no other."""
    endpoint = Endpoint(server)
    slow = load("mini").conversations[0].utterances[1].text
    finished: list[int] = []

    def reply(prompt: str) -> str:
        if slow in prompt and not finished:
            # All the others are done, whatever their length, while this one waits.
            for _ in range(600):
                if len(endpoint.prompts) > TURNS - 20:
                    break
                time.sleep(0.1)
            finished.append(len(endpoint.prompts))
        return answer(prompt)

    endpoint.reply = reply
    chat(endpoint, ["csconv_mini_dialogue"], concurrent=32)
    assert finished
    assert finished[0] > TURNS - 20
    assert len(endpoint.prompts) == TURNS


def test_the_console_has_one_bar_for_a_dialogue_over_an_endpoint(
    server: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    chat(Endpoint(server), ["csconv_mini_dialogue"], concurrent=8, limit=4)
    assert "Requesting API" not in capsys.readouterr().err

"""Requests to a real local server that misbehaves on cue; nothing here is judged."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.endpoint import Endpoint
from csc_tasks.chat.messages import AnswerSchema, AnswerStatus, ChatAnswer, ChatRequest, Message, tokens_in
from csc_tasks.errors import ChatError
from tests.chat_server import ChatServer, Reply

CANARY = "sk-canary-4f1b9d27"
SCHEMA = AnswerSchema("card", {"type": "object"})
HELLO = ChatRequest.of("你是客户。", "您好", SCHEMA)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


Asking = Callable[..., list[ChatAnswer]]


@pytest.fixture
def ask(server: ChatServer) -> Asking:
    """Put requests to the server, all at once."""

    def asking(*requests: ChatRequest, **fields: Any) -> list[ChatAnswer]:
        config = EndpointConfig(
            **{"model": "m", "base_url": server.url, "backoff": 0.01, "timeout": 2, "retries": 2, **fields}
        )

        async def run() -> list[ChatAnswer]:
            async with Endpoint(config) as endpoint:
                stop = asyncio.Event()
                return list(await asyncio.gather(*(endpoint.ask(request, stop) for request in requests)))

        return asyncio.run(run())

    return asking


def test_an_answer_comes_with_its_tokens(server: ChatServer, ask: Asking) -> None:
    (answer,) = ask(HELLO)
    assert (answer.status, answer.text) == (AnswerStatus.ANSWERED, "好的：您好")
    assert (answer.prompt_tokens, answer.completion_tokens, answer.estimated) == (1000, 100, False)
    assert (answer.attempts, answer.lost) == (1, 0)
    assert 0 < answer.latency < 2


def test_tokens_that_the_server_does_not_count_are_estimated(server: ChatServer, ask: Asking) -> None:
    server.behave = lambda *_: Reply("好的。", usage={"prompt_tokens": "many"})
    (answer,) = ask(HELLO)
    assert answer.estimated
    assert (answer.prompt_tokens, answer.completion_tokens) == (HELLO.tokens, 3)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("客服", 2), ("word", 1), ("words", 2), ("客服: 好的", 5), ("。" * 100, 100)],
)
def test_tokens_are_counted_rather_too_many(text: str, tokens: int) -> None:
    assert tokens_in(text) == tokens


def test_the_request_carries_messages_parameters_schema_and_key(
    server: ChatServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", CANARY)
    messages = (Message("system", "你是客户。"), Message("assistant", "喂？"), Message("user", "您好"))
    ask(ChatRequest(messages, SCHEMA), api_key_env="MODEL_KEY", seed=7, extra_body={"enable_thinking": False})
    (request,) = server.requests
    assert request == {
        "enable_thinking": False,
        "model": "m",
        "temperature": 0.0,
        "max_tokens": 1024,
        "seed": 7,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "card", "strict": True, "schema": {"type": "object"}},
        },
        "messages": [{"role": m.role, "content": m.content} for m in messages],
    }
    assert f"Authorization: Bearer {CANARY}" in server.headers[0]


@pytest.mark.parametrize(
    ("fields", "schema"),
    [({"json_schema": "off"}, SCHEMA), ({}, None), ({"json_schema": "on"}, None)],
)
def test_no_schema_is_sent_where_there_is_none_or_none_is_wanted(
    server: ChatServer, ask: Asking, fields: dict[str, Any], schema: AnswerSchema | None
) -> None:
    ask(ChatRequest.of("s", "u", schema), seed=None, **fields)
    assert server.requests[0].keys() == {"model", "temperature", "max_tokens", "messages"}


PASSING = {
    "429": Reply(status=429),
    "500": Reply(status=500),
    "reset": Reply(fate="reset"),
    "short": Reply("{}", fate="short"),
    "not a completion": Reply(body=b'{"choices": []}'),
    "empty": Reply(""),
    "null": Reply(None),
    "hang": Reply(fate="hang"),
    "drip": Reply("{}", fate="drip"),
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_asked_again(server: ChatServer, ask: Asking, fault: str) -> None:
    server.behave = lambda _, before, __: PASSING[fault] if before < 2 else None
    (answer,) = ask(HELLO, timeout=0.5)
    assert (answer.status, answer.attempts) == (AnswerStatus.ANSWERED, 3)
    assert answer.lost == (0 if fault in ("429", "500") else 2)  # a server that says no charges nothing


@pytest.mark.parametrize("fault", PASSING)
def test_what_does_not_pass_fails_with_its_reason(server: ChatServer, ask: Asking, fault: str) -> None:
    server.behave = lambda *_: PASSING[fault]
    (answer,) = ask(HELLO, retries=1, timeout=0.4)
    assert (answer.status, answer.attempts) == (AnswerStatus.FAILED, 2)
    assert answer.reason


def test_pauses_grow(server: ChatServer, ask: Asking) -> None:
    times: list[float] = []

    def behave(_: str, before: int, __: dict[str, Any]) -> Reply | None:
        times.append(time.monotonic())
        return Reply(status=500) if before < 3 else None

    server.behave = behave
    ask(HELLO, backoff=0.1, retries=5)
    for k, pause in enumerate(b - a for a, b in pairwise(times)):
        assert pause >= 0.05 * 2**k


def test_a_server_that_wants_to_be_left_alone_for_an_hour_is_the_end(server: ChatServer, ask: Asking) -> None:
    server.behave = lambda *_: Reply(status=429, headers={"Retry-After": "3600"})
    (answer,) = ask(HELLO)
    assert answer.status is AnswerStatus.FATAL
    assert answer.reason.endswith("it asks to wait 3600 s")


def test_retry_after_is_honoured_by_everybody(server: ChatServer, ask: Asking) -> None:
    times: list[float] = []

    def behave(*_: Any) -> Reply | None:
        times.append(time.monotonic())
        return Reply(status=429, headers={"Retry-After": "0.6"}) if len(times) == 1 else None

    server.behave = behave
    answers = ask(*(ChatRequest.of("s", f"{i}") for i in range(10)), concurrency=1)
    assert {a.status for a in answers} == {AnswerStatus.ANSWERED}
    assert sorted(times)[-1] - times[0] >= 0.55


@pytest.mark.parametrize(
    ("reply", "status", "reason", "text"),
    [
        (Reply("嗯", finish="length"), AnswerStatus.ANSWERED, "", "嗯"),
        (Reply("", finish="length"), AnswerStatus.ANSWERED, "", ""),
        (
            Reply("嗯", finish="content_filter"),
            AnswerStatus.REFUSED,
            "the content filter stopped the answer",
            "嗯",
        ),
        (Reply(None, message={"refusal": "No."}), AnswerStatus.REFUSED, "the model declined", "No."),
        (Reply(status=400, body=b"content_policy"), AnswerStatus.REFUSED, "HTTP 400: content_policy", ""),
        (Reply(status=400, body=b'{"detail": "bad"}'), AnswerStatus.FAILED, "HTTP 400: bad", ""),
        (Reply(status=401), AnswerStatus.FATAL, "it wants a key, name its variable in api_key_env", ""),
        (Reply(status=404), AnswerStatus.FATAL, "/v1/chat/completions)", ""),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:9/"}), AnswerStatus.FATAL, "HTTP 302", ""),
    ],
)
def test_what_becomes_of_a_response(
    server: ChatServer, ask: Asking, reply: Reply, status: AnswerStatus, reason: str, text: str
) -> None:
    server.behave = lambda *_: reply
    (answer,) = ask(ChatRequest.of("s", "u"))
    assert (answer.status, answer.text) == (status, text)
    assert reason in answer.reason
    assert answer.cut_off == (reply.finish == "length")
    assert sum(server.asked.values()) == 1


def test_a_server_without_schemas_is_asked_without_from_then_on(
    server: ChatServer, ask: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = lambda _, __, request: Reply(status=400) if "response_format" in request else None
    (answer,) = ask(HELLO)
    assert (answer.status, answer.attempts) == (AnswerStatus.ANSWERED, 2)
    assert caplog.messages == [f"{server.url} knows no JSON schema; answers are read from its text"]
    (strict,) = ask(HELLO, json_schema="on")
    assert (strict.status, strict.attempts) == (AnswerStatus.FAILED, 1)


def test_a_text_that_fails_with_and_without_a_schema_is_not_the_schemas_fault(
    server: ChatServer, ask: Asking
) -> None:
    bad = ChatRequest.of("s", "坏", SCHEMA)
    server.behave = lambda text, *_: Reply(status=400) if text == "坏" else None
    assert [a.status for a in ask(bad, concurrency=1)] == [AnswerStatus.FAILED]
    assert ask(HELLO)[0].status is AnswerStatus.ANSWERED
    assert "response_format" in server.requests[-1]


def test_a_stopped_run_sends_nothing_more(server: ChatServer) -> None:
    config = EndpointConfig(model="m", base_url=server.url, requests_per_minute=1)

    async def run() -> list[ChatAnswer]:
        stop = asyncio.Event()
        async with Endpoint(config) as endpoint:
            first = await endpoint.ask(HELLO, stop)
            asyncio.get_running_loop().call_later(0.05, stop.set)
            return [first, await endpoint.ask(HELLO, stop)]

    answers = asyncio.run(run())
    assert [a.status for a in answers] == [AnswerStatus.ANSWERED, AnswerStatus.UNASKED]
    assert sum(server.asked.values()) == 1


def test_as_many_requests_are_under_way_as_configured(server: ChatServer, ask: Asking) -> None:
    server.latency = 0.02
    ask(*(ChatRequest.of("s", f"{i}") for i in range(60)), concurrency=12, timeout=30)
    assert server.most_at_once == 12


def test_requests_and_tokens_a_minute_are_kept(server: ChatServer, ask: Asking) -> None:
    start = time.monotonic()
    ask(*(ChatRequest.of("s", f"{i}") for i in range(5)), requests_per_minute=600)
    assert time.monotonic() - start > 0.38  # four intervals of a tenth of a second


def _escaped(text: str) -> bytes:
    """JSON with the key's letters as escapes, which a search in the response does not find."""
    written = "".join(f"\\u{ord(c):04x}" for c in CANARY)
    return text.replace(CANARY, written).encode()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401, body=f"no such key: {CANARY}".encode()),
        Reply(status=400, body=json.dumps({"error": {"message": f"Bearer {CANARY}"}}).encode()),
        Reply(status=400, body=_escaped(json.dumps({"error": {"message": CANARY}}))),
        Reply(f"I know {CANARY}"),
        Reply(body=_escaped(f'{{"some": "{CANARY}"}}')),
        Reply(body=_escaped(f'{{"some": "{CANARY}')),
        Reply(message={"content": [{"type": CANARY * 3}]}),
        Reply(message={"content": [{"type": "text", "text": CANARY}]}),
        Reply(body=json.dumps({"choices": [], "error": {"message": "x" * 190 + CANARY}}).encode()),
        Reply(status=307, headers={"Location": f"http://h/{CANARY}"}),
        Reply(body=_escaped(json.dumps({"choices": [{"message": {"content": f"I know {CANARY}"}}]}))),
        Reply(None, message={"refusal": f"not with {CANARY}"}),
    ],
)
def test_a_key_that_a_server_repeats_is_taken_out(
    server: ChatServer, ask: Asking, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setenv("MODEL_KEY", CANARY)
    server.behave = lambda *_: reply
    (answer,) = ask(HELLO, api_key_env="MODEL_KEY")
    assert CANARY[:12] not in repr(answer)
    assert "[key]" in answer.text + answer.reason or "…" in answer.reason


def test_a_key_in_the_name_of_the_model_is_taken_out(
    server: ChatServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", CANARY)
    body = {"model": "x" * 90 + CANARY, "choices": [{"message": {"content": "好"}}]}
    server.behave = lambda *_: Reply(body=json.dumps(body).encode())
    (answer,) = ask(HELLO, api_key_env="MODEL_KEY")
    assert answer.model == "x" * 90 + "[key]"


def test_an_address_where_nobody_listens_is_named(server: ChatServer, ask: Asking) -> None:
    server.die()
    (answer,) = ask(HELLO, retries=0)
    assert (answer.status, answer.lost) == (AnswerStatus.FAILED, 0)
    assert answer.reason.startswith(f"no connection to {server.url}")


def test_a_tls_certificate_that_nobody_signed_is_not_accepted(tmp_path: Path, ask: Asking) -> None:
    made = subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("no openssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        (answer,) = ask(HELLO, base_url=f"https://localhost:{http.server_port}/v1")
        http.shutdown()
    assert answer.status is AnswerStatus.FATAL
    assert "TLS certificate cannot be verified" in answer.reason


def test_without_aiohttp_the_endpoint_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ChatError, match="needs aiohttp: pip install aiohttp"):
        Endpoint(EndpointConfig(model="m", base_url="http://h"))


def test_chat_knows_nothing_of_judges() -> None:
    folder = Path(__file__).parents[2] / "csc_tasks" / "chat"
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8").lower()
        assert "judg" not in text, path
        assert "verdict" not in text, path

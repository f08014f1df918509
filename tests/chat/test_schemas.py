"""`json_schema: auto`: a server that knows no schemas shows it in many ways, and is asked without from then on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.endpoint import Endpoint
from csc_tasks.chat.messages import AnswerSchema, AnswerStatus, ChatAnswer, ChatRequest
from tests.chat_server import ChatServer, Reply

SCHEMA = AnswerSchema("card", {"type": "object"})


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


def ask(server: ChatServer, count: int = 1, at_once: int = 1, **fields: Any) -> list[ChatAnswer]:
    fields = {"backoff": 0.001, "timeout": 0.5, "retries": 3, "concurrency": at_once, **fields}
    config = EndpointConfig(model="m", base_url=server.url, **fields)

    async def run() -> list[ChatAnswer]:
        async with Endpoint(config) as endpoint:
            gate = asyncio.Semaphore(at_once)

            async def one(text: str) -> ChatAnswer:
                async with gate:
                    return await endpoint.ask(ChatRequest.of("s", text, SCHEMA), asyncio.Event())

            return list(await asyncio.gather(*(one(f"{i}") for i in range(count))))

    return asyncio.run(run())


WAYS: dict[str, Reply] = {
    "400": Reply(status=400),
    "415": Reply(status=415),
    "422": Reply(status=422),
    "501": Reply(status=501),
    "404 with words": Reply(status=404, body=b'{"message": "this model knows no response_format"}'),
    "400 with words of a model": Reply(
        status=400, body=b"model x: response_format json_schema not supported"
    ),
    "500 with words": Reply(status=500, body=b"grammar could not be compiled"),
    "500": Reply(status=500),
    "200 with an error": Reply(body=b'{"error": {"message": "json_schema"}}'),
    "no completion": Reply(body=b"{}"),
    "empty": Reply(""),
    "null": Reply(None),
    "white space to the limit": Reply(" \n\t" * 900, finish="length"),
    "white space": Reply("\n\n\n"),
    "white space without an end": Reply(" " * 200_000),
    "thinking alone": Reply(None, message={"reasoning_content": "{}"}),
    "a tool call": Reply(None, message={"tool_calls": [{}]}),
    "nothing at all": Reply(fate="hang"),
    "drops": Reply("{}", fate="drip"),
    "reset": Reply(fate="reset"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at_once", [1, 8])
def test_whatever_a_server_does_with_a_schema_that_it_does_not_know(
    server: ChatServer, caplog: pytest.LogCaptureFixture, way: str, at_once: int
) -> None:
    server.behave = lambda _, __, request: WAYS[way] if "response_format" in request else None
    answers = ask(server, 20, at_once, max_answer_mb=0.1)
    assert {answer.text for answer in answers} == {f"好的：{i}" for i in range(20)}
    assert sum("response_format" in request for request in server.requests) <= 3 * at_once
    assert caplog.messages == [f"{server.url} knows no JSON schema; answers are read from its text"]


@pytest.mark.parametrize(
    "way", ["400", "500", "empty", "white space to the limit", "reset", "nothing at all"]
)
def test_a_server_that_knows_schemas_is_not_doubted_for_one_fault(server: ChatServer, way: str) -> None:
    server.behave = lambda text, *_: WAYS[way] if text == "7" else None
    answers = ask(server, 12)
    assert (
        sum(answer.status is AnswerStatus.ANSWERED and bool(answer.text.strip()) for answer in answers) == 11
    )
    assert all("response_format" in request for request in server.requests)


def test_one_fault_of_the_server_at_the_start_blames_no_schema(server: ChatServer) -> None:
    server.behave = lambda text, before, _: Reply(status=500) if text == "0" and before == 0 else None
    ask(server, 5)
    assert all("response_format" in request for request in server.requests)


def test_answers_without_a_text_are_not_asked_for_twice_for_ever(server: ChatServer) -> None:
    server.behave = lambda *_: WAYS["thinking alone"]
    answers = ask(server, 20, at_once=8)
    assert sum(server.asked.values()) == 22
    assert sum(answer.lost for answer in answers) == 2


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        (lambda good: Reply(status=201, body=good), AnswerStatus.ANSWERED, ""),
        (
            lambda _: Reply(status=202, body=b""),
            AnswerStatus.FAILED,
            "HTTP 202: the server's response is not a",
        ),
        (
            lambda _: Reply(status=204, body=b""),
            AnswerStatus.FAILED,
            "HTTP 204: the server's response is not a",
        ),
        (
            lambda _: Reply(body=b"<!doctype html>\x1b[2J"),
            AnswerStatus.FAILED,
            "HTTP 200: the server's response is not a chat completion (<!doctype html>\\x1b[2J)",
        ),
        (
            lambda _: Reply(body=b'{"error": {"message": "upstream \\u001b[2J is gone", "code": 502}}'),
            AnswerStatus.FAILED,
            "HTTP 200 with an error in it: upstream \\x1b[2J is gone",
        ),
        (
            lambda _: Reply(body=b'{"error": {"message": "no", "code": 401}}'),
            AnswerStatus.FATAL,
            "HTTP 200 with an error in it: no; it wants a key, name its variable in api_key_env",
        ),
        (
            lambda _: Reply(body=b'{"msg": "\xe4\xbd\x99\xe9\xa2\x9d\xe4\xb8\x8d\xe8\xb6\xb3"}'),
            AnswerStatus.FATAL,
            "credit",
        ),
        (lambda _: Reply(status=424), AnswerStatus.FAILED, "HTTP 424"),
        (lambda _: Reply(status=451), AnswerStatus.REFUSED, "HTTP 451"),
        (lambda _: Reply(status=499), AnswerStatus.FAILED, "HTTP 499"),
        (lambda _: Reply(status=529), AnswerStatus.FAILED, "HTTP 529"),
        (
            lambda _: Reply(status=404, body=b'{"error": "model names are case-sensitive"}'),
            AnswerStatus.FATAL,
            "HTTP 404: model names are case-sensitive; check model and base_url (asked: http://127.0.0.1:",
        ),
    ],
)
def test_statuses_come_to_what_the_table_says(
    server: ChatServer, reply: Callable[[bytes], Reply], status: AnswerStatus, reason: str
) -> None:
    good = json.dumps({"choices": [{"message": {"content": "好"}}]}).encode()
    server.behave = lambda *_: reply(good)
    (answer,) = ask(server, retries=1, json_schema="off")
    assert answer.status is status
    assert reason in answer.reason
    assert answer.attempts == (2 if status is AnswerStatus.FAILED else 1)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10**400, "completion_tokens": 10**400},
        {"prompt_tokens": 1e300},
        {"prompt_tokens": -5},
        {"x": 1},
    ],
)
def test_absurd_counts_hold_nobody_up(server: ChatServer, usage: Any) -> None:
    server.behave = lambda *_: Reply("好", usage=usage)
    answers = ask(server, 5, tokens_per_minute=1e7)
    assert {(a.prompt_tokens, a.completion_tokens, a.estimated) for a in answers} == {(2, 1, True)}


def test_whoever_waits_long_for_a_limit_hears_of_it_once(
    server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    config = EndpointConfig(model="m", base_url=server.url, tokens_per_minute=100)

    async def run() -> None:
        stop = asyncio.Event()
        async with Endpoint(config) as endpoint:
            asyncio.get_running_loop().call_later(0.3, stop.set)
            await asyncio.gather(*(endpoint.ask(ChatRequest.of("s", f"{i}"), stop) for i in range(3)))

    asyncio.run(run())
    assert [m.split(":")[0] for m in caplog.messages] == ["tokens_per_minute"]
    assert "the next request waits 6" in caplog.messages[0]

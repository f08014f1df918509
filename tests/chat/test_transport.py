"""What stands between a request and its answer: proxies, redirects, and answers that never end."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.endpoint import Endpoint
from csc_tasks.chat.messages import AnswerStatus, ChatAnswer, ChatRequest
from csc_tasks.chat.proxies import proxy_for
from csc_tasks.errors import ChatError
from tests.chat_server import ChatServer, Reply

CANARY = "canary-4f1b9d27"
FATAL, FAILED, ANSWERED = AnswerStatus.FATAL, AnswerStatus.FAILED, AnswerStatus.ANSWERED


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme.upper()}_PROXY", raising=False)


def ask(url: str, **fields: Any) -> ChatAnswer:
    fields = {"backoff": 0.01, "timeout": 5, "retries": 0, **fields}
    config = EndpointConfig(model="m", base_url=url, **fields)

    async def run() -> ChatAnswer:
        async with Endpoint(config) as endpoint:
            return await endpoint.ask(ChatRequest.of("s", "u"), asyncio.Event())

    return asyncio.run(run())


def nobody() -> int:
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("HTTP_PROXY", "http://model.invalid/v1"),
        ("http_proxy", "http://model.invalid/v1"),
        ("HTTPS_PROXY", "https://model.invalid/v1"),
        ("ALL_PROXY", "https://model.invalid/v1"),
        ("ALL_PROXY", "http://model.invalid/v1"),
    ],
)
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_dead_proxy_is_named_and_not_the_endpoint(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str, scheme: str
) -> None:
    port = nobody()
    monkeypatch.setenv(variable, f"{scheme}user:{CANARY}@127.0.0.1:{port}")
    answer = ask(url)
    assert answer.status is FAILED
    named = f"no connection to the proxy http://127.0.0.1:{port} ({variable.upper()}), through which {url} is asked"
    assert answer.reason.startswith(named)
    assert "unset the variable, or name the host in NO_PROXY" in answer.reason
    assert CANARY not in repr(answer)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("socks5://127.0.0.1:1080", r"the proxy socks5://127.0.0.1:1080 .HTTPS_PROXY. is no HTTP proxy"),
        (f"socks5h://u:{CANARY}@127.0.0.1:1080", "is no HTTP proxy, and no other can be used"),
        ("http://", "HTTPS_PROXY holds no address of a proxy; correct or unset it, or name model.invalid"),
        ("http://h:port", "HTTPS_PROXY holds no address of a proxy"),
        (f"http://[{CANARY}", "HTTPS_PROXY holds no address of a proxy"),
    ],
)
def test_a_variable_that_names_no_http_proxy_is_an_error_at_once(
    monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ChatError, match=message) as error:
        ask("https://model.invalid/v1")
    assert CANARY not in str(error.value)


def test_a_proxy_that_works_is_used_and_named_where_it_may_be_at_fault(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = server.url.removesuffix("/v1")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    assert ask("http://model.invalid/v1").text == "好的：u"
    assert server.headers[-1].startswith("POST http://model.invalid/v1/chat/completions")
    for status, end in ((502, FAILED), (407, FATAL)):
        server.behave = lambda *_, status=status: Reply(status=status)
        answer = ask("http://model.invalid/v1")
        assert answer.status is end
        assert f"(through the proxy {proxy} (HTTP_PROXY))" in answer.reason
    monkeypatch.setenv("NO_PROXY", "model.invalid")
    assert proxy_for("http://model.invalid/v1") is None
    assert "no connection to http://model.invalid/v1" in ask("http://model.invalid/v1").reason


@pytest.mark.parametrize(("status", "end"), [(407, FATAL), (403, FAILED), (502, FAILED)])
def test_a_proxy_that_refuses_a_tunnel_is_named(
    monkeypatch: pytest.MonkeyPatch, status: int, end: AnswerStatus
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def run() -> ChatAnswer:
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
            port = proxy.sockets[0].getsockname()[1]
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
            config = EndpointConfig(model="m", base_url="https://model.invalid/v1", retries=0)
            async with Endpoint(config) as endpoint:
                return await endpoint.ask(ChatRequest.of("s", "u"), asyncio.Event())

    answer = asyncio.run(run())
    assert answer.status is end
    assert (
        f"(HTTPS_PROXY) does not let requests through to https://model.invalid/v1 (HTTP {status})"
        in answer.reason
    )


@pytest.mark.parametrize(
    ("location", "said"),
    [
        (
            "https://other.example/v1/chat/completions",
            "it redirects to https://other.example/v1, and that is not",
        ),
        (
            f"https://u:{CANARY}@other.example:8443/x?key={CANARY}",
            "it redirects to https://other.example:8443/x, ",
        ),
        ("/v2/chat/completions", "/v2, and that is not followed"),
        ("http://[", "it redirects to no address"),
        ("http://h/\x1b[2J", "it redirects to http://h/"),
        ("", "set base_url"),
    ],
)
@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_names_its_target(server: ChatServer, status: int, location: str, said: str) -> None:
    server.behave = lambda *_: Reply(status=status, headers={"Location": location.replace("\x1b", "%1b")})
    answer = ask(server.url)
    assert answer.status is FATAL
    assert said in answer.reason
    assert CANARY not in answer.reason
    assert answer.reason.isprintable()


def test_a_bomb_is_not_unpacked(server: ChatServer) -> None:
    # 300 MB of spaces in 0.3 MB: what is read must stay within 8 MB.
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * 2**20) for _ in range(300)) + packer.flush()
    server.behave = lambda *_: Reply(body=bomb, headers={"Content-Encoding": "gzip"})
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    answer = ask(server.url, timeout=30)
    assert answer.status is FAILED
    assert (answer.reason, answer.attempts, answer.lost) == (
        "an answer of more than 8 MB (max_answer_mb)",
        1,
        1,
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB
    assert time.monotonic() - start < 10


def test_an_answer_that_is_too_long_is_not_read_to_its_end_nor_asked_for_again(server: ChatServer) -> None:
    server.behave = lambda *_: Reply("好" * 1_000_000)
    assert ask(server.url).status is ANSWERED
    short = ask(server.url, max_answer_mb=1.5, retries=3)
    assert (short.status, short.attempts) == (FAILED, 1)
    assert short.reason == "an answer of more than 1.5 MB (max_answer_mb)"


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress])
def test_an_answer_that_is_packed_although_nobody_asked_for_it_is_read(
    server: ChatServer, packed: Any
) -> None:
    body = packed(Reply("好").payload())
    coding = "gzip" if packed is gzip.compress else "deflate"
    server.behave = lambda *_: Reply(body=body, headers={"Content-Encoding": coding})
    assert ask(server.url).text == "好"
    assert "Accept-Encoding: identity" in server.headers[0]


@pytest.mark.parametrize(
    ("coding", "body"), [("br", b"\x0b"), ("gzip", b"not packed"), ("gzip", b"\x1f\x8b\x08")]
)
def test_an_answer_that_cannot_be_unpacked_is_none(server: ChatServer, coding: str, body: bytes) -> None:
    server.behave = lambda *_: Reply(body=body, headers={"Content-Encoding": coding})
    answer = ask(server.url)
    assert answer.status is FAILED
    assert answer.reason


def test_a_query_stands_behind_the_address_and_the_key_in_the_header_that_is_named(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", CANARY)
    query = {"api-version": "2024-10-21", "a b": "&c"}
    answer = ask(server.url, query=query, api_key_env="KEY", api_key_header="api-key")
    assert answer.status is ANSWERED
    head = server.headers[-1]
    assert head.startswith("POST /v1/chat/completions?api-version=2024-10-21&a+b=%26c HTTP/1.1\r\n")
    assert f"api-key: {CANARY}\r\n" in head
    assert "Authorization" not in head

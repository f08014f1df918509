"""A local chat endpoint that misbehaves on cue: a real server on a real socket."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Reply:
    """What the server does with one request.

    ``fate``: ``answer``, ``reset`` (the connection breaks), ``hang`` (nothing comes), ``drip`` (a byte now
    and then, for ever), ``short`` (less than announced, then the connection ends).
    """

    content: Any = None
    status: int = 200
    finish: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)
    fate: str = "answer"
    body: bytes | None = None
    message: dict[str, Any] = field(default_factory=dict)
    usage: Any = None

    def payload(self) -> bytes:
        if self.body is not None:
            return self.body
        if self.status != 200:
            return json.dumps({"error": {"message": f"status {self.status}", "code": None}}).encode()
        message = {"role": "assistant", "content": self.content, **self.message}
        choice = {"index": 0, "finish_reason": self.finish, "message": message}
        usage = self.usage or {"prompt_tokens": 1000, "completion_tokens": 100}
        return json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode()


Behaviour = Callable[[str, int, dict[str, Any]], Reply | None]
"""(what a request is about, how often it was asked before, request) to a reply; ``None`` for a good one."""


class ChatServer:
    """The server, in a thread of its own; ``behave`` may be replaced while it runs."""

    def __init__(self, behave: Behaviour = lambda *_: None, latency: float = 0.0) -> None:
        self.behave = behave
        self.latency = latency
        self.asked: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        """Questions that got an answer: what a provider charges for."""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.keep = True
        self.at_once = self.most_at_once = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    def about(self, question: str) -> str:
        """What of a request's last message its behaviour depends on."""
        return question

    def good(self, request: dict[str, Any]) -> Reply:
        """The answer of a server that is well."""
        return Reply(f"好的：{request['messages'][-1]['content']}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    async def _start(self) -> None:
        for patience in (0.1, 0.5, 2.0, None):  # another process may hold the port for a moment
            try:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**22)
                break
            except OSError:
                if patience is None:
                    raise
                await asyncio.sleep(patience)
        assert self._server is not None
        self.port = self._server.sockets[0].getsockname()[1]

    def die(self) -> None:
        """Stop listening and break every connection."""
        asyncio.run_coroutine_threadsafe(self._die(), self._loop).result(10)

    async def _die(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def close(self) -> None:
        self.die()
        asyncio.run_coroutine_threadsafe(self._cancel(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _cancel(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(re.findall(r"(?i)content-length: (\d+)", head)[0])
                request = json.loads(await reader.readexactly(length))
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    if not await self._reply(head, request, writer):
                        return
                finally:
                    self.at_once -= 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _reply(self, head: str, request: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        question = request["messages"][-1]["content"]
        text, before = self.about(question), self.asked[question]
        self.asked[question] += 1
        if self.keep:
            self.requests.append(request)
            self.headers.append(head)
        if self.latency:
            await asyncio.sleep(self.latency)
        reply = self.behave(text, before, request) or self.good(request)
        if reply.fate == "reset":
            writer.transport.abort()
            return False
        if reply.fate == "hang":
            await asyncio.sleep(3600)
        payload = reply.payload()
        announced = len(payload) + (50 if reply.fate == "short" else 0)
        lines = [
            f"HTTP/1.1 {reply.status} Status",
            f"Content-Length: {announced}",
            "Content-Type: application/json",
        ]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        if reply.fate == "drip":
            for byte in payload:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)
        if reply.status == 200 and reply.fate == "answer" and isinstance(reply.content, str):
            self.paid[question] += 1
        writer.write(payload)
        await writer.drain()
        return reply.fate != "short"

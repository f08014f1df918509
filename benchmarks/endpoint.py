"""A model at an endpoint to measure clients against: bare HTTP in a process of its own, and a client that only asks."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import aiohttp

__all__ = ["bare", "endpoint", "memory"]

MakeAnswer = Callable[[], Callable[[bytes], bytes]]
"""Called once in the server's process: gives what makes the body of a response of that of a request."""
MakeWait = Callable[[], Callable[[], float]]
"""The same for the seconds that an answer takes."""


@contextmanager
def endpoint(make_answer: MakeAnswer, make_wait: MakeWait) -> Iterator[str]:
    """The base URL of a server that answers everybody, while it is in use."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(make_answer, make_wait, there), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        server.terminate()
        server.join()


def _serve(make_answer: MakeAnswer, make_wait: MakeWait, port: Connection) -> None:
    answer, wait = make_answer(), make_wait()

    class Connected(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport, self.received = cast(asyncio.Transport, transport), b""

        def data_received(self, data: bytes) -> None:
            self.received += data
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            fields = self.received[:end].lower()
            length = int(fields.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(self.received) < end + 4 + length:
                return
            arrived = time.monotonic()
            request = self.received[end + 4 : end + 4 + length]
            self.received = self.received[end + 4 + length :]
            body = answer(request)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            left = wait() - (time.monotonic() - arrived)
            asyncio.get_running_loop().call_later(max(left, 0.0), self.transport.write, head.encode() + body)

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Connected, "127.0.0.1", 0, backlog=1024)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    # Not epoll, whose time-outs asyncio rounds up to whole milliseconds: the latency would be another.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(forever())


async def bare(base_url: str, data: bytes, count: int, connections: int) -> list[float]:
    """When each answer came to a client that only sends the same bytes and receives."""
    left = iter(range(count))
    ends: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

        async def work() -> None:
            for _ in left:
                async with session.post(f"{base_url}/chat/completions", data=data) as response:
                    await response.read()
                ends.append(time.perf_counter())

        await asyncio.gather(*(work() for _ in range(connections)))
    return ends


def memory() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

#!/usr/bin/env python3
"""How near the judge comes to the ideal rate of its endpoint, and whether its memory stays flat.

    python benchmarks/judge.py [--verdicts 10000] [--latency 0.05] [--connections 64] [--check]

A server in a process of its own answers every request after half to one and a half times the latency, as
unevenly as models do: were all answers equally slow, a client that hears several at once would ask several at
once for ever after. The ideal rate is connections divided by latency; what a client that does nothing but send
and receive as many requests comes to is shown beside it, for the server, too, takes time. Everything is real:
rendering, requests over sockets, parsing, log and cache on disk.
With --check the exit code says whether the rate is at least 80 % of the ideal and memory flat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import selectors
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import aiohttp

from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine
from csc_tasks.judging.keeper import open_cache
from csc_tasks.judging.questions import Questions
from csc_tasks.metrics.judge import Kind, Sample, Status, Verdict, load_rubric

RATE, GROWTH = 0.8, 30
"""Share of the ideal rate, and MB of growth after the first tenth, that are promised."""


def serve(latency: float, port: Connection) -> None:
    """A bare HTTP server: the same verdict for everybody, after about the latency."""
    luck = random.Random(0)
    rubric = load_rubric("turn-zh-2")
    verdict = {d.name: 4 if d.kind is Kind.SCALE else True for d in rubric.dimensions}
    content = json.dumps({"reason": "回复切题，信息有依据，语气得体。" * 3, **verdict}, ensure_ascii=False)
    message = {"role": "assistant", "content": content}
    body = json.dumps(
        {
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 2100, "completion_tokens": 90},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    response = head.encode() + body

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
            if len(self.received) >= end + 4 + length:
                self.received = self.received[end + 4 + length :]
                wait = latency * luck.uniform(0.5, 1.5)
                asyncio.get_running_loop().call_later(wait, self.transport.write, response)

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Connected, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    # Not epoll, whose time-outs asyncio rounds up to whole milliseconds: the latency would be another.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(forever())


def samples(count: int) -> Iterator[Sample]:
    """Turns of about the size of CSConv's: some 800 characters of history."""
    asks = "客户: 我的快递怎么还没到，都三天了，单号是[单号]，您给查查？\n"
    line = asks + "客服: [信息传达] 查到在路上，明天到，请您留意电话。\n"
    for i in range(count):
        fields = {"history": line * 12, "strategy": "解决实施", "reply": f"好的，第{i}件马上给您办。"}
        yield Sample(f"c{i // 14}", i % 14, fields)


async def bare(url: str, count: int, connections: int) -> float:
    """Requests a second of a client that only sends the same bytes and receives."""
    data = json.dumps({"messages": [{"role": "user", "content": "客" * 3000}]}, ensure_ascii=False).encode()
    left = iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

        async def work() -> None:
            for _ in left:
                async with session.post(url, data=data) as response:
                    await response.read()

        start = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(connections)))
        return count / (time.perf_counter() - start)


def memory() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds, in the mean")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(options.latency, there), daemon=True)
    server.start()
    config = JudgeConfig(
        model="m", base_url=f"http://127.0.0.1:{here.recv()}/v1", concurrency=options.connections
    )
    plain = asyncio.run(bare(f"{config.base_url}/chat/completions", options.verdicts, options.connections))
    sizes: list[float] = []
    scored = 0

    def on_verdict(_: Sample, verdict: Verdict) -> None:
        nonlocal scored
        scored += verdict.status is Status.SCORED
        if scored % max(options.verdicts // 20, 1) == 0:
            sizes.append(memory())

    with tempfile.TemporaryDirectory() as folder:
        cache = open_cache(Path(folder) / "cache.sqlite")
        questions = Questions(load_rubric("turn-zh-2"), config)
        engine = Engine(questions, cache, Path(folder) / "verdicts.jsonl")
        start, cpu = time.perf_counter(), time.process_time()
        engine.run(samples(options.verdicts), on_verdict)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        cache.close()
    server.terminate()
    rate, ideal = scored / seconds, options.connections / options.latency
    growth = sizes[-1] - sizes[min(1, len(sizes) - 1)]
    print(
        f"{scored} verdicts in {seconds:.1f} s: {rate:.0f}/s, {rate / ideal:.0%} of the ideal {ideal:.0f}/s"
    )
    print(
        f"a bare client: {plain:.0f}/s, {plain / ideal:.0%} of the ideal; the judge is at {rate / plain:.0%} of it"
    )
    print(f"processor time {1000 * cpu / scored:.2f} ms a verdict, {cpu / seconds:.0%} of one core")
    print(f"memory {sizes[0]:.0f} MB after a twentieth, {sizes[-1]:.0f} MB at the end")
    if scored < options.verdicts or (options.check and (rate < RATE * ideal or growth > GROWTH)):
        sys.exit(1)


if __name__ == "__main__":
    main()

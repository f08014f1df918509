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
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.engine import Engine
from csc_tasks.judging.keeper import open_cache
from csc_tasks.judging.questions import Questions
from csc_tasks.metrics.judge import Kind, Sample, Status, Verdict, load_rubric
from endpoint import bare, endpoint, memory

RATE, GROWTH = 0.8, 30
"""Share of the ideal rate, and MB of growth after the first tenth, that are promised."""


def verdicts() -> Callable[[bytes], bytes]:
    """The same verdict for everybody."""
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
    return lambda _: body


def uneven(latency: float) -> Callable[[], float]:
    """Half to one and a half times the latency."""
    luck = random.Random(0)
    return lambda: latency * luck.uniform(0.5, 1.5)


def samples(count: int) -> Iterator[Sample]:
    """Turns of about the size of CSConv's: some 800 characters of history."""
    asks = "客户: 我的快递怎么还没到，都三天了，单号是[单号]，您给查查？\n"
    line = asks + "客服: [信息传达] 查到在路上，明天到，请您留意电话。\n"
    for i in range(count):
        fields = {"history": line * 12, "strategy": "解决实施", "reply": f"好的，第{i}件马上给您办。"}
        yield Sample(f"c{i // 14}", i % 14, fields)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds, in the mean")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    sizes: list[float] = []
    scored = 0

    def on_verdict(_: Sample, verdict: Verdict) -> None:
        nonlocal scored
        scored += verdict.status is Status.SCORED
        if scored % max(options.verdicts // 20, 1) == 0:
            sizes.append(memory())

    question = json.dumps(
        {"messages": [{"role": "user", "content": "客" * 3000}]}, ensure_ascii=False
    ).encode()
    with (
        endpoint(verdicts, partial(uneven, options.latency)) as url,
        tempfile.TemporaryDirectory() as folder,
    ):
        start = time.perf_counter()
        ends = asyncio.run(bare(url, question, options.verdicts, options.connections))
        plain = options.verdicts / (ends[-1] - start)
        cache = open_cache(Path(folder) / "cache.sqlite")
        config = JudgeConfig(model="m", base_url=url, concurrency=options.connections)
        questions = Questions(load_rubric("turn-zh-2"), config)
        engine = Engine(questions, cache, Path(folder) / "verdicts.jsonl")
        start, cpu = time.perf_counter(), time.process_time()
        engine.run(samples(options.verdicts), on_verdict)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        cache.close()
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

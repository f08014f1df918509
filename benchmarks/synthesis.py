#!/usr/bin/env python3
"""How near a synthesis comes to the ideal rate of its endpoint, and whether its memory stays flat.

    python benchmarks/synthesis.py [--conversations 400] [--latency 0.3] [--connections 64 256] [--check]
    python benchmarks/synthesis.py --memory 10000 [--check]

A server in a process of its own plays all roles and answers after a log-normal latency (sigma 0.5), as models do.
The ideal rate is connections divided by mean latency; beside it stands what a client comes to that does nothing but
send and receive as many requests of that size. The run is a real one: prompts, sockets, parsing, journal. The last
conversations leave connections idle, so the rate is that of the middle 80 % of the answers. --memory makes so many
conversations with a server that answers at once, and prints the growth after the first tenth, in MB.
With --check the exit code says whether the rate is at least 90 % of the ideal, and memory flat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from csc_tasks.chat.budget import Budget
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.config import SynthesisConfig
from csc_tasks.synthesis.engine import Run, SynthesisEngine
from csc_tasks.synthesis.playing.roleplay import MARKS, ROLES, Roleplay, Setting
from csc_tasks.synthesis.progress import SynthesisProgress
from csc_tasks.synthesis.prompts import load_prompts
from csc_tasks.synthesis.steps import Role
from csc_tasks.synthesis.voices import EndpointVoices
from endpoint import bare, endpoint, memory

RATE, GROWTH = 0.9, 40
"""Share of the ideal rate, and MB of growth after the first tenth, that are promised."""
SIGMA = 0.5
TURNS = 11


def roles() -> Callable[[bytes], bytes]:
    """Plays every role."""
    luck = random.Random(0)
    heads = {
        json.dumps(texts[0].strip()[:20], ensure_ascii=False)[1:-1].encode(): role
        for role, texts in load_prompts("roleplay-zh-1", ROLES).texts.items()
    }
    listed = re.compile("可用的策略 开始>>>\\\\n([^\\\\<]+)".encode())
    words = [chr(0x4E00 + 7 * i) for i in range(2000)]

    def text(length: int) -> str:
        return "".join(luck.choices(words, k=length))

    def answer(request: bytes) -> dict[str, object]:
        role = next(role for head, role in heads.items() if head in request[:2000])
        said = request.count("\\n客服: ".encode())
        if role is Role.PLANNER:
            return {"dialogue_scenario": text(60), "customer_goal": text(80)}
        if role is Role.SUPPORTER_ASSISTANT:
            found = listed.search(request)
            names = found[1].decode().split("、") if found else [Strategy.OTHERS.zh]
            names = [name for name in names if name != Strategy.APPRECIATION_AND_CLOSURE.zh]
            return {"reason": text(20), "strategy": luck.choice(names)}
        if role is Role.SUPPORTER:
            return {"text": text(45)}
        if role is Role.CUSTOMER_ASSISTANT:
            return {"direction": text(20)}
        if role is Role.CUSTOMER:
            return {"reason": text(15), "is_dialogue_finished": said >= TURNS, "text": text(25)}
        return {"reason": text(20), **dict.fromkeys(MARKS, True)}

    def body(request: bytes) -> bytes:
        message = {"role": "assistant", "content": json.dumps(answer(request), ensure_ascii=False)}
        completion = {
            "id": "chatcmpl-0123456789",
            "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 1500, "completion_tokens": 60},
        }
        return json.dumps(completion).encode()

    return body


def uneven(latency: float) -> Callable[[], float]:
    """Log-normal with this mean: exp(mu + sigma²/2) is that of a log-normal."""
    luck = random.Random(0)
    if not latency:
        return lambda: 0.0
    return lambda: luck.lognormvariate(math.log(latency) - SIGMA**2 / 2, SIGMA)


def question() -> bytes:
    """A request of about the size that the supporter is sent."""
    system, user = load_prompts("roleplay-zh-1", ROLES).texts[Role.SUPPORTER]
    messages = [{"role": "system", "content": system.strip()}, {"role": "user", "content": user + "客" * 800}]
    return json.dumps({"messages": messages}, ensure_ascii=False).encode()


def middle(times: Sequence[float]) -> float:
    """The rate of the middle 80 %."""
    first, last = len(times) // 10, len(times) - 1 - len(times) // 10
    return (last - first) / (times[last] - times[first])


def pipeline(count: int) -> Roleplay:
    """So many cases."""
    profile = "你四十来岁，在镇上开一家面馆，说话直，最怕手续麻烦，手机用得不熟。" * 6
    settings = [Setting(f"{profile}第{i}位", "产品咨询") for i in range(count)]
    return Roleplay(settings, load_prompts("roleplay-zh-1", ROLES), 0, {})


def made(url: str, count: int, connections: int) -> tuple[float, list[float], SynthesisProgress]:
    """The rate of a run, memory at every hundredth conversation, and what it came to."""
    config = SynthesisConfig(model="m", base_url=url, concurrency=connections)
    ends: list[float] = []
    sizes: list[float] = []
    cases = pipeline(count)

    def on_progress(progress: SynthesisProgress) -> None:
        ends.append(time.perf_counter())
        if progress.done % 100 == 0 and len(sizes) < progress.done // 100:
            sizes.append(memory())

    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), {}, 0, connections, 1)
        engine = SynthesisEngine(cases, EndpointVoices(config, ROLES, Budget(None)), run, on_progress)
        progress = engine.run(cases.cases(), frozenset())
    return middle(ends), sizes, progress


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--latency", type=float, default=0.3, help="seconds, in the mean")
    parser.add_argument("--connections", type=int, nargs="+", default=[64])
    parser.add_argument("--memory", type=int, metavar="N", help="make N conversations as fast as can be")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    failed = False
    latency = 0.0 if options.memory else options.latency
    with endpoint(roles, partial(uneven, latency)) as url:
        if options.memory:
            _, sizes, progress = made(url, options.memory, 64)
            growth = sizes[-1] - sizes[len(sizes) // 10]
            print(
                f"{progress.kept:,} conversations, {progress.requests:,} answers: {sizes[-1]:.0f} MB at the end,"
            )
            print(f"{growth:+.1f} MB since the first tenth (promise: under {GROWTH})")
            failed = growth > GROWTH or progress.kept < options.memory
        for connections in () if options.memory else options.connections:
            ideal = connections / latency
            count = max(options.conversations, 5 * connections)
            plain = middle(asyncio.run(bare(url, question(), 30 * count, connections)))
            rate, _, progress = made(url, count, connections)
            print(
                f"{connections} connections, {latency:g} s: {rate:.0f} answers/s, {rate / ideal:.3f} of the ideal "
                f"{ideal:.0f} (promise: {RATE}); a bare client {plain / ideal:.3f}; "
                f"{progress.kept} of {count} conversations kept"
            )
            failed = failed or rate < RATE * ideal or progress.kept < count
    sys.exit(int(failed and options.check))


if __name__ == "__main__":
    main()

"""How long dialogues over an API take, against the time that no client can beat.

A local server answers each request after a log-normal time (median 0.3 s, sigma 1: as APIs do it). The ideal is
the larger of the longest conversation, whose turns can only follow each other, and the sum of all
times over the connections. Both ends run on this machine, the server in a process of its own.

    python benchmarks/dialogue.py [--connections 32 64] [--check]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import sys
import time
from multiprocessing.connection import Connection
from statistics import NormalDist
from typing import Any

PROMISE = 1.25
"""Times the ideal, with 32 and with 64 connections."""
CUSTOMER = json.dumps(
    {
        "asked": [],
        "direction": "追问怎么办",
        "mood": 3,
        "demand": False,
        "end": "none",
        "text": "那我这件事到底怎么办啊？",
    }
)
"""What a model customer's two roles say, each of them reads its own fields."""
_NORMAL = NormalDist(mu=-1.2039728043259361, sigma=1.0)  # log of 0.3 s


def latency(prompt: str) -> float:
    """Seconds that the server takes for a prompt: log-normal over prompts, the same in every run."""
    digest = hashlib.sha256(prompt.encode()).digest()
    share = (int.from_bytes(digest[:8], "big") + 0.5) / 2**64
    return float(2.718281828459045 ** _NORMAL.inv_cdf(share))


def answer(prompt: str) -> str:
    """What the server says."""
    return f"[提供建议] 您可以先看看第{sum(prompt.encode()) % 97}条。"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, times: list[float]) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            request = json.loads(await reader.readexactly(length))
            times.append(time.monotonic())
            prompt = request["messages"][-1]["content"]
            await asyncio.sleep(latency(prompt))
            text = CUSTOMER if request["model"] == "customer" else answer(prompt)
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            body = json.dumps({"choices": [choice]}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
            times.append(time.monotonic())
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


def server(pipe: Connection) -> None:
    """Serve until something comes through the pipe; then send (requests, seconds from the first to the last byte)."""

    async def main() -> None:
        times: list[float] = []
        running = await asyncio.start_server(
            lambda r, w: _serve(r, w, times), "127.0.0.1", 0, limit=2**22, backlog=512
        )
        pipe.send(running.sockets[0].getsockname()[1])
        while await asyncio.to_thread(pipe.recv) != "stop":
            pipe.send((len(times) // 2, max(times) - min(times)))
            times.clear()

    asyncio.run(main())


def ideal(samples: list[dict[str, Any]], connections: int) -> tuple[float, float]:
    """Seconds of the longest conversation, and of all turns over the connections."""
    talks = []
    for sample in samples:
        prompts = [json.loads(prompt[0]) for prompt, _ in sample["arguments"]]
        talks.append(sum(latency(messages[-1]["content"]) for messages in prompts))
    return max(talks), sum(talks) / connections


def measure(port: int, connections: int) -> list[dict[str, Any]]:
    """Evaluate csconv_mini_dialogue over the server; the sample log."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from csc_tasks.harness.registration import configs_folder

    results = simple_evaluate(
        "local-chat-completions",
        model_args=f"model=m,base_url=http://127.0.0.1:{port}/v1/chat/completions,num_concurrent={connections},max_retries=1",
        tasks=["csconv_mini_dialogue"],
        task_manager=TaskManager(include_path=str(configs_folder()), include_defaults=False),
        apply_chat_template=True,
        log_samples=True,
        bootstrap_iters=0,
    )
    return results["samples"]["csconv_mini_dialogue"]  # type: ignore[no-any-return]


def main() -> int:
    """Print a line for each number of connections; the exit code is 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--check", action="store_true", help=f"fail above {PROMISE} times the ideal")
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=server, args=(there,), daemon=True)
    process.start()
    port = here.recv()
    kept = True
    for connections in options.connections:
        samples = measure(port, connections)
        here.send("times")
        requests, seconds = here.recv()
        longest, spread = ideal(samples, connections)
        ratio = seconds / max(longest, spread)
        kept = kept and ratio <= PROMISE
        print(
            f"{connections} connections, {requests} requests: {seconds:.1f} s; longest conversation {longest:.1f} s, "
            f"sum over connections {spread:.1f} s: {ratio:.2f} times the ideal"
        )
    here.send("stop")
    return int(options.check and not kept)


if __name__ == "__main__":
    sys.exit(main())

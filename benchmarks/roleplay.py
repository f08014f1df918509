"""How long role-plays take with an endpoint on both sides, against the time that no client can beat.

A local server answers supporter and customer, each request after a log-normal time (median 0.3 s, sigma 1: as APIs do
it). A chain alternates: one request to the supporter, two to the customer (direction, utterance). The ideal is the
larger of the longest chain, and of each side's sum of all times over its connections.

    python benchmarks/roleplay.py [--connections 64] [--trials 8] [--check]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import dialogue

PROMISE = 0.85
"""Of the ideal rate, with 64 connections on both sides."""
TASK = "csconv_mini_roleplay"
_CUSTOMER = """\
model: customer
base_url: http://127.0.0.1:{port}/v1
json_schema: off
concurrency: {connections}
cache: {folder}/customers.sqlite
"""


def measure(
    port: int, connections: int, trials: int, folder: Path
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Evaluate over the server; the sample log, and by role-play the seconds that its customer's answers took."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from csc_tasks.harness.registration import configs_folder
    from csc_tasks.roleplay.model_customer.line import CustomerLine

    spent: dict[str, float] = defaultdict(float)
    lock, ask = threading.Lock(), CustomerLine.ask

    def counted(self: Any, role: Any, messages: Any, schema: Any, key: str, attempt: int) -> Any:
        with lock:
            spent[key] += dialogue.latency(messages[-1].content)
        return ask(self, role, messages, schema, key, attempt)

    CustomerLine.ask = counted  # type: ignore[method-assign]
    config = folder / "customer.yaml"
    config.write_text(_CUSTOMER.format(port=port, connections=connections, folder=folder), encoding="utf-8")
    results = simple_evaluate(
        "local-chat-completions",
        model_args=f"model=m,base_url=http://127.0.0.1:{port}/v1/chat/completions,num_concurrent={connections},max_retries=1",
        tasks=[TASK],
        task_manager=TaskManager(
            include_path=str(configs_folder()),
            include_defaults=False,
            metadata={"csconv_customer": str(config), "csconv_trials": trials},
        ),
        apply_chat_template=True,
        log_samples=True,
        bootstrap_iters=0,
    )
    return results["samples"][TASK], spent


def chains(samples: list[dict[str, Any]]) -> dict[str, float]:
    """By role-play the seconds that the supporter's answers took."""
    from csc_tasks.roleplay.card_sets import shipped_card_set
    from csc_tasks.roleplay.in_play import CaseInPlay

    cards = {card.id: card for card in shipped_card_set().cards}
    took: dict[str, float] = defaultdict(float)
    for sample in samples:
        card = cards[sample["doc"]["conversation"]]
        for (prompt, _), turn in zip(sample["arguments"], sample["filtered_resps"], strict=True):
            key = CaseInPlay.key_of(card, json.loads(turn)["trial"])
            took[key] += dialogue.latency(json.loads(prompt[0])[-1]["content"])
    return took


def main() -> int:
    """Print a line for each number of connections; the exit code is 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, nargs="+", default=[64])
    parser.add_argument("--trials", type=int, default=8, help="of each of the 24 cards")
    parser.add_argument("--check", action="store_true", help=f"fail below {PROMISE} of the ideal rate")
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=dialogue.server, args=(there,), daemon=True)
    process.start()
    port = here.recv()
    kept = True
    for connections in options.connections:
        with tempfile.TemporaryDirectory() as folder:
            samples, customers = measure(port, connections, options.trials, Path(folder))
        here.send("times")
        requests, seconds = here.recv()
        supporters = chains(samples)
        longest = max(supporters[key] + customers[key] for key in supporters)
        sides = [sum(side.values()) / connections for side in (supporters, customers)]
        rate = max(longest, *sides) / seconds
        kept = kept and rate >= PROMISE
        print(
            f"{connections} connections a side, {len(supporters)} role-plays, {requests} requests: {seconds:.1f} s; "
            f"longest chain {longest:.1f} s, supporters {sides[0]:.1f} s, customers {sides[1]:.1f} s: "
            f"{rate:.2f} of the ideal rate"
        )
    here.send("stop")
    return int(options.check and not kept)


if __name__ == "__main__":
    sys.exit(main())

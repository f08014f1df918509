"""Runs that differ from one another in one thing, as files: copies of one run whose results say something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.leaderboards import logs

MODEL = {"pretrained": "org/base"}

ONE_APART: dict[str, dict[str, Any]] = {
    "plain": {},
    "adapter a": {"model_args": {"peft": "/adapters/a/final"}},
    "adapter b": {"model_args": {"peft": "/adapters/b/final"}},
    "vLLM's adapter": {"model_args": {"lora_local_path": "/adapters/c"}},
    "revision": {"model_args": {"revision": "step1000"}},
    "4-bit": {"model_args": {"load_in_4bit": True}},
    "dtype": {"model_args": {"dtype": "float16"}},
    "thinking": {"model_args": {"enable_thinking": True}},
    "effort": {"model_args": {"chat_template_args": {"reasoning_effort": "low"}}},
    "tokenizer": {"model_args": {"tokenizer": "org/tokenizer"}},
    "window": {"model_args": {"max_model_len": 2048}},
    "weights": {"model_args": {"gguf_file": "q4.gguf"}},
    "folder": {"model_args": {"subfolder": "ema"}},
    "start": {"model_args": {"add_bos_token": False}},
    "start by number": {"model_args": {"prefix_token_id": 7}},
    "gptq": {"model_args": {"gptqmodel": True}},
    "nobody knows it": {"model_args": {"frobnicate": 3}},
    "sampling": {"gen_kwargs": {"temperature": 0.7, "do_sample": True}},
    "template": {"chat_template_sha": "1a2b3c" + 58 * "0"},
    "system instruction": {"system_instruction_sha": "4d5e6f" + 58 * "0"},
}
"""Twenty runs of one base model."""


def variant(source: Path, folder: Path, change: Mapping[str, Any], shift: float = 0.0) -> Path:
    """A copy of the run below ``source``: the copy's results file.

    Args:
        source: a folder with one run.
        folder: of the copy.
        change: ``model_args`` and other entries of lm-eval's ``config``, or of the file itself, by name.
        shift: seconds that the copy is newer.
    """
    shutil.copytree(logs.results_file(source).parent, folder)
    results = logs.results_file(folder)

    def edit(content: dict[str, Any]) -> None:
        config = content["config"]
        config["model"] = "hf"
        config["model_args"] = dict(MODEL)
        content["date"] += shift
        for name, value in change.items():
            if name == "model_args":
                config["model_args"] |= value
            elif name == "shots":
                content["n-shot"] = dict.fromkeys(content["n-shot"], value)
            elif name in config or name in ("model_sha", "model_revision"):
                config[name] = value
                if name == "gen_kwargs":
                    _generate(content, value)
            else:
                content[name] = value

    logs.edit(results, edit)
    return results


def _generate(content: dict[str, Any], settings: Mapping[str, Any]) -> None:
    """As lm-eval does, which puts the command's settings into each task's."""
    for task in content["configs"].values():
        task["generation_kwargs"] = {**task["generation_kwargs"], **settings}


def content_of(path: Path) -> Any:
    """A JSON file, read."""
    return json.loads(path.read_text(encoding="utf-8"))

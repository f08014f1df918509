"""Which arguments of a model can change an answer, each as one text: what cannot is left out, and so is any secret.

An argument that nobody here knows counts as changing the answer.
"""

from __future__ import annotations

import ast
import ipaddress
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from csc_tasks.credentials import is_secret, without_secrets

__all__ = ["NAMES", "telling", "text_of"]

NAMES = ("model", "pretrained", "path", "engine", "model_id", "deployment_id", "load")
"""lm-eval's model arguments that name a model, whatever the backend; the first that is given counts."""

# How much is done at a time, by how many, and where. That sums of floats come out otherwise in the last digit
# is noise of the machine, which no name can hold.
_MACHINE = """
    batch_size max_batch_size micro_batch_size max_num_seqs max_num_batched_tokens chunked_prefill_size
    enable_chunked_prefill num_concurrent
    device devices device_map device_map_option num_nodes parallelize tp_plan tensor_parallel_size
    data_parallel_size pipeline_parallel_size expert_parallel_size enable_expert_parallel tp_size dp_size tp_degree
    tensor_model_parallel_size pipeline_model_parallel_size expert_model_parallel_size
    distributed_executor_backend disable_custom_all_reduce worker_use_ray execution_provider provider_options
    max_memory_per_gpu max_cpu_memory offload_folder offload_state_dict low_cpu_mem_usage cpu_offload_gb
    gpu_memory_utilization mem_fraction_static swap_space block_size enable_prefix_caching enforce_eager logits_cache
"""
# What is tried again, how long is waited, what is checked, where files are kept and what is printed.
_MANNERS = """
    max_retries timeout verify_certificate ca_cert_path trust_remote_code
    download_dir cache_dir local_files_only force_download resume_download
    disable_log_stats disable_log_requests use_tqdm write_out show_progress
"""
# How many adapters and pictures there may be; which of them is asked stands elsewhere.
_LIMITS = "enable_lora max_lora_rank max_loras max_cpu_loras max_images max_audios"
_HARMLESS = frozenset(f"{_MACHINE} {_MANNERS} {_LIMITS}".split())
"""What cannot change an answer; docs/leaderboard.md has the list for people."""

_DEFAULTS = {
    "dtype": "auto",
    "tokenizer_mode": "auto",
    "load_in_4bit": "False",
    "load_in_8bit": "False",
    "autogptq": "False",
    "gptqmodel": "False",
    "truncation": "False",
    "subfolder": "",
    "revision": "main",
    "backend": "default",
}
"""What stands for the same as nothing, with every backend that knows the argument."""

_NESTED = ("chat_template_args", "chat_template_kwargs", "extra_body")
"""Mappings whose entries mean the same as arguments of their names."""


def telling(arguments: Mapping[str, Any]) -> dict[str, str]:
    """The arguments that can change an answer, beside the model's name, by name; mappings in them entry by entry.

    Args:
        arguments: lm-eval's ``--model_args``, or its ``--gen_kwargs``.
    """
    found: dict[str, str] = {}
    for name, value in sorted(_flat(arguments), key=lambda pair: pair[0].count(".")):
        # An argument of its own counts before the same one within a mapping.
        found.setdefault(_unnested(name), value)
    kept = {name: value for name, value in found.items() if value and _DEFAULTS.get(name) != value}
    return dict(sorted(kept.items()))


def _unnested(name: str) -> str:
    parts = name.split(".")
    while len(parts) > 1 and parts[0] in _NESTED:
        parts = parts[1:]
    return ".".join(parts)


def _flat(arguments: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, given in arguments.items():
        name = f"{prefix}{key}"
        value = _parsed(given)
        if key in _HARMLESS or is_secret(str(key)) or value is None:
            continue
        if isinstance(value, Mapping):
            yield from _flat({str(k): v for k, v in value.items()}, f"{name}.")
        elif key == "base_url":
            yield name, _endpoint(str(value))
        else:
            yield name, text_of(value)


def _parsed(value: Any) -> Any:
    """The value that a text stands for, as both of lm-eval's readers of arguments take it."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text.lower() in ("none", "null", ""):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return text


def text_of(value: Any) -> str:
    """A value as one text, the same for the same value however it was written, without secrets."""
    value = _parsed(value)
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, (list, tuple, Mapping)):
        return without_secrets(json.dumps(_clean(value), ensure_ascii=False, sort_keys=True, default=str))
    return without_secrets(str(value).removeprefix("torch."))


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _clean(v) for k, v in value.items() if not is_secret(str(k))}
    return [_clean(item) for item in value] if isinstance(value, (list, tuple)) else value


def _endpoint(address: str) -> str:
    """What of an address can change an answer: the path, and the host unless it is of one's own network."""
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return without_secrets(address)
    path = parts.path.rstrip("/")
    options = [pair for pair in parts.query.split("&") if pair and not is_secret(pair.partition("=")[0])]
    query = f"?{without_secrets('&'.join(sorted(options)))}" if options else ""
    if _is_local(host):
        return f"local{path}{query}"
    return f"{host}{f':{port}' if port else ''}{path}{query}"


def _is_local(host: str) -> bool:
    if "." not in host and ":" not in host:  # localhost, a container, a node of the cluster
        return True
    if host.endswith((".local", ".localhost", ".internal", ".lan", ".localdomain")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False

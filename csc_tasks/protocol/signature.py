"""The signature of a run: everything that must agree before two numbers may be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from csc_tasks._version import __version__
from csc_tasks.data.sources import Corpus
from csc_tasks.data.splits import Subset
from csc_tasks.metrics import Metric, column_name, signature_of
from csc_tasks.metrics.tokenizers import tokenizer_version
from csc_tasks.protocol.prompt import Prompt
from csc_tasks.protocol.task_kind import Context, TaskKind

__all__ = ["BENCHMARK_VERSION", "build_signature", "sign_metrics"]

BENCHMARK_VERSION = 1
"""Raised when scores under the old and the new protocol cannot be compared."""


def build_signature(
    kind: TaskKind,
    context: Context,
    prompt: Prompt,
    corpus: Corpus,
    subset: Subset,
    conversations: int,
    tokenizer: str,
    metrics: Sequence[Metric],
) -> dict[str, Any]:
    """The signature as a JSON object, with a one-line form under ``line``.

    ``data.fingerprint`` covers the content of the evaluated file whatever its format;
    ``data.sha256`` the bytes of the file that was read.
    """
    tokens = tokenizer_version(tokenizer)
    data = f"{corpus.name}@{corpus.fingerprint[:8]}"
    signature: dict[str, Any] = {
        "line": f"csconv:{BENCHMARK_VERSION}|task:{kind.value}|ctx:{context}|prompt:{prompt.version}"
        f"|data:{data}|scale:{subset.value}|tok:{tokens}|version:{__version__}",
        "benchmark": BENCHMARK_VERSION,
        "package": __version__,
        "task": kind.value,
        "context": context.value,
        "prompt": {"version": prompt.version, "sha256": prompt.sha256},
        "data": {
            "name": corpus.name,
            "scale": subset.value,
            "conversations": conversations,
            "fingerprint": corpus.fingerprint,
            "sha256": corpus.sha256,
        },
        "tokenizer": tokens,
    }
    sign_metrics(signature, metrics, tokenizer)
    return signature


def sign_metrics(signature: dict[str, Any], metrics: Sequence[Metric], tokenizer: str) -> None:
    """Write down how each metric is computed; of one with a network the fingerprint is known once it is prepared."""
    signature["metrics"] = {column_name(m, tokenizer): signature_of(m, tokenizer) for m in metrics}
    if details := {column_name(m, tokenizer): m.details for m in metrics if m.details}:
        signature["models"] = details

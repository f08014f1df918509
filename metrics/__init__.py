"""Metrics for Chinese customer support: functions of turns, without a harness.

The names below are loaded at first use: the framework of strategies is made from :mod:`.stages`, and importing
it must not cost numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from csc_tasks.metrics.base import (
        AdditiveMetric,
        MeanMetric,
        Metric,
        MetricInfo,
        ModelError,
        Needs,
        SetMetric,
        TurnMetric,
    )
    from csc_tasks.metrics.neural.bertscore import BertScoreOptions
    from csc_tasks.metrics.neural.bleurt import BleurtOptions
    from csc_tasks.metrics.registry import (
        NO_MODELS,
        Models,
        additive_metric,
        all_metrics,
        column_name,
        current,
        has_sums,
        headlines,
        metric_named,
        metrics_for,
        reported_metrics,
        signature_of,
    )
    from csc_tasks.metrics.tally import Tally
    from csc_tasks.metrics.tokenizers import DEFAULT_TOKENIZER, TOKENIZERS, tokenizer
    from csc_tasks.metrics.turns import UNREADABLE, Turns
    from csc_tasks.metrics.uncertainty import clustered_stderr

__all__ = [
    "DEFAULT_TOKENIZER",
    "NO_MODELS",
    "TOKENIZERS",
    "UNREADABLE",
    "AdditiveMetric",
    "BertScoreOptions",
    "BleurtOptions",
    "MeanMetric",
    "Metric",
    "MetricInfo",
    "ModelError",
    "Models",
    "Needs",
    "SetMetric",
    "Tally",
    "TurnMetric",
    "Turns",
    "additive_metric",
    "all_metrics",
    "clustered_stderr",
    "column_name",
    "current",
    "has_sums",
    "headlines",
    "metric_named",
    "metrics_for",
    "reported_metrics",
    "signature_of",
    "tokenizer",
]

_MODULES = (
    "base",
    "registry",
    "turns",
    "tokenizers",
    "tally",
    "uncertainty",
    "neural.bertscore",
    "neural.bleurt",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = import_module(f"csc_tasks.metrics.{module}")
            if name in found.__all__:
                globals()[name] = getattr(found, name)
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

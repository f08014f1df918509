"""Metrics for Chinese customer support: pure functions of turns, without a harness and without a model."""

from csc_tasks.metrics.base import AdditiveMetric, MeanMetric, Metric, MetricInfo, Needs, SetMetric
from csc_tasks.metrics.registry import all_metrics, column_name, metrics_for, signature_of
from csc_tasks.metrics.tally import Tally
from csc_tasks.metrics.tokenizers import DEFAULT_TOKENIZER, TOKENIZERS, tokenizer
from csc_tasks.metrics.turns import UNREADABLE, Turns
from csc_tasks.metrics.uncertainty import clustered_stderr

__all__ = [
    "DEFAULT_TOKENIZER",
    "TOKENIZERS",
    "UNREADABLE",
    "AdditiveMetric",
    "MeanMetric",
    "Metric",
    "MetricInfo",
    "Needs",
    "SetMetric",
    "Tally",
    "Turns",
    "all_metrics",
    "clustered_stderr",
    "column_name",
    "metrics_for",
    "signature_of",
    "tokenizer",
]

"""The metrics by name: the one list that tasks, tables, docs and signatures are made from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from csc_tasks.metrics.base import AdditiveMetric, Metric, Needs, TurnMetric
from csc_tasks.metrics.bleu import Bleu
from csc_tasks.metrics.depth import THIRDS, AtDepth
from csc_tasks.metrics.divergence import CorrectedPreference, CorrectedShares, CorrectedTransitions
from csc_tasks.metrics.judge.scores import known_columns
from csc_tasks.metrics.neural.bertscore import PARTS, BertScore, BertScoreOptions
from csc_tasks.metrics.neural.bleurt import Bleurt, BleurtOptions
from csc_tasks.metrics.roleplay import role_play_metrics
from csc_tasks.metrics.rouge import RougeL, RougeLAscii
from csc_tasks.metrics.sequences import LongestRun, StageTransitions
from csc_tasks.metrics.strategy import (
    F1,
    JensenShannon,
    PreferenceBias,
    StageAccuracy,
    StrategyAccuracy,
    StrategyInvalid,
    TopK,
)
from csc_tasks.metrics.text import Failed, LengthRatio, NoAnswer, NormChanged, NoText, Truncated
from csc_tasks.metrics.tokenizers import DEFAULT_TOKENIZER, TOKENIZERS, tokenizer_version
from csc_tasks.metrics.variety import AdjustedDistinct, Distinct

__all__ = [
    "NO_MODELS",
    "Models",
    "additive_metric",
    "all_metrics",
    "column_name",
    "current",
    "has_sums",
    "headlines",
    "metric_named",
    "metrics_for",
    "reported_metrics",
    "signature_of",
]


@dataclass(frozen=True, slots=True)
class Models:
    """The metrics that a neural network computes, and with which; ``None`` leaves a metric out."""

    bertscore: BertScoreOptions | None = None
    bleurt: BleurtOptions | None = None


ALL_MODELS = Models(BertScoreOptions(), BleurtOptions())
NO_MODELS = Models()


_AT_DEPTH = (StrategyAccuracy(), Bleu(2, norm=True), RougeL(norm=True), Bleu(2), RougeL())


def all_metrics(tokenizer: str = DEFAULT_TOKENIZER, models: Models = ALL_MODELS) -> tuple[TurnMetric, ...]:
    """Every metric, in the order in which tables show them; no model is loaded."""
    return (
        StrategyAccuracy(),
        TopK(3),
        F1("macro"),
        F1("weighted"),
        StageAccuracy(),
        StrategyInvalid(),
        PreferenceBias(),
        CorrectedPreference(),
        JensenShannon(),
        CorrectedShares(),
        LongestRun(),
        StageTransitions(),
        CorrectedTransitions(),
        Bleu(2, norm=True),
        Bleu(4, norm=True),
        RougeL(norm=True),
        Bleu(2),
        Bleu(4),
        RougeL(),
        RougeLAscii(),
        *(BertScore(part, models.bertscore) for part in PARTS if models.bertscore),
        *((Bleurt(models.bleurt),) if models.bleurt else ()),
        AdjustedDistinct(),
        Distinct(1, tokenizer),
        Distinct(2, tokenizer),
        LengthRatio(norm=True),
        LengthRatio(),
        NormChanged(),
        NoText(),
        NoAnswer(),
        Failed(),
        Truncated(),
        *(AtDepth(m, k) for m in _AT_DEPTH for k in range(len(THIRDS))),
    )


def metrics_for(
    columns: Collection[Needs],
    tokenizer: str = DEFAULT_TOKENIZER,
    models: Models = NO_MODELS,
    benchmark: int | None = None,
) -> tuple[TurnMetric, ...]:
    """The metrics that can be computed from these columns of :class:`~csc_tasks.metrics.turns.Turns`.

    Args:
        columns: which columns there are.
        tokenizer: of the text metrics.
        models: the metrics with a network.
        benchmark: also those that this benchmark version still had; by default none of them.
    """
    return tuple(
        m
        for m in all_metrics(tokenizer, models)
        if m.info.needs in columns
        and (not m.info.until or (benchmark is not None and benchmark <= m.info.until))
    )


def column_name(metric: Metric, tokenizer: str = DEFAULT_TOKENIZER) -> str:
    """The name under which a score is reported.

    A tokenizer other than the default is part of the name (``bleu_4_jieba``): the two are different
    quantities, and no table may put one under the other's heading. So is a variant of the metric. What always
    uses the same tokenizer has one name.
    """
    name = metric.info.name
    if metric.info.tokens:
        return name
    if metric.info.variant:
        return f"{name}_{metric.info.variant}"
    return f"{name}_{tokenizer}" if metric.info.tokenized and tokenizer != DEFAULT_TOKENIZER else name


@cache
def _by_column() -> dict[str, Metric]:
    variants = Models(BertScoreOptions(rescale=True))
    found: dict[str, Metric] = {}
    for tokenizer in TOKENIZERS:
        for metric in (*all_metrics(tokenizer), *all_metrics(tokenizer, variants)):
            found.setdefault(column_name(metric, tokenizer), metric)
    return {**found, **role_play_metrics()}


def reported_metrics() -> dict[str, Metric]:
    """Every name under which :func:`column_name` can report a score, in table order, with its metric.

    The metrics read statistics and sums; those with a network are not prepared and score no text.
    """
    return dict(_by_column())


def metric_named(name: str) -> Metric | None:
    """The metric that reports its score under this name, a judge's among them; ``None`` if none does."""
    return _by_column().get(name) or known_columns([name]).get(name)


def additive_metric(name: str) -> AdditiveMetric:
    """The same of one that has sums.

    Raises:
        KeyError: there is none of this name, or it has no sums.
    """
    metric = metric_named(name)
    if not isinstance(metric, AdditiveMetric):
        raise KeyError(name)
    return metric


def has_sums(name: str) -> bool:
    """Whether :func:`additive_metric` knows the name."""
    return isinstance(metric_named(name), AdditiveMetric)


def signature_of(metric: Metric, tokenizer: str = DEFAULT_TOKENIZER) -> str:
    """What must agree for two scores of this metric to be comparable."""
    tokens = f", tok:{tokenizer_version(metric.info.tokens or tokenizer)}" if metric.info.tokenized else ""
    return metric.implementation + tokens


def current(names: Collection[str]) -> list[str]:
    """The scores of these, without those in whose place another of them is shown.

    ``bleu_4`` is not in short tables where ``bleu_4_norm`` is known, and is where only it is: in results of
    benchmark 1.
    """
    known = {name: metric.info.instead_of for name in names if (metric := metric_named(name)) is not None}
    replaced = set(known.values())
    return [name for name in names if name not in replaced]


def headlines(names: Collection[str]) -> list[str]:
    """Those that people decide by: the :func:`current` ones that are headline scores."""
    return [n for n in current(names) if (metric := metric_named(n)) is not None and metric.info.headline]

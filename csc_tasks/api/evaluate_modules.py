"""The metrics as modules of Hugging Face ``evaluate``: ``evaluate.load(metric_module("bleu_4"))``, offline.

``evaluate`` loads a module from a script of its own. The scripts are three lines each, written into csconv's
cache on first use; all they do is ask :func:`module_class` for the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from csc_tasks._version import __version__
from csc_tasks.citation import BIBTEX
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.labels import read_strategy
from csc_tasks.metrics import (
    DEFAULT_TOKENIZER,
    UNREADABLE,
    AdditiveMetric,
    BertScoreOptions,
    BleurtOptions,
    Models,
    Needs,
    TurnMetric,
    Turns,
    all_metrics,
    clustered_stderr,
    column_name,
    signature_of,
)
from csc_tasks.metrics.corrected import CorrectedMetric
from csc_tasks.metrics.depth import AtDepth
from csc_tasks.metrics.sequences import LongestRun, StageTransitions
from csc_tasks.protocol.scoring import read_choice
from csc_tasks.storage import cache_folder, write_file

__all__ = ["metric_module", "module_class", "module_names"]

_TEXT, _WHOLE = datasets.Value("string"), datasets.Value("int64")
_PREDICTIONS = {
    Needs.STRATEGY: (_TEXT, "strategy labels as a model wrote them; unreadable ones are wrong"),
    Needs.TEXT: (_TEXT, "replies"),
    Needs.ANSWERS: (_TEXT, "replies; an empty one is no answer"),
    Needs.BACKEND: (datasets.Value("bool"), "whether an error stands in the place of the reply"),
    Needs.RANKS: (
        datasets.Sequence(datasets.Value("float64")),
        "twelve log-likelihoods a turn, options A to L",
    ),
    Needs.DIALOGUE: (datasets.Value("bool"), "whether the turn's history was cut to fit the model's window"),
}
_REFERENCES = {
    Needs.STRATEGY: "gold strategies: any spelling of the twelve names",
    Needs.TEXT: "gold replies",
    Needs.RANKS: "gold strategies",
}
_PLACED = {
    "conversations": (_TEXT, "which conversation each turn belongs to"),
    "positions": (_WHOLE, "the turn's place among the supporter's turns of its conversation, from 0"),
    "totals": (_WHOLE, "how many supporter turns its conversation has"),
}


def module_names() -> tuple[str, ...]:
    """The metrics that :func:`metric_module` knows, in table order: all but a judge's, which need verdicts."""
    return tuple(metric.info.name for metric in all_metrics())


def metric_module(name: str) -> str:
    """Path of the script that ``evaluate.load`` takes for one of csconv's metrics.

    ``evaluate.load(metric_module("bleu_4"), tokenizer="jieba")`` chooses a tokenizer, and ``model=…``, ``layer=…``
    the network of ``bertscore`` and ``bleurt``.

    Args:
        name: as in a results file, for instance ``bleu_4`` or ``strategy_f1_macro``.

    Raises:
        ConfigError: there is no such metric; the message lists them.
    """
    if name not in module_names():
        raise ConfigError(f"there is no metric {name!r}; there are {', '.join(module_names())}")
    path = cache_folder() / "evaluate" / __version__ / f"csconv_{name}" / f"csconv_{name}.py"
    script = (
        f'"""csconv {__version__}: {name}, as a module of Hugging Face evaluate."""\n\n'
        "from csc_tasks.api.evaluate_modules import module_class\n\n"
        f'Module = module_class("{name}")\n'
    ).encode()
    # The file may be there and damaged; evaluate would run whatever it finds.
    if not path.is_file() or path.read_bytes() != script:
        write_file(path, script)
    return str(path)


def module_class(name: str) -> type[evaluate.Metric]:
    """The class of one metric's module; a script of :func:`metric_module` is its only user."""
    (plain,) = (metric for metric in all_metrics() if metric.info.name == name)
    return type(f"Csconv_{name}", (CSConvModule,), {"NAME": name, "__doc__": plain.info.summary})


class CSConvModule(evaluate.Metric):  # type: ignore[misc]
    """One of csconv's metrics; a score is the very number that a run reports.

    Args:
        tokenizer: of the text metrics: ``zh``, ``char`` or ``jieba``.
        model: of ``bertscore`` and ``bleurt``: a hub id or folder; by default bert-score's choice for Chinese.
        layer: of ``bertscore``'s model, where bert-score knows none for it.
    """

    NAME: str

    def __init__(
        self,
        config_name: str | None = None,
        tokenizer: str = DEFAULT_TOKENIZER,
        model: str | None = None,
        layer: int | None = None,
        **options: Any,
    ) -> None:
        self._tokenizer = tokenizer
        bertscore = BertScoreOptions(model or BertScoreOptions().model, layer)
        bleurt = BleurtOptions(model) if model else BleurtOptions()
        metrics = all_metrics(tokenizer, Models(bertscore, bleurt))
        self._metric: TurnMetric = next(metric for metric in metrics if metric.info.name == self.NAME)
        super().__init__(config_name=config_name, **options)

    def _download_and_prepare(self, dl_manager: Any) -> None:
        self._metric.prepare()

    @property
    def _needs(self) -> Needs:
        return (self._metric.metric if isinstance(self._metric, AtDepth) else self._metric).info.needs

    def _columns(self) -> dict[str, tuple[Any, str]]:
        """Feature and meaning of every input."""
        needs = self._needs
        columns = {"predictions": _PREDICTIONS[needs]}
        if needs in _REFERENCES:
            columns["references"] = _TEXT, _REFERENCES[needs]
        if isinstance(self._metric, AtDepth):
            columns |= _PLACED
        elif isinstance(self._metric, (LongestRun, StageTransitions, CorrectedMetric)):
            columns |= {key: _PLACED[key] for key in ("conversations", "positions")}
        return columns

    def _info(self) -> evaluate.MetricInfo:
        info, columns = self._metric.info, self._columns()
        better = {1: "higher is better", -1: "lower is better", 0: "a description, not a score"}[info.better]
        return evaluate.MetricInfo(
            description=f"{info.title}: {info.summary}; {better}. csconv {__version__}, arXiv 2508.04423.",
            citation=BIBTEX,
            inputs_description="\n".join(f"{key}: {meaning}" for key, (_, meaning) in columns.items())
            + "\nconversations (compute only, optional): the conversation of each turn, for a standard error",
            features=datasets.Features({key: feature for key, (feature, _) in columns.items()}),
            reference_urls=["https://arxiv.org/abs/2508.04423"],
        )

    def _compute(self, **columns: Any) -> dict[str, Any]:
        """``{name: score, "signature": how it was computed}``; with ``conversations`` also ``name_stderr``."""
        predictions = columns["predictions"]
        conversations = columns.get("conversations")
        turns = self._turns(columns, conversations or [str(i) for i in range(len(predictions))])
        items = self._metric.items(turns)
        name = column_name(self._metric, self._tokenizer)
        result: dict[str, Any] = {name: self._metric.score(items)}
        if conversations is not None and isinstance(self._metric, AdditiveMetric):
            result[f"{name}_stderr"] = clustered_stderr(self._metric, items, conversations)
        result["signature"] = signature_of(self._metric, self._tokenizer)
        return result

    def _turns(self, columns: dict[str, Any], conversations: Sequence[str]) -> Turns:
        predictions, references = columns["predictions"], columns.get("references")
        count = len(predictions)
        positions = np.asarray(columns.get("positions", range(count)), dtype=np.int64)
        totals = np.asarray(columns["totals"], dtype=np.int64) if "totals" in columns else None
        needs = self._needs
        turns: dict[str, Any] = {"tokenizer": self._tokenizer, "totals": totals}
        if needs is Needs.STRATEGY:
            turns["gold"] = np.array([_gold(label).index for label in references or ()], dtype=np.int64)
            turns["predicted"] = np.array([_label(label) for label in predictions], dtype=np.int64)
        elif needs is Needs.RANKS:
            golds = [_gold(label) for label in references or ()]
            choices = [read_choice(row, gold) for row, gold in zip(predictions, golds, strict=True)]
            turns["ranks"] = np.array([choice.gold_rank for choice in choices], dtype=np.int64)
        elif needs is Needs.ANSWERS:
            turns["answered"] = np.array([bool(text.strip()) for text in predictions], dtype=bool)
        elif needs is Needs.BACKEND:
            turns["failed"] = np.array(predictions, dtype=bool)
        elif needs is Needs.DIALOGUE:
            turns["truncated"] = np.array(predictions, dtype=bool)
        else:
            turns["hypotheses"], turns["references"] = list(predictions), list(references or ())
        return Turns(list(conversations), positions, **turns)


def _gold(label: str) -> Strategy:
    strategy = read_strategy(label)
    if strategy is None:
        raise ConfigError(
            f"references: {label!r} is none of the twelve strategies ({'、'.join(s.zh for s in Strategy)})"
        )
    return strategy


def _label(label: str) -> int:
    strategy = read_strategy(label)
    return UNREADABLE if strategy is None else strategy.index

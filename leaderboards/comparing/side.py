"""One side of a comparison, turn by turn: the logs of a model's seeds as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.reading.repeats import over_seeds
from csc_tasks.leaderboards.reading.role_plays import outcome_words
from csc_tasks.metrics import UNREADABLE, additive_metric
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.corrected import CorrectedMetric
from csc_tasks.metrics.uncertainty import cluster_sums
from csc_tasks.protocol.task_kind import Context
from csc_tasks.results.find_logs import open_log
from csc_tasks.results.results_file import Origin, TaskRun

__all__ = ["LABELS", "LoggedTurn", "Side", "read_side"]

LABELS = "strategy_f1_macro"
"""The metric whose items are [gold, predicted]."""
_WIDEST = 32
"""Statistics with more columns, and those of corrected scores, are counts of labels, which say nothing of a turn."""

LoggedTurn = tuple[str, int, str, str, str, str]
"""Conversation, turn, topic, gold strategy, reference, and the reply ('' where no text was asked for).

Of role-plays card and trial, and how it ended in the place of the reply.
"""


@dataclass(frozen=True, slots=True)
class Side:
    """The n turns of a model in the order of conversation and turn.

    ``scores`` has (n,) a metric, the mean over seeds, where a single turn has a score; ``sums`` has (c, d) of the c
    conversations for each seed; ``labels`` (n, 2) gold and predicted, and the replies, are of the newest run.
    """

    docs: list[LoggedTurn]
    scores: dict[str, Floats]
    sums: dict[str, list[Floats]]
    labels: npt.NDArray[np.int64] | None

    def label(self, i: int) -> str:
        """The strategy that the i-th turn was given, in Chinese; '' if it could not be read."""
        if self.labels is None or self.labels[i, 1] == UNREADABLE:
            return ""
        return Strategy.from_index(int(self.labels[i, 1])).zh


def read_side(runs: Sequence[TaskRun], metrics: Sequence[str]) -> Side:
    """Read the logs of a model's seeds, the newest first, which are of the same turns.

    Args:
        runs: of one task, one a seed.
        metrics: that all of them have.

    Raises:
        DataError: one is damaged, or no log of a run.
    """
    read = [_read(run, metrics) for run in runs]
    docs, _ = read[0]
    conversations = [doc[0] for doc in docs]
    scores: dict[str, Floats] = {}
    sums: dict[str, list[Floats]] = {}
    for name in metrics:
        metric = additive_metric(name)
        statistics = [metric.statistics(items[name]) for _, items in read]
        sums[name] = [cluster_sums(each, conversations) for each in statistics]
        if statistics[0].shape[1] <= _WIDEST and not isinstance(metric, CorrectedMetric):
            scores[name] = over_seeds([metric.from_sums(each) for each in statistics])
    labels = None
    if LABELS in metrics:
        labels = np.asarray(read[0][1][LABELS], dtype=np.int64).reshape(-1, 2)
    return Side(docs, scores, sums, labels)


def _read(run: TaskRun, metrics: Sequence[str]) -> tuple[list[LoggedTurn], dict[str, list[Any]]]:
    """The turns of a log in order, and their items by metric."""
    log = open_log(run.samples) if run.origin is Origin.RUN else None
    if log is None:
        raise DataError(f"{run.samples}: not the log of a run")
    docs: list[LoggedTurn] = []
    items: dict[str, list[Any]] = {name: [] for name in metrics}
    for chunk in log.chunks(metrics):
        docs += [
            (
                *(d["conversation"], d["turn"], d["topic"], d["strategy"] or "", d["reference"]),
                reply.text if log.kind.writes_text else "",
            )
            for d, reply in zip(chunk.docs, chunk.replies, strict=True)
        ]
        for name, column in chunk.items.items():
            items[name] += column
    if log.context is Context.ROLE_PLAY:
        ends = {(p.card, p.trial): "; ".join(outcome_words(p)) for p in log.role_plays()}
        docs = [(*doc[:5], ends[doc[0], doc[1]]) for doc in docs]
    order = sorted(range(len(docs)), key=lambda i: docs[i][:2])
    return [docs[i] for i in order], {name: [column[i] for i in order] for name, column in items.items()}

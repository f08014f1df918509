"""Two models side by side: what changed, whether it is real, where, and in which turns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.comparing.model_results import ModelResults, SectionResults
from csc_tasks.leaderboards.comparing.paired import Delta, delta, incomparable, with_holm
from csc_tasks.metrics import UNREADABLE, additive_metric
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import Difference, holm, paired_difference
from csc_tasks.metrics.stages import STRATEGIES
from csc_tasks.metrics.strategy import class_scores
from csc_tasks.metrics.uncertainty import cluster_sums, resample_counts
from csc_tasks.results.results_file import Origin, TaskRun
from csc_tasks.results.sample_log import open_log

__all__ = ["Changed", "Comparison", "Effect", "Moved", "SectionComparison", "compare"]

MOST_CHANGED = 20
_BY = ("bertscore", "rouge_l", "strategy_acc")
"""The metric that says how much a turn changed: the first of these that both runs have."""
_LABELS = "strategy_f1_macro"
_WIDEST = 32
"""Statistics with more columns are counts of label pairs, which say nothing of a single turn."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric's difference in turns: how many the first model does better, worse, and alike."""

    better: int
    worse: int
    same: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Accuracy on the turns of one strategy, or the deciding metric on those of one topic."""

    name: str
    turns: int
    first: float
    second: float
    difference: Difference | None
    adjusted: float = math.nan


@dataclass(frozen=True, slots=True)
class Changed:
    """A turn that changed: labels are Chinese strategy names, '' where there is none."""

    conversation: str
    turn: int
    topic: str
    gold: str
    reference: str
    first_strategy: str
    second_strategy: str
    first_text: str
    second_text: str
    first_score: float
    second_score: float


@dataclass(frozen=True, slots=True)
class SectionComparison:
    """One task in one context. ``by`` is the metric of ``topics`` and ``changed``; ``why`` says why there are none."""

    section: str
    deltas: tuple[Delta, ...]
    effects: dict[str, Effect]
    by: str
    strategies: tuple[Moved, ...]
    topics: tuple[Moved, ...]
    changed: tuple[Changed, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models; every difference is ``first`` minus ``second``."""

    first: str
    second: str
    facts: dict[str, str]
    sections: tuple[SectionComparison, ...]
    notes: tuple[str, ...] = ()


def compare(first: ModelResults, second: ModelResults, by: str | None = None) -> Comparison:
    """Everything that differs, paired by turn.

    Holm's correction runs over the headline scores of all sections together, over the other scores, over the
    strategies of a section, and over its topics.

    Args:
        first: one model's results.
        second: the other's.
        by: the metric that decides which turns changed most; by default BERTScore, ROUGE-L or accuracy.

    Raises:
        DataError: they may not be compared; the message says what differs.
    """
    if reason := incomparable(first, second):
        raise DataError(f"{first.source} and {second.source} may not be compared: {reason}")
    counts = cache(resample_counts)
    shared = [s for s in first.sections if s in second.sections]
    deltas: list[Delta] = []
    for section in shared:
        one, two = first.sections[section], second.sections[section]
        deltas += [
            delta(one, two, name, counts)
            for name in (*one.metrics, *(two.metrics.keys() - one.metrics.keys()))
        ]
    deltas = with_holm(deltas)
    return Comparison(
        first.title,
        second.title,
        first.protocol.named(),
        tuple(
            _section(
                [d for d in deltas if d.section == section],
                first.sections[section],
                second.sections[section],
                by,
            )
            for section in shared
        ),
        (*first.notes, *second.notes),
    )


def _section(
    deltas: Sequence[Delta], one: SectionResults, two: SectionResults, by: str | None
) -> SectionComparison:
    bare = SectionComparison(one.section, tuple(deltas), {}, "", (), (), ())
    if one.run is None or two.run is None:
        return replace(bare, why="a baseline file has no turns, only sums")
    paired = [d.metric for d in deltas if d.difference is not None]
    choices = [name for name in ([by] if by else _BY) if name in paired]
    if not choices:
        return replace(bare, why=f"no {by or 'per-turn metric'} that both have of the same turns")
    try:
        turns = _Turns(one.run, two.run, paired)
    except DataError as error:
        return replace(bare, why=str(error))
    return replace(
        bare,
        by=choices[0],
        effects={name: turns.effect(name) for name in paired if turns.has(name)},
        strategies=tuple(turns.strategies()) if _LABELS in paired else (),
        topics=tuple(turns.topics(choices[0])),
        changed=tuple(turns.changed(choices[0])),
    )


class _Turns:
    """The turns of two logs, in the order of conversation and turn."""

    def __init__(self, one: TaskRun, two: TaskRun, metrics: Sequence[str]) -> None:
        # Scores that csconv score added later have no place in the log; the run's own do.
        self.metrics = [m for m in metrics if m in one.values and m in two.values]
        self.runs = (one, two)
        self.scores: list[dict[str, Floats]] = []
        self.sums: list[dict[str, Floats]] = []
        self.labels: list[npt.NDArray[np.int64]] = []
        for run in self.runs:
            self._read(run)

    def _read(self, run: TaskRun) -> None:
        log = open_log(run.samples) if run.origin is Origin.RUN else None
        if log is None:
            raise DataError(f"{run.samples}: not the log of a run")
        docs: list[tuple[str, int, str, str, str]] = []
        items: dict[str, list[Any]] = {name: [] for name in self.metrics}
        for chunk in log.chunks(self.metrics):
            docs += [
                (d["conversation"], d["turn"], d["topic"], d["strategy"] or "", d["reference"])
                for d in chunk.docs
            ]
            for name, column in chunk.items.items():
                items[name] += column
        order = sorted(range(len(docs)), key=lambda i: docs[i][:2])
        self.docs = [docs[i] for i in order]
        conversations = [doc[0] for doc in self.docs]
        scores, sums = {}, {}
        for name, column in items.items():
            metric = additive_metric(name)
            statistics = metric.statistics([column[i] for i in order])
            sums[name] = cluster_sums(statistics, conversations)
            if statistics.shape[1] <= _WIDEST:
                scores[name] = metric.from_sums(statistics)
        self.scores.append(scores)
        self.sums.append(sums)
        if _LABELS in items:
            self.labels.append(np.asarray([items[_LABELS][i] for i in order], dtype=np.int64).reshape(-1, 2))

    def has(self, name: str) -> bool:
        """Whether a single turn has a score."""
        return name in self.scores[0] and name in self.scores[1]

    def effect(self, name: str) -> Effect:
        """In how many turns the score moved."""
        change = np.nan_to_num(self.scores[0][name] - self.scores[1][name]) * (
            additive_metric(name).info.better or 1
        )
        better, worse = int((change > 1e-12).sum()), int((change < -1e-12).sum())
        return Effect(better, worse, len(change) - better - worse)

    def strategies(self) -> Iterator[Moved]:
        """The share of each gold strategy's turns that is labelled so."""
        shape = (-1, STRATEGIES, STRATEGIES + 1)
        matrices = [sums[_LABELS].reshape(shape) for sums in self.sums]
        counts = resample_counts(len(matrices[0]))
        totals = [class_scores(m.sum(axis=0)) for m in matrices]
        replicates = [class_scores((counts @ m.reshape(len(m), -1)).reshape(shape)).recall for m in matrices]
        moved = []
        for strategy in Strategy:
            k, support = strategy.index, int(totals[0].support[strategy.index])
            if not support:
                continue
            first, second = float(totals[0].recall[k]), float(totals[1].recall[k])
            owners = int((matrices[0][:, k].sum(axis=-1) > 0).sum())
            found = paired_difference(first - second, replicates[0][:, k] - replicates[1][:, k], owners)
            moved.append(Moved(strategy.zh, support, first, second, found))
        yield from _holm(moved)

    def topics(self, name: str) -> Iterator[Moved]:
        """The deciding metric within each topic."""
        metric = additive_metric(name)
        topic_of = {doc[0]: doc[2] for doc in self.docs}
        topics = np.array([topic_of[c] for c in sorted(topic_of)])
        turns = {t: sum(doc[2] == t for doc in self.docs) for t in set(topics.tolist())}
        moved = []
        for topic in sorted(turns):
            one, two = (sums[name][topics == topic] for sums in self.sums)
            counts = resample_counts(len(one))
            first, second = float(metric.from_sums(one.sum(axis=0))), float(metric.from_sums(two.sum(axis=0)))
            change = metric.from_sums(counts @ one) - metric.from_sums(counts @ two)
            moved.append(
                Moved(topic, turns[topic], first, second, paired_difference(first - second, change, len(one)))
            )
        yield from _holm(moved)

    def changed(self, name: str) -> Iterator[Changed]:
        """The turns that moved most, the largest change first; of equal ones those whose label changed."""
        if not self.has(name):
            return
        change = np.abs(np.nan_to_num(self.scores[0][name] - self.scores[1][name]))
        other = np.zeros(len(change))
        if len(self.labels) == 2:
            other = (self.labels[0][:, 1] != self.labels[1][:, 1]).astype(float)
        order = np.lexsort((np.arange(len(change)), -other, -change))[:MOST_CHANGED]
        chosen = [int(i) for i in order if change[i] > 0]
        texts = [self._texts(run, {self.docs[i][:2] for i in chosen}) for run in self.runs]
        for i in chosen:
            conversation, turn, topic, gold, reference = self.docs[i]
            place = conversation, turn
            yield Changed(
                conversation,
                turn,
                topic,
                gold,
                reference,
                self._label(0, i),
                self._label(1, i),
                texts[0].get(place, ""),
                texts[1].get(place, ""),
                float(self.scores[0][name][i]),
                float(self.scores[1][name][i]),
            )

    def _label(self, side: int, i: int) -> str:
        if len(self.labels) < 2 or self.labels[side][i, 1] == UNREADABLE:
            return ""
        return Strategy.from_index(int(self.labels[side][i, 1])).zh

    def _texts(self, run: TaskRun, places: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
        log = open_log(run.samples)
        texts: dict[tuple[str, int], str] = {}
        if log is None or not log.kind.writes_text:
            return texts
        for chunk in log.chunks():
            for doc, reply in zip(chunk.docs, chunk.replies, strict=True):
                if (place := (doc["conversation"], doc["turn"])) in places:
                    texts[place] = reply.text
        return texts


def _holm(moved: Sequence[Moved]) -> Iterator[Moved]:
    p_values = [math.nan if m.difference is None else m.difference.p for m in moved]
    for each, adjusted in zip(moved, holm(p_values).tolist(), strict=True):
        yield replace(each, adjusted=adjusted)

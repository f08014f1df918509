"""Two models side by side: what changed, whether it is real, where, and in which turns."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

import numpy as np

from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.comparing.asking import weigh
from csc_tasks.leaderboards.comparing.model_results import ModelResults, SectionResults, titles
from csc_tasks.leaderboards.comparing.paired import (
    Delta,
    delta,
    incomparable,
    one_family,
    with_holm_by_kind,
)
from csc_tasks.leaderboards.comparing.protocols import run_again
from csc_tasks.leaderboards.comparing.side import LABELS, read_side
from csc_tasks.leaderboards.reading.asked import Asking
from csc_tasks.leaderboards.reading.repeats import over_seeds
from csc_tasks.metrics import additive_metric, headlines
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import Adjusted, Difference, holm, paired_difference
from csc_tasks.metrics.stages import STRATEGIES
from csc_tasks.metrics.strategy import class_scores
from csc_tasks.metrics.uncertainty import bootstrap_scores, resample_counts
from csc_tasks.protocol.named_data import common_names
from csc_tasks.protocol.task_kind import units_of
from csc_tasks.results.results_file import TaskRun

__all__ = ["Changed", "Comparison", "Effect", "Moved", "SectionComparison", "compare"]

T = TypeVar("T", "Delta", "Moved")

MOST_CHANGED = 20
_BY = ("bertscore", "rouge_l_norm", "rouge_l", "strategy_acc", "resolved")
"""The metric that says how much a turn changed: the first of these that both runs have."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric's difference in turns: how many the first model does better, worse, and alike."""

    better: int
    worse: int
    same: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Accuracy on the turns of one strategy, or the deciding metric on those of one topic.

    ``conversations`` is how many have such turns.
    """

    name: str
    turns: int
    first: float
    second: float
    difference: Difference | None
    adjusted: float = math.nan
    conversations: int = 0

    def as_one_of(self, found: Adjusted) -> Moved:
        """The same as one of its family."""
        return replace(self, difference=found.difference, adjusted=found.p)


@dataclass(frozen=True, slots=True)
class Changed:
    """A turn that changed: labels are Chinese strategy names, '' where there is none.

    Of role-plays a turn is a trial of a card, and its text says how it ended.
    """

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
    """Two models; every difference is ``first`` minus ``second``.

    ``allowed`` is what was asked otherwise and let pass by name; ``settings`` has all that can change an answer
    of the first and of the second.
    """

    first: str
    second: str
    facts: dict[str, str]
    sections: tuple[SectionComparison, ...]
    notes: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    settings: tuple[dict[str, str], dict[str, str]] = ({}, {})


def compare(
    first: ModelResults, second: ModelResults, by: str | None = None, allow: Collection[Asking] = ()
) -> Comparison:
    """Everything that differs, paired by turn.

    All differences of all sections are one family, scores, strategies and topics: the chance that any that is called
    real is none is 5 %, and intervals are as wide as their p-values ask for
    (:func:`~csc_tasks.leaderboards.comparing.paired.one_family`). Descriptions, which are neither better nor worse,
    have no p-value, and an interval of their own.

    Args:
        first: one model's results.
        second: the other's.
        by: the metric that decides which turns changed most; by default BERTScore, ROUGE-L or accuracy; of
            role-plays whether they are resolved.
        allow: sides of how a model is asked that may differ.

    Raises:
        DataError: they may not be compared; the message says what differs.
    """
    if reason := incomparable(first, second):
        cure = run_again(first.protocol, second.protocol)
        raise DataError(f"{first.source} and {second.source} may not be compared: {reason}{cure}")
    asked = weigh(first, second, allow)
    if asked.against:
        reasons = "; ".join(found.words for found in asked.against)
        options = " ".join(dict.fromkeys(f"--allow {found.asking.value}" for found in asked.against))
        raise DataError(
            f"{first.source} and {second.source} were asked otherwise: {reasons}; {options} compares all the same"
        )
    counts = cache(resample_counts)
    shared = [s for s in first.sections if s in second.sections]
    deltas: list[Delta] = []
    for section in shared:
        one, two = first.sections[section], second.sections[section]
        deltas += [
            delta(one, two, name, counts)
            for name in (*one.metrics, *(two.metrics.keys() - one.metrics.keys()))
        ]
    sections = [
        _section([d for d in deltas if d.section == name], first.sections[name], second.sections[name], by)
        for name in shared
    ]
    together = _by_kind if first.protocol.version == 1 else _all_together
    title, other = titles(first, second)
    return Comparison(
        title,
        other,
        first.protocol.called(common_names([first.protocol.data, second.protocol.data])).named(),
        tuple(together(sections)),
        (*first.notes, *second.notes, *asked.notes),
        asked.allowed,
        (_settings(first), _settings(second)),
    )


def _all_together(sections: Sequence[SectionComparison]) -> list[SectionComparison]:
    """All tests of all sections as one family."""
    everything: list[Delta | Moved] = []
    for section in sections:
        everything += [*section.deltas, *section.strategies, *section.topics]
    tests = [each for each in everything if _tested(each) is not None]
    short = headlines([each.metric for each in everything if isinstance(each, Delta)])
    found = iter(
        one_family(
            [(tested, each.conversations) for each in tests if (tested := _tested(each)) is not None],
            [isinstance(each, Delta) and each.metric in short for each in tests],
        )
    )

    def together(items: Sequence[T]) -> tuple[T, ...]:
        return tuple(each if _tested(each) is None else each.as_one_of(next(found)) for each in items)

    return [
        replace(s, deltas=together(s.deltas), strategies=together(s.strategies), topics=together(s.topics))
        for s in sections
    ]


def _tested(each: Delta | Moved) -> Difference | None:
    """The difference that is tested; ``None`` of a description, and where there is none."""
    if each.difference is None or (isinstance(each, Delta) and not each.better):
        return None
    return each.difference


def _by_kind(sections: Sequence[SectionComparison]) -> list[SectionComparison]:
    """As benchmark 1 had it: scores by their kind, strategies of a section and topics of a section are families."""
    deltas = with_holm_by_kind([delta for section in sections for delta in section.deltas])
    return [
        replace(
            section,
            deltas=tuple(d for d in deltas if d.section == section.section),
            strategies=tuple(_holm(section.strategies)),
            topics=tuple(_holm(section.topics)),
        )
        for section in sections
    ]


def _settings(model: ModelResults) -> dict[str, str]:
    return dict(model.identity.settings) if model.identity else {}


def _section(
    deltas: Sequence[Delta], one: SectionResults, two: SectionResults, by: str | None
) -> SectionComparison:
    bare = SectionComparison(one.section, tuple(deltas), {}, "", (), (), ())
    if not (one.runs and two.runs):
        return replace(bare, why="a baseline file has no turns, only sums")
    # Scores that csconv score added later have no place in the log; the run's own do.
    runs = (*one.runs, *two.runs)
    logged = [
        d.metric for d in deltas if d.difference is not None and all(d.metric in r.values for r in runs)
    ]
    choices = [name for name in ([by] if by else _BY) if name in logged]
    if not choices:
        of = units_of(one.section).turns
        return replace(bare, why=f"no {by or 'per-turn metric'} that both have of the same {of}")
    try:
        turns = _Turns(one.runs, two.runs, logged)
    except DataError as error:
        return replace(bare, why=str(error))
    return replace(
        bare,
        by=choices[0],
        effects={name: turns.effect(name) for name in logged if turns.has(name)},
        strategies=tuple(turns.strategies()) if LABELS in logged else (),
        topics=tuple(turns.topics(choices[0])),
        changed=tuple(turns.changed(choices[0])),
    )


class _Turns:
    """The turns of two models, in the order of conversation and turn."""

    def __init__(self, one: Sequence[TaskRun], two: Sequence[TaskRun], metrics: Sequence[str]) -> None:
        self.sides = read_side(one, metrics), read_side(two, metrics)
        self.docs = self.sides[0].docs

    def has(self, name: str) -> bool:
        """Whether a single turn has a score."""
        return all(name in side.scores for side in self.sides)

    def _change(self, name: str) -> Floats:
        one, two = (side.scores[name] for side in self.sides)
        return np.asarray(np.nan_to_num(one - two))

    def effect(self, name: str) -> Effect:
        """In how many turns the score moved."""
        change = self._change(name) * (additive_metric(name).info.better or 1)
        better, worse = int((change > 1e-12).sum()), int((change < -1e-12).sum())
        return Effect(better, worse, len(change) - better - worse)

    def strategies(self) -> Iterator[Moved]:
        """The share of each gold strategy's turns that is labelled so."""
        shape = (-1, STRATEGIES, STRATEGIES + 1)
        matrices = [[sums.reshape(shape) for sums in side.sums[LABELS]] for side in self.sides]
        gold = matrices[0][0]
        counts = resample_counts(len(gold))
        support = class_scores(gold.sum(axis=0)).support
        recall = [over_seeds([class_scores(m.sum(axis=0)).recall for m in side]) for side in matrices]
        replicates = [
            over_seeds([class_scores((counts @ m.reshape(len(m), -1)).reshape(shape)).recall for m in side])
            for side in matrices
        ]
        moved = []
        for strategy in Strategy:
            k = strategy.index
            if not support[k]:
                continue
            first, second = float(recall[0][k]), float(recall[1][k])
            owners = int((gold[:, k].sum(axis=-1) > 0).sum())
            found = paired_difference(first - second, replicates[0][:, k] - replicates[1][:, k], owners)
            moved.append(Moved(strategy.zh, int(support[k]), first, second, found, conversations=owners))
        yield from moved

    def topics(self, name: str) -> Iterator[Moved]:
        """The deciding metric within each topic."""
        metric = additive_metric(name)
        topic_of = {doc[0]: doc[2] for doc in self.docs}
        topics = np.array([topic_of[c] for c in sorted(topic_of)])
        turns = {t: sum(doc[2] == t for doc in self.docs) for t in set(topics.tolist())}
        moved = []
        for topic in sorted(turns):
            sides = [[sums[topics == topic] for sums in side.sums[name]] for side in self.sides]
            counts = resample_counts(len(sides[0][0]))
            first, second = (float(over_seeds([metric.value(sums) for sums in side])) for side in sides)
            one, two = (
                over_seeds([bootstrap_scores(metric, sums, counts) for sums in side]) for side in sides
            )
            found = paired_difference(first - second, one - two, len(sides[0][0]))
            moved.append(Moved(topic, turns[topic], first, second, found, conversations=len(sides[0][0])))
        yield from moved

    def changed(self, name: str) -> Iterator[Changed]:
        """The turns that moved most, the largest change first; of equal ones those whose label changed."""
        if not self.has(name):
            return
        change = np.abs(self._change(name))
        other = np.zeros(len(change))
        one, two = (side.labels for side in self.sides)
        if one is not None and two is not None:
            other = (one[:, 1] != two[:, 1]).astype(float)
        order = np.lexsort((np.arange(len(change)), -other, -change))[:MOST_CHANGED]
        chosen = [int(i) for i in order if change[i] > 0]
        for i in chosen:
            conversation, turn, topic, gold, reference, reply = self.docs[i]
            yield Changed(
                conversation,
                turn,
                topic,
                gold,
                reference,
                self.sides[0].label(i),
                self.sides[1].label(i),
                reply,
                self.sides[1].docs[i][5],
                float(self.sides[0].scores[name][i]),
                float(self.sides[1].scores[name][i]),
            )


def _holm(moved: Sequence[Moved]) -> Iterator[Moved]:
    p_values = [math.nan if m.difference is None else m.difference.p for m in moved]
    for each, adjusted in zip(moved, holm(p_values).tolist(), strict=True):
        yield replace(each, adjusted=adjusted)

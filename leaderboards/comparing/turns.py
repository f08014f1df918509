"""What two models did at single turns: how many moved, on which strategies, stages and topics, and which turns most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from csc_tasks.framework import Stage, Strategy
from csc_tasks.leaderboards.comparing.side import LABELS, read_side
from csc_tasks.leaderboards.reading.repeats import over_seeds
from csc_tasks.metrics import additive_metric
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import Adjusted, Difference, paired_difference
from csc_tasks.metrics.stages import STAGE_OF, STRATEGIES
from csc_tasks.metrics.uncertainty import bootstrap_scores, resample_counts
from csc_tasks.results.results_file import TaskRun

__all__ = ["Changed", "ComparedTurns", "Effect", "Moved"]

MOST_CHANGED = 20


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric's difference in turns: how many the first model does better, worse, and alike."""

    better: int
    worse: int
    same: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Accuracy on the turns of one strategy or stage, or the deciding metric on those of one topic.

    ``name`` is Chinese; of a stage right is whatever strategy of that stage. ``conversations`` is how many have such
    turns.
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


class ComparedTurns:
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

    def _matrices(self) -> list[list[Floats]]:
        """Of both sides (c, 12, 13) a seed: how often each gold strategy was given each label."""
        shape = (-1, STRATEGIES, STRATEGIES + 1)
        return [[sums.reshape(shape) for sums in side.sums[LABELS]] for side in self.sides]

    def strategies(self) -> Iterator[Moved]:
        """The share of each gold strategy's turns that is labelled so."""
        own = np.eye(STRATEGIES, STRATEGIES + 1)
        return self._shares([(strategy.zh, own[strategy.index], [strategy.index]) for strategy in Strategy])

    def stages(self) -> Iterator[Moved]:
        """The share of each gold stage's turns whose label is of that stage."""
        stage_of = np.array(STAGE_OF)
        groups = []
        for stage in Stage:
            inside = stage_of == stage.number - 1
            groups.append((stage.zh, np.append(inside, False).astype(float), np.flatnonzero(inside).tolist()))
        return self._shares(groups)

    def _shares(self, groups: Sequence[tuple[str, Floats, list[int]]]) -> Iterator[Moved]:
        """The share of some gold strategies' turns that has one of some labels, of each group with turns.

        Args:
            groups: name, (13,) 1 for the labels that are right, and the gold strategies.
        """
        matrices = self._matrices()
        counts = resample_counts(len(matrices[0][0]))
        for name, right, golds in groups:
            # (c, 2) right turns and all turns of each conversation.
            pairs = [
                [
                    np.stack([(m[:, golds] @ right).sum(axis=1), m[:, golds].sum(axis=(1, 2))], axis=1)
                    for m in side
                ]
                for side in matrices
            ]
            turns, owners = pairs[0][0][:, 1].sum(), int((pairs[0][0][:, 1] > 0).sum())
            if not turns:
                continue
            first, second = (float(over_seeds([_share(p.sum(axis=0)) for p in side])) for side in pairs)
            one, two = (over_seeds([_share(counts @ p) for p in side]) for side in pairs)
            found = paired_difference(first - second, one - two, owners)
            yield Moved(name, int(turns), first, second, found, conversations=owners)

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


def _share(sums: Floats) -> Floats:
    """Right over all, (…, 2) → (…,); NaN of nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])

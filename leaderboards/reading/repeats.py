"""Repeats of one model, which differ in their seed alone, as one: means over seeds, and the spread between them.

A score is the mean of the seeds' scores. Its replicates are the means of the seeds' replicates on the same
resamples of conversations, so an interval says how far other conversations would move the mean; the standard
deviation between seeds, which says how far another seed would move a single score, stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any, TypeVar

import numpy as np

from csc_tasks.leaderboards.board import DepthPoint
from csc_tasks.leaderboards.reading.replicates import Replicates
from csc_tasks.leaderboards.reading.sums import Strategies
from csc_tasks.metrics.base import Floats

__all__ = ["alike", "averaged", "mean_score", "over_seeds", "spread"]

T = TypeVar("T")


def alike(repeats: Iterable[T], turns_of: Callable[[T], tuple[int, str]]) -> list[T]:
    """Those of the same turns: of the most, and of these the set that most have; turns by number and digest."""
    groups: dict[tuple[int, str], list[T]] = {}
    for each in repeats:
        groups.setdefault(turns_of(each), []).append(each)
    return max(groups.values(), key=lambda group: (turns_of(group[0])[0], len(group)), default=[])


def mean_score(values: Sequence[float]) -> float:
    """The mean; NaN if one of them is."""
    return values[0] if len(values) == 1 else fmean(values) if values else math.nan


def over_seeds(values: Sequence[Any]) -> Floats:
    """The mean of arrays, one a seed; of one seed its array to the last digit."""
    return np.asarray(values[0]) if len(values) == 1 else np.mean(values, axis=0)


def spread(values: Sequence[float]) -> float | None:
    """The standard deviation (n - 1) between seeds; ``None`` for fewer than two, or where one has no score."""
    return stdev(values) if len(values) > 1 and not any(map(math.isnan, values)) else None


def averaged(repeats: Sequence[Replicates]) -> Replicates:
    """Repeats on the same turns as one; the first, the newest, gives the texts.

    Counts of labels are added up over seeds. The ends of an interval by depth are the means of the seeds'
    ends, which is never too narrow for their mean.
    """
    first = repeats[0]
    if len(repeats) == 1:
        return first
    shared = [name for name in first.replicates if all(name in each.replicates for each in repeats)]
    return replace(
        first,
        scores={name: mean_score([each.scores[name] for each in repeats]) for name in shared},
        replicates={name: np.mean([each.replicates[name] for each in repeats], axis=0) for name in shared},
        observations={
            name: fmean(each.observations[name] for each in repeats)
            for name in shared
            if all(name in each.observations for each in repeats)
        },
        depth={
            name: _depth([each.depth[name] for each in repeats])
            for name in first.depth
            if all(name in each.depth for each in repeats)
        },
        strategies=_strategies([each.strategies for each in repeats]),
    )


def _depth(repeats: Sequence[tuple[DepthPoint, ...]]) -> tuple[DepthPoint, ...]:
    by_position = [{point.position: point for point in points} for points in repeats]
    return tuple(
        DepthPoint(
            point.position,
            _mean([points[point.position].value for points in by_position]),
            _mean([points[point.position].low for points in by_position]),
            _mean([points[point.position].high for points in by_position]),
            point.turns,
        )
        for point in repeats[0]
        if all(point.position in points for points in by_position)
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _strategies(repeats: Sequence[Strategies | None]) -> Strategies | None:
    known = [each for each in repeats if each is not None]
    if not known:
        return None
    return Strategies(
        confusion=np.sum([each.confusion for each in known], axis=0),
        transitions=np.sum([each.transitions for each in known], axis=0),
        gold_transitions=known[0].gold_transitions,
        gold=known[0].gold,
    )

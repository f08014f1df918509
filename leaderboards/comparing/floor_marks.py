"""Which scores are better than what no model is needed for: each against the best floor of its column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csc_tasks.leaderboards.board import BeatsFloor
from csc_tasks.leaderboards.reading.replicates import Replicates
from csc_tasks.metrics import metric_named
from csc_tasks.metrics.comparison import ALPHA, holm, paired_difference
from csc_tasks.sentences import Sentence

__all__ = ["Entrant", "FloorMark", "floor_marks"]

Key = tuple[str, ...]
"""Which model, of a table's."""
_NOTHING = Sentence("floor.no-samples", "no samples to resample")

_TOO_FEW = Sentence("floor.few", "too few conversations, or undefined in some resamples")


@dataclass(frozen=True, slots=True)
class Entrant:
    """A model's or a floor's score in one column, reported as ``metric``, and what it can be resampled from.

    ``why`` says in words why it cannot.
    """

    key: Key
    floor: bool
    metric: str
    value: float
    source: Replicates | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class FloorMark:
    """What is known of a model's score against the floor ``best``, and in words why it is not."""

    beats: BeatsFloor
    best: Key
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Gain:
    """A difference to the floor in the better direction, and its p-value; ``why`` says why there is none."""

    value: float
    p: float
    why: str = ""


def floor_marks(
    columns: Mapping[str, tuple[int, Sequence[Entrant]]], alpha: float = ALPHA
) -> dict[tuple[str, Key], FloorMark]:
    """Whether each model is significantly better than the best floor of each column.

    Paired over conversations, with Holm's correction over all columns and models together: one table is one family.
    The best floor is the one with the best score; a floor of other turns than the model's is not the best if another
    has the same turns. Where that floor's score is as good as can be (none of its replies is unreadable), there is
    nothing to test: a model as good gets no mark, and any other is not better.

    Args:
        columns: by column id which way is better (+1 or -1), and the scores, none of them NaN.
        alpha: chance of any false "better" in the whole table.

    Returns:
        By column and model; nothing of columns without a floor. ``NOT_ASKED`` where both are as good as can be.
    """
    gains: dict[tuple[str, Key], tuple[Key, _Gain]] = {}
    marks: dict[tuple[str, Key], FloorMark] = {}
    for column, (better, entrants) in columns.items():
        floors = sorted((e for e in entrants if e.floor), key=lambda e: -better * e.value)
        for one in entrants if floors else ():
            if one.floor:
                continue
            best = next((floor for floor in floors if not _unpaired(one, floor)), floors[0])
            if not _perfect(best, better) or _unpaired(one, best):
                gains[column, one.key] = best.key, _gain(one, best, better)
            else:
                equal = one.value == best.value
                marks[column, one.key] = FloorMark(BeatsFloor.NOT_ASKED if equal else BeatsFloor.NO, best.key)
    adjusted = holm([gain.p for _, gain in gains.values()]).tolist()
    for (place, (best_key, gain)), p in zip(gains.items(), adjusted, strict=True):
        known = BeatsFloor.YES if gain.value > 0 and p < alpha else BeatsFloor.NO
        marks[place] = FloorMark(BeatsFloor.UNKNOWN if math.isnan(p) else known, best_key, gain.why)
    return marks


def _perfect(floor: Entrant, better: int) -> bool:
    """Whether no score can be better."""
    metric = metric_named(floor.metric)
    return metric is not None and floor.value == (metric.scale.high if better > 0 else metric.scale.low)


def _gain(one: Entrant, floor: Entrant, better: int) -> _Gain:
    first, second = one.source, floor.source
    why = _unpaired(one, floor)
    if why or first is None or second is None:
        return _Gain(math.nan, math.nan, why)
    # The same resamples of conversations for both.
    change = first.replicates[one.metric] - second.replicates[floor.metric]
    found = paired_difference(one.value - floor.value, change, first.clusters)
    why = _TOO_FEW if math.isnan(found.p) else ""
    return _Gain(better * found.value, found.p, why)


def _unpaired(one: Entrant, floor: Entrant) -> str:
    if one.source is None:
        return one.why or _NOTHING
    if floor.source is None:
        return Sentence("floor.of", "of the floor: {why}", why=floor.why or _NOTHING)
    if (one.source.turns, one.source.digest) != (floor.source.turns, floor.source.digest):
        return Sentence("floor.other-turns", "not of the same turns as the floors")
    return ""

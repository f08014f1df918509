"""Each rater by themselves: how much they did, whether they looked, whether they agree with themselves and others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.reading.collected import RaterAnswers
from csc_tasks.human.reading.grid import RatingGrid, grid_of, value_of
from csc_tasks.human.sheet.items import WINNER
from csc_tasks.human.study import ItemRole, StudyKey
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import ALPHA
from csc_tasks.metrics.judge.pairs import FIRST, TIE
from csc_tasks.metrics.rater_checks import AgainstChance, agreement_with_others, self_consistency

__all__ = ["CheckedRaters", "RaterCheck", "check_raters"]

ATTENTIVE = 0.75
"""Share of attention items that must be answered as they ask."""
CONSISTENT = 0.1
"""Self-consistency below which somebody whom chance explains easily is taken for inconsistent."""
_FEWEST_REPEATS, _FEWEST_SHARED = 8, 30
"""Items below which nothing is concluded from a p-value."""
_EASILY = 0.2
"""p-value from which on chance explains self-consistency easily: repeats are few, and nobody is accused lightly."""
_FEWEST_SAME = 10
_TOO_MANY_ALONE = 3
"""Raters from which on one who disagrees with the others is told from the others: of two nobody knows which."""


@dataclass(frozen=True, slots=True)
class RaterCheck:
    """What is known of a rater.

    Attributes:
        number: by which they go.
        given: items that they had, repeats and attention items included.
        answered: of them, with an answer to every question.
        attention: how many attention items were answered as they ask, and how many were answered.
        consistency: with themselves, over repeated items.
        others: with the mean of the other raters.
        bias: their values less the means of the others, on items that both rated, by question.
        first: of pairs that they decided, the share in which they chose the one that stood first; NaN of none.
        seconds: the median of what an item took; NaN where no file says.
        hours: all items together.
        faults: why the rater fails the checks; empty if they do not.
        doubts: what is odd and proves nothing.
    """

    number: int
    given: int
    answered: int
    attention: tuple[int, int]
    consistency: AgainstChance
    others: AgainstChance
    bias: dict[str, float]
    first: float
    seconds: float
    hours: float
    faults: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether the rater fails a check."""
        return bool(self.faults)


@dataclass(frozen=True, slots=True)
class CheckedRaters:
    """All raters, checked; ``kept`` are the answers that count."""

    checks: tuple[RaterCheck, ...]
    kept: tuple[RaterAnswers, ...]

    @property
    def excluded(self) -> int:
        """How many were left out."""
        return len(self.checks) - len(self.kept)


def check_raters(
    key: StudyKey, raters: Sequence[RaterAnswers], exclude_failed: bool = False
) -> CheckedRaters:
    """Check every rater.

    Who fails: attention items of which less than :data:`ATTENTIVE` are answered as they ask; the same answer to
    everything; self-consistency below :data:`CONSISTENT` that chance explains easily; of three raters or more,
    agreement with the others that chance explains. Nothing is concluded from fewer than eight repeats, for the
    questions of an item go up and down together, or from fewer than thirty shared items.

    Args:
        key: of the study.
        raters: who answered.
        exclude_failed: leave out who fails.
    """
    grid = grid_of(key, raters)
    checks = tuple(_check(key, grid, raters, at) for at in range(len(raters)))
    kept = tuple(r for r, c in zip(raters, checks, strict=True) if not (exclude_failed and c.failed))
    return CheckedRaters(checks, kept)


def _check(key: StudyKey, grid: RatingGrid, raters: Sequence[RaterAnswers], at: int) -> RaterCheck:
    rater, own, others = raters[at], grid.ratings[at], grid.others(at).means
    questions = {q.name for q in grid.questions}
    right, asked = _attention(key, rater)
    consistency = _consistency(key, rater, grid, own)
    with_others = agreement_with_others(own, others)
    times = [a.seconds for a in rater.answers.values() if a.seconds is not None]
    first = _first(key, rater)
    same = _says_the_same(key, rater)
    faults = list(_faults(len(raters), (right, asked), consistency, with_others, same))
    doubts = []
    if not math.isnan(first) and abs(first - 0.5) > 0.25:
        doubts.append(f"chose the first of a pair in {first:.0%} of those decided")
    if len(raters) < _TOO_MANY_ALONE and _by_chance(with_others):
        doubts.append("two raters agree no more than by chance; nothing says which is to blame")
    return RaterCheck(
        number=rater.number,
        given=rater.given,
        answered=sum(questions <= answer.scores.keys() for answer in rater.answers.values()),
        attention=(right, asked),
        consistency=consistency,
        others=with_others,
        bias=_bias(grid, own, others),
        first=first,
        seconds=median(times) if times else float("nan"),
        hours=sum(times) / 3600,
        faults=tuple(faults),
        doubts=tuple(doubts),
    )


def _faults(
    raters: int,
    attention: tuple[int, int],
    own: AgainstChance,
    others: AgainstChance,
    same: bool,
) -> Iterator[str]:
    right, asked = attention
    if asked and right < ATTENTIVE * asked:
        yield f"attention: {right} of {asked} answered as they ask"
    if same:
        yield "gave the same answer to everything"
    if own.units >= _FEWEST_REPEATS and own.p > _EASILY and own.value < CONSISTENT:
        yield f"self-consistency is that of chance ({own.value:+.2f} over {own.units} repeats, p = {own.p:.2f})"
    if raters >= _TOO_MANY_ALONE and _by_chance(others):
        yield (
            f"agreement with the others is that of chance (r = {others.value:+.2f} over {others.units} items, "
            f"p = {others.p:.2f})"
        )


def _by_chance(found: AgainstChance) -> bool:
    return found.units >= _FEWEST_SHARED and found.p > ALPHA


def _attention(key: StudyKey, rater: RaterAnswers) -> tuple[int, int]:
    """How many attention items were answered as they ask, and how many were answered at all."""
    found = [
        all(answer.scores.get(name) == value for name, value in item.right.items())
        for item in key.items
        if item.role is ItemRole.ATTENTION
        and (answer := rater.answers.get(item.id)) is not None
        and answer.scores
    ]
    return sum(found), len(found)


def _consistency(key: StudyKey, rater: RaterAnswers, grid: RatingGrid, own: Floats) -> AgainstChance:
    by_id = key.by_id
    repeated = [
        (again, by_id[again.repeats or ""])
        for again in key.items
        if again.role is ItemRole.REPEAT and again.id in rater.answers and again.repeats in rater.answers
    ]
    second, first = (
        np.array(
            [
                [value_of(item, q.name, rater.answers[item.id].scores) for q in grid.questions]
                for item in items
            ]
        ).reshape(len(repeated), len(grid.questions))
        for items in ([a for a, _ in repeated], [b for _, b in repeated])
    )
    return self_consistency(first, second, own)


def _says_the_same(key: StudyKey, rater: RaterAnswers) -> bool:
    """Whether every question was answered alike each time, as it stood on the page: of pairs always 甲, say.

    That one model wins every pair is no fault: it stands first in half of them.
    """
    said: dict[str, list[object]] = {}
    for item in key.items:
        if item.role is not ItemRole.ATTENTION and (answer := rater.answers.get(item.id)) is not None:
            for name, value in answer.scores.items():
                said.setdefault(name, []).append(value)
    most = max(map(len, said.values()), default=0)
    return most >= _FEWEST_SAME and all(len(set(values)) == 1 for values in said.values())


def _bias(grid: RatingGrid, own: Floats, others: Floats) -> dict[str, float]:
    found = {}
    for question, mine, theirs in zip(grid.questions, own.T, others.T, strict=True):
        apart = (mine - theirs)[~np.isnan(mine - theirs)]
        if question.name != WINNER:
            found[question.name] = float(apart.mean()) if len(apart) else float("nan")
    return found


def _first(key: StudyKey, rater: RaterAnswers) -> float:
    if key.kind is not RatingKind.PAIR:
        return float("nan")
    said = [
        answer.scores[WINNER]
        for item in key.items
        if item.role is not ItemRole.ATTENTION
        and (answer := rater.answers.get(item.id)) is not None
        and answer.scores.get(WINNER, TIE) != TIE
    ]
    return sum(value == FIRST for value in said) / len(said) if said else float("nan")

"""Ratings as numbers: a grid of raters, items and questions, in which agreement and means are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.reading.collected import RaterAnswers
from csc_tasks.human.sheet.items import WINNER
from csc_tasks.human.study import Decided, ItemRole, RatedDimension, RatedValue, StudyItem, StudyKey
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.judge.pairs import FIRST, SECOND, TIE
from csc_tasks.metrics.judge.rubric import GRADES, Kind
from csc_tasks.results.role_play_log import card_of

__all__ = ["CountedQuestion", "RatingGrid", "grid_of", "questions_of", "value_of"]

_WON = {FIRST: 1.0, TIE: 0.5, SECOND: 0.0}


@dataclass(frozen=True, slots=True)
class CountedQuestion:
    """A question whose answers are numbers.

    Attributes:
        dimension: of the rubric.
        values: what an answer may be, in order.
    """

    dimension: RatedDimension
    values: tuple[float, ...]

    @property
    def name(self) -> str:
        """Of the dimension."""
        return self.dimension.name

    def places(self, ratings: Floats) -> Floats:
        """Values as places among :attr:`values`, from 0; NaN stays."""
        step = self.values[1] - self.values[0]
        return np.asarray(np.rint((ratings - self.values[0]) / step))


def questions_of(key: StudyKey) -> tuple[CountedQuestion, ...]:
    """The questions that are counted: grades, yes and no, and of pairs which is better; other choices are not."""
    if key.kind is RatingKind.PAIR:
        return tuple(CountedQuestion(d, (0.0, 0.5, 1.0)) for d in key.rubric.dimensions if d.name == WINNER)
    grades, truth = tuple(map(float, GRADES)), (0.0, 1.0)
    return tuple(
        CountedQuestion(d, grades if d.kind is Kind.SCALE else truth)
        for d in key.rubric.dimensions
        if d.kind is not Kind.CHOICE
    )


def value_of(item: StudyItem | Decided, name: str, scores: Mapping[str, RatedValue]) -> float:
    """What an answer counts: a grade, 1 for yes, and of a pair what the run with the lower number won; NaN of none."""
    value = scores.get(name)
    if value is None:
        return float("nan")
    if name == WINNER and isinstance(value, str):
        won = _WON[value]
        return won if item.runs[0] < item.runs[1] else 1 - won
    return float(value)


@dataclass(frozen=True)
class RatingGrid:
    """Ratings of n items by r raters on d questions.

    Attributes:
        items: (n,) of one role.
        questions: (d,).
        ratings: (r, n, d) values, NaN where there is none.
    """

    items: tuple[StudyItem, ...]
    questions: tuple[CountedQuestion, ...]
    ratings: Floats

    @property
    def clusters(self) -> list[str]:
        """The conversation of each item; of a role-play's trial its card."""
        return [card_of(item.conversation) for item in self.items]

    @property
    def means(self) -> Floats:
        """(n, d) means over raters, each answer weighing the same; NaN where nobody rated."""
        known = ~np.isnan(self.ratings)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(known, self.ratings, 0.0).sum(axis=0) / known.sum(axis=0))

    def others(self, rater: int) -> RatingGrid:
        """The same without one rater."""
        return RatingGrid(self.items, self.questions, np.delete(self.ratings, rater, axis=0))


def grid_of(key: StudyKey, raters: Sequence[RaterAnswers], role: ItemRole = ItemRole.ITEM) -> RatingGrid:
    """The ratings of all items of a role."""
    items = tuple(item for item in key.items if item.role is role)
    questions = questions_of(key)
    ratings = np.full((len(raters), len(items), len(questions)), np.nan)
    for row, rater in zip(ratings, raters, strict=True):
        for at, item in enumerate(items):
            if (answer := rater.answers.get(item.id)) is not None:
                row[at] = [value_of(item, q.name, answer.scores) for q in questions]
    return RatingGrid(items, questions, ratings)

"""What a study comes to: means by model, differences, win rates and ratings, and how far raters agree."""

from __future__ import annotations

import math
import string
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.reading.collected import RaterAnswers
from csc_tasks.human.reading.grid import RatingGrid, grid_of, value_of
from csc_tasks.human.sheet.items import WINNER
from csc_tasks.human.study import Decided, RatedDimension, StudyItem, StudyKey
from csc_tasks.metrics.base import AdditiveMetric
from csc_tasks.metrics.comparison import Adjusted, Difference, paired_difference, simultaneous
from csc_tasks.metrics.intervals import ScoreWithInterval, scored_by_cluster
from csc_tasks.metrics.judge.pairs import Ratings, WinRate, rate
from csc_tasks.metrics.judge.rubric import Dimension, Kind, Rubric
from csc_tasks.metrics.judge.scores import NOT_SCORED, PEOPLE, judge_metrics
from csc_tasks.metrics.reliability import (
    Alpha,
    alpha_with_interval,
    kappa_between_raters,
)
from csc_tasks.metrics.uncertainty import bootstrap_scores, resample_counts, sums_of
from csc_tasks.results.role_play_log import card_of

__all__ = [
    "Between",
    "ModelFigures",
    "PairFigures",
    "RatersAgree",
    "StudyFigures",
    "figures_of",
    "rubric_of",
]


class RatersAgree(NamedTuple):
    """How far raters agree on a question: Krippendorff's alpha (ordinal) and the mean weighted kappa of two."""

    question: str
    alpha: Alpha
    kappa: float


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One model: a score with its interval by column (``human_empathy``), and what these are made from.

    ``columns`` has for each the values of ``conversations``, an entry for each thing that was to be rated, ``[]`` where
    nobody did. ``items`` is how many there are, ``decided`` of them without a person; ``ratings`` how often one was
    rated.
    """

    model: str
    scores: dict[str, ScoreWithInterval]
    metrics: Sequence[AdditiveMetric]
    conversations: list[str]
    columns: dict[str, list[Any]]
    decided: int
    ratings: int

    @property
    def items(self) -> int:
        """How many things were to be rated."""
        return len(self.conversations)


class Between(NamedTuple):
    """Two models on what both were rated on: the first's score less the second's, Holm's p-value over all such."""

    first: str
    second: str
    column: str
    items: int
    adjusted: Adjusted


class PairFigures(NamedTuple):
    """Two models whose replies were compared: the first's win rate, and how often which answer was given."""

    first: str
    second: str
    rate: ScoreWithInterval
    wins: int
    ties: int
    losses: int
    to_compare: int


@dataclass(frozen=True, slots=True)
class StudyFigures:
    """All numbers of a study. ``pairs`` and ``strengths`` (Bradley-Terry, of three models or more) are of pairs."""

    models: tuple[ModelFigures, ...]
    between: tuple[Between, ...]
    pairs: tuple[PairFigures, ...]
    strengths: Ratings | None
    agreement: tuple[RatersAgree, ...]


def rubric_of(key: StudyKey) -> Rubric:
    """The questions as a rubric for what computes with one; its texts, which no number needs, are not in the key."""
    asked = key.rubric
    dimensions = tuple(_dimension(d) for d in asked.dimensions)
    return Rubric(asked.name, asked.unit, asked.name, asked.sha256, dimensions, (), "", string.Template(""))


def _dimension(rated: RatedDimension) -> Dimension:
    return Dimension(rated.name, rated.name, rated.kind, "", (), tuple(rated.options))


def figures_of(key: StudyKey, raters: Sequence[RaterAnswers]) -> StudyFigures:
    """Sum up what raters said.

    Of an item that several rated, the mean counts, so that every turn weighs the same; what was decided without a
    person counts as it was. All intervals resample conversations whole.

    Args:
        key: of the study.
        raters: whose answers count.
    """
    grid = grid_of(key, raters)
    rated = (~np.isnan(grid.ratings)).any(axis=2).sum(axis=0)
    things: list[_Thing] = [
        _Thing(item, {q.name: float(v) for q, v in zip(grid.questions, row, strict=True)}, int(n))
        for item, row, n in zip(grid.items, grid.means, rated, strict=True)
    ]
    things += [
        _Thing(d, {q.name: value_of(d, q.name, d.scores) for q in grid.questions}, 0) for d in key.decided
    ]
    if key.kind is RatingKind.PAIR:
        models = tuple(_won_by(key, things, run) for run in range(len(key.runs)))
        pairs = tuple(_pair(key, grid, things, *two) for two in combinations(range(len(key.runs)), 2))
        return StudyFigures(models, (), pairs, _strengths(key, things), _agreement(grid))
    models = tuple(_graded(key, things, run) for run in range(len(key.runs)))
    return StudyFigures(models, _between(models), (), None, _agreement(grid))


class _Thing(NamedTuple):
    """An item, or what was decided, with its values and by how many it was rated."""

    of: StudyItem | Decided
    values: dict[str, float]
    raters: int

    @property
    def known(self) -> bool:
        return any(not math.isnan(value) for value in self.values.values())


def _graded(key: StudyKey, things: Sequence[_Thing], run: int) -> ModelFigures:
    mine = sorted((t for t in things if t.of.runs == [run]), key=_place)
    grades = [d.name for d in key.rubric.dimensions if d.kind is Kind.SCALE]
    columns: dict[str, list[Any]] = defaultdict(list)
    for thing in mine:
        for name, value in thing.values.items():
            columns[PEOPLE.prefix + name].append(NOT_SCORED if math.isnan(value) else value)
        of_all = [thing.values[name] for name in grades]
        overall = sum(of_all) / len(of_all) if of_all else math.nan
        columns[f"{PEOPLE.prefix}overall"].append(NOT_SCORED if math.isnan(overall) else overall)
        columns[f"{PEOPLE.prefix}coverage"].append(float(thing.known))
    return _model(key, run, mine, columns)


def _won_by(key: StudyKey, things: Sequence[_Thing], run: int) -> ModelFigures:
    mine = sorted((t for t in things if run in t.of.runs), key=_place)
    columns: dict[str, list[Any]] = defaultdict(list)
    for thing in mine:
        won = thing.values[WINNER] if run == min(thing.of.runs) else 1 - thing.values[WINNER]
        columns[f"{PEOPLE.prefix}win_rate"].append(NOT_SCORED if math.isnan(won) else won)
        columns[f"{PEOPLE.prefix}coverage"].append(float(thing.known))
    return _model(key, run, mine, columns)


def _model(key: StudyKey, run: int, mine: Sequence[_Thing], columns: dict[str, list[Any]]) -> ModelFigures:
    metrics = judge_metrics(rubric_of(key), grader=PEOPLE)
    conversations = [card_of(thing.of.conversation) for thing in mine]
    return ModelFigures(
        model=key.runs[run].model,
        scores={m.info.name: scored_by_cluster(m, columns[m.info.name], conversations) for m in metrics},
        metrics=metrics,
        conversations=conversations,
        columns=columns,
        decided=sum(isinstance(thing.of, Decided) for thing in mine),
        ratings=sum(thing.raters for thing in mine),
    )


def _place(thing: _Thing) -> tuple[str, int, list[int]]:
    turn = thing.of.turn
    return thing.of.conversation, -1 if turn is None else turn, thing.of.runs


def _between(models: Sequence[ModelFigures]) -> tuple[Between, ...]:
    """Every two models' overall grades, or where there is none the first column's, on what both were rated on."""
    if not models:
        return ()
    names = [metric.info.name for metric in models[0].metrics]
    column, metric = names[0], models[0].metrics[0]
    found: list[tuple[str, str, int, Difference, int]] = []
    for one, other in combinations(models, 2):
        both = [
            (a, b, conversation)
            for a, b, conversation in zip(
                one.columns[column], other.columns[column], one.conversations, strict=True
            )
            if a != NOT_SCORED and b != NOT_SCORED
        ]
        clusters = [conversation for *_, conversation in both]
        first, second = (sums_of(metric, [pair[i] for pair in both], clusters) for i in (0, 1))
        if not both:
            continue
        counts = resample_counts(len(first))
        replicates = bootstrap_scores(metric, first, counts) - bootstrap_scores(metric, second, counts)
        value = float(metric.from_sums(first.sum(axis=0)) - metric.from_sums(second.sum(axis=0)))
        difference = paired_difference(value, replicates, len(first))
        found.append((one.model, other.model, len(both), difference, len(first)))
    adjusted = simultaneous([f[3] for f in found], [f[4] for f in found])
    return tuple(
        Between(first, second, column, items, each)
        for (first, second, items, _, _), each in zip(found, adjusted, strict=True)
    )


def _pair(key: StudyKey, grid: RatingGrid, things: Sequence[_Thing], first: int, second: int) -> PairFigures:
    mine = [t for t in things if sorted(t.of.runs) == [first, second]]
    known = [t for t in mine if t.known]
    clusters = [card_of(t.of.conversation) for t in known]
    votes = [
        float(value)
        for item, column in zip(grid.items, grid.ratings[:, :, 0].T, strict=True)
        if sorted(item.runs) == [first, second]
        for value in column
        if not math.isnan(value)
    ]
    votes += [t.values[WINNER] for t in mine if isinstance(t.of, Decided)]
    return PairFigures(
        key.runs[first].model,
        key.runs[second].model,
        scored_by_cluster(WinRate(), [t.values[WINNER] for t in known], clusters),
        votes.count(1.0),
        votes.count(0.5),
        votes.count(0.0),
        len(mine),
    )


def _strengths(key: StudyKey, things: Sequence[_Thing]) -> Ratings | None:
    """Bradley-Terry ratings of three models or more; ``None`` of two, whose win rate says it all."""
    results: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for thing in things:
        if thing.known:
            first, second = (key.runs[run].model for run in sorted(thing.of.runs))
            results[first, second].append((card_of(thing.of.conversation), thing.values[WINNER]))
    return rate(results) if len({m for pair in results for m in pair}) > 2 else None


def _agreement(grid: RatingGrid) -> tuple[RatersAgree, ...]:
    found = []
    for at, question in enumerate(grid.questions):
        ratings = grid.ratings[:, :, at]
        found.append(
            RatersAgree(
                question.name,
                alpha_with_interval(ratings, grid.clusters),
                kappa_between_raters(question.places(ratings), len(question.values)),
            )
        )
    return tuple(found)

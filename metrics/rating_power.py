"""How many items people must rate before a difference of two models shows, from a model of how they rate.

A reply has a worth, and a rater reads it with an error: of all variance of what raters think the worth's share is what
makes them agree. Thoughts become grades by rounding, or votes by which of two is thought better. How far means of items
vary is taken from a simulated population of such ratings; the power of a paired t-test over conversations follows from
that (noncentral t: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", chapter 2), and the test is
that of :func:`~csc_tasks.metrics.comparison.paired_difference`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import ALPHA, t_quantile
from csc_tasks.metrics.judge.rubric import GRADES
from csc_tasks.metrics.reliability import krippendorff_alpha
from csc_tasks.metrics.uncertainty import SEED

__all__ = ["MOST_ITEMS", "Needed", "RatingPlan", "items_needed", "power_of", "ratings_of"]

MOST_ITEMS = 100_000
"""Items beyond which nobody is asked for so many."""
_POPULATION = 40_000
_CALIBRATION = 20_000
_STEPS = 22
_MIDDLE = 3.0


@dataclass(frozen=True, slots=True)
class RatingPlan:
    """What is to be found, and how people rate.

    Attributes:
        pairs: whether people say which of two replies is better; else they grade each.
        difference: of mean grades 1-5; of pairs how far the win rate 0-1 that raters find is from one half.
        agreement: Krippendorff's alpha (ordinal) between raters, above 0 and below 1. Of grades it says how large
            raters' errors are; of pairs, whose win rate is given, how little one more rater adds.
        models: how many are compared, every two of them: p-values are multiplied by the number of pairs (Bonferroni;
            Holm's correction finds no less).
        sd: standard deviation of what a model's replies are worth, in grades.
        correlation: of the worth of two models' replies to the same turn, 0-1.
        ties: share 0-1 of pairs of which a rater says neither, where the models are alike.
        per_conversation: turns that are drawn from a conversation.
        conversation: share 0-1 of the worth's variance that the turns of a conversation have in common.
        power: chance 0-1 of finding the difference.
        alpha: chance of a false "different".
    """

    pairs: bool
    difference: float
    agreement: float
    models: int = 2
    sd: float = 0.7
    correlation: float = 0.3
    ties: float = 0.2
    per_conversation: int = 1
    conversation: float = 0.2
    power: float = 0.8
    alpha: float = ALPHA

    @property
    def comparisons(self) -> int:
        """How many two models there are."""
        return self.models * (self.models - 1) // 2


class Needed(NamedTuple):
    """Turns of which every model's reply must be rated by so many ``raters`` each, and the power that this has.

    ``ratings`` are how many answers people give in all. ``items`` is ``None`` where more than :data:`MOST_ITEMS` would
    be needed.
    """

    raters: int
    items: int | None
    ratings: int | None
    power: float


def items_needed(plan: RatingPlan, raters: int) -> Needed:
    """The fewest turns, whole conversations of them, with which a plan has its power.

    Args:
        plan: what is to be found.
        raters: of each item.
    """
    low, high = 1, MOST_ITEMS // plan.per_conversation
    if power_of(plan, high * plan.per_conversation, raters) < plan.power:
        return Needed(raters, None, None, power_of(plan, high * plan.per_conversation, raters))
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_of(plan, middle * plan.per_conversation, raters) >= plan.power
        low, high = (low, middle) if enough else (middle, high)
    items = high * plan.per_conversation
    each = plan.comparisons if plan.pairs else plan.models
    return Needed(raters, items, items * each * raters, power_of(plan, items, raters))


def power_of(plan: RatingPlan, items: int, raters: int) -> float:
    """The chance 0-1 of finding a plan's difference with so many turns, each rated by so many.

    Args:
        plan: what is to be found.
        items: turns.
        raters: of each item.
    """
    from scipy.special import nctdtr

    clusters = items // plan.per_conversation
    if clusters < 2:
        return 0.0
    spread = _spread(plan, raters)
    least = t_quantile(1 - plan.alpha / plan.comparisons, clusters)
    shift = plan.difference / spread * math.sqrt(clusters)
    found = 1 - nctdtr(clusters - 1, shift, least) + nctdtr(clusters - 1, shift, -least)
    # Beyond what the series of the noncentral t can hold, nothing is left to chance.
    return 1.0 if math.isnan(found) else float(found)


@lru_cache(maxsize=64)
def _spread(plan: RatingPlan, raters: int) -> float:
    """Standard deviation over conversations of the mean difference of their turns."""
    luck = np.random.default_rng(SEED)
    ratings = ratings_of(plan, raters, _POPULATION // plan.per_conversation, luck)
    differences = (ratings[0] if plan.pairs else ratings[0] - ratings[1]).mean(axis=0)
    by_conversation = differences.reshape(-1, plan.per_conversation).mean(axis=1)
    return float(by_conversation.std(ddof=1))


def ratings_of(plan: RatingPlan, raters: int, conversations: int, luck: np.random.Generator) -> Floats:
    """Simulated ratings as people of a plan's agreement give them.

    Args:
        plan: how they rate.
        raters: of each item.
        conversations: of :attr:`RatingPlan.per_conversation` turns.
        luck: where chance comes from.

    Returns:
        (2, raters, items) grades of two models, the better first; of pairs (1, raters, items) with 1 where the first
        won, 0.5 for a tie and 0 where it lost.
    """
    return _drawn(plan, _share(plan), raters, conversations, luck)


@lru_cache(maxsize=64)
def _share(plan: RatingPlan) -> float:
    """The worth's share of the variance of what raters think, with which they agree as the plan says."""

    def alpha(share: float) -> float:
        conversations = _CALIBRATION // plan.per_conversation
        ratings = _drawn(plan, share, 2, conversations, np.random.default_rng(SEED + 1))
        return krippendorff_alpha(np.concatenate(list(ratings), axis=1))

    return _root(lambda share: alpha(share) - plan.agreement, 0.0, 1.0)


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def _drawn(
    plan: RatingPlan, share: float, raters: int, conversations: int, luck: np.random.Generator
) -> Floats:
    items = conversations * plan.per_conversation

    def worth(count: int) -> Floats:
        """(count, items) of variance 1, of which turns of a conversation have a part in common."""
        common = np.repeat(luck.normal(size=(count, conversations)), plan.per_conversation, axis=1)
        own = luck.normal(size=(count, items))
        return np.asarray(math.sqrt(plan.conversation) * common + math.sqrt(1 - plan.conversation) * own)

    if plan.pairs:
        thought = math.sqrt(share) * worth(1)[:, None] + math.sqrt(1 - share) * luck.normal(
            size=(1, raters, items)
        )
        return _votes(plan, thought)
    both, own = worth(1), worth(2)
    of_each = math.sqrt(plan.correlation) * both + math.sqrt(1 - plan.correlation) * own
    thought = math.sqrt(share) * of_each[:, None] + math.sqrt(1 - share) * luck.normal(
        size=(2, raters, items)
    )
    return _grades(plan, thought * plan.sd / math.sqrt(share), plan.sd / math.sqrt(share))


def _grades(plan: RatingPlan, thought: Floats, spread: float) -> Floats:
    from scipy.special import ndtr

    ends = np.array(GRADES[1:]) - 0.5

    def apart(shift: float) -> float:
        """How far mean grades are apart, of which there are none beyond the ends."""
        up, down = (ndtr((_MIDDLE + half - ends) / spread).sum() for half in (shift / 2, -shift / 2))
        return float(up - down)

    # Up to where all of the one are graded highest and all of the other lowest.
    shift = _root(lambda x: apart(x) - plan.difference, 0.0, 10 + 10 * spread)
    middles = _MIDDLE + np.array([0.5, -0.5]) * shift
    return np.asarray(np.clip(np.rint(middles[:, None, None] + thought), GRADES[0], GRADES[-1]))


def _votes(plan: RatingPlan, thought: Floats) -> Floats:
    from scipy.special import ndtr, ndtri

    apart = float(ndtri((1 + plan.ties) / 2))

    def rate(shift: float) -> float:
        won, not_lost = float(ndtr(shift - apart)), float(ndtr(shift + apart))
        return (won + not_lost) / 2

    shift = _root(lambda x: rate(x) - 0.5 - plan.difference, 0.0, 8.0)
    said = thought + shift
    return np.asarray(np.where(said > apart, 1.0, np.where(said < -apart, 0.0, 0.5)))

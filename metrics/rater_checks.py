"""Whether somebody who rates does better than chance: agreement with themselves, and with the others.

Both are held against what the same answers give when they are dealt out at random, so that neither somebody who always
says the same nor somebody who clicks anywhere looks reliable, however the grades are distributed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.uncertainty import SEED

__all__ = ["DEALS", "AgainstChance", "agreement_with_others", "self_consistency"]

DEALS = 1000
"""How often answers are dealt out at random."""


class AgainstChance(NamedTuple):
    """An agreement: 1 is full, 0 what chance gives; NaN where it cannot be told.

    ``p`` is the share of random deals, one-sided and with the answers as they are among them, that agree as well;
    ``units`` are how many items it is of.
    """

    value: float
    p: float
    units: int


_UNKNOWN = AgainstChance(float("nan"), float("nan"), 0)


def self_consistency(first: Floats, again: Floats, pool: Floats) -> AgainstChance:
    """How far somebody says the same again of the same, beyond what their grades in general have in common.

    1 - observed / expected, both squared differences, by question: observed between the two answers to an item,
    expected between two of the rater's answers at random, which is Krippendorff's alpha (interval) with a chance
    that is taken from all that the rater said. The deals put another of the rater's answers in the place of the first.

    Args:
        first: (n, d) values of n repeated items on d questions, NaN where there is none.
        again: (n, d) the second time.
        pool: (m, d) all that the rater said, the repeats left out.
    """
    with np.errstate(invalid="ignore"):
        asked = (~np.isnan(pool)).sum(axis=0) > 1
        spread = np.array([np.nanvar(c, ddof=1) if a else 0.0 for c, a in zip(pool.T, asked, strict=True)])
    varied = spread > 0
    both = ~np.isnan(first) & ~np.isnan(again)
    rows = (both & varied).any(axis=1)
    if not rows.any():
        return _UNKNOWN
    scale = 2 * spread[varied]
    first, again, pool = first[rows][:, varied], again[rows][:, varied], pool[:, varied]
    observed = _distance(first, again, scale)
    drawn = np.random.default_rng(SEED).integers(len(pool), size=(DEALS, len(again)))
    dealt = _distance(pool[drawn], again, scale)
    at_random = int((dealt <= observed + 1e-12).sum())
    return AgainstChance(float(1 - observed), (1 + at_random) / (1 + DEALS), int(rows.sum()))


def _distance(first: Floats, again: Floats, scale: Floats) -> Floats:
    """Mean squared distances (...) of (..., n, d), by what two answers at random are apart."""
    squares = (first - again) ** 2 / scale
    known = ~np.isnan(squares)
    return np.asarray(
        np.where(known, squares, 0.0).sum(axis=(-2, -1)) / np.maximum(known.sum(axis=(-2, -1)), 1)
    )


def agreement_with_others(own: Floats, others: Floats) -> AgainstChance:
    """Pearson's correlation of somebody's grades with the mean of the others', the mean over questions.

    The deals exchange the rater's items, all questions of an item together.

    Args:
        own: (n, d) values of n items on d questions, NaN where there is none.
        others: (n, d) means over the other raters, NaN where none of them rated.
    """
    both = ~np.isnan(own) & ~np.isnan(others)
    rows = both.any(axis=1)
    own, others, both = own[rows], others[rows], both[rows]
    mine, theirs = (_standardized(np.where(both, values, np.nan)) for values in (own, others))
    varied = (mine != 0).any(axis=0) & (theirs != 0).any(axis=0)
    if not varied.any():
        return _UNKNOWN._replace(units=int(rows.sum()))
    mine, theirs = mine[:, varied], theirs[:, varied]
    counts = both[:, varied].sum(axis=0)
    observed = float(((mine * theirs).sum(axis=0) / counts).mean())
    luck = np.random.default_rng(SEED)
    dealt = [
        float(((mine[luck.permutation(len(mine))] * theirs).sum(axis=0) / counts).mean())
        for _ in range(DEALS)
    ]
    at_random = sum(each >= observed - 1e-12 for each in dealt)
    return AgainstChance(observed, (1 + at_random) / (1 + DEALS), int(rows.sum()))


def _standardized(values: Floats) -> Floats:
    """Columns of mean 0 and deviation 1; zeros where there is nothing, or nothing varies."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, values - np.where(known, values, 0.0).sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    return np.asarray(np.where(spread > 1e-12, centred / np.where(spread > 1e-12, spread, 1.0), 0.0))

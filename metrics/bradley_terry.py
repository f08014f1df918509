"""Strengths of players, strategies or models, from who wins how often against whom."""

from __future__ import annotations

import numpy as np

from csc_tasks.metrics.base import Floats

__all__ = ["bradley_terry", "newman"]

_FIRST = 10
"""Iterations of Newman's, which is never thrown far, before Newton's steps, of which a few are then enough."""
_STEPS = 60
_STEP = 1e-12
"""The largest step, in log strength, of what has converged."""
_LONGEST = 2.0
"""No step is longer: far from the maximum Newton's may lead away from it."""


def bradley_terry(wins: Floats, iterations: int = 2000, tolerance: float = 1e-10) -> Floats:
    """Maximum-likelihood strengths (…, k), mean 1, from wins of row over column (…, k, k).

    The likelihood is concave in the log strengths (Bradley and Terry 1952), and Newton's method finds its maximum.
    Where that does not, ``iterations`` of Newman's (JMLR 24, 2023) go as far as they get:
    p_i ← Σ_j w_ij p_j/(p_i+p_j) / Σ_j w_ji/(p_i+p_j), of all at once, until no p changes by ``tolerance``.
    NaN where somebody never lost: callers smooth.
    """
    k = wins.shape[-1]
    if k == 2:  # Newman's would swap the strengths of two for ever: theirs are as their wins
        won = np.stack([wins[..., 0, 1], wins[..., 1, 0]], axis=-1)
        return np.asarray(won / won.mean(axis=-1, keepdims=True))
    flat = wins.reshape(-1, k, k)
    strengths, found = _newton(flat, newman(flat, _FIRST, tolerance))
    if not found.all():
        strengths[~found] = newman(flat[~found], iterations, tolerance)
    return strengths.reshape(wins.shape[:-1])


def newman(wins: Floats, iterations: int = 2000, tolerance: float = 1e-10) -> Floats:
    """Strengths (…, k), mean 1, by iteration alone, which of few wins is long not at its end."""
    strengths = np.ones(wins.shape[:-1])
    losses = np.swapaxes(wins, -1, -2)
    for _ in range(iterations):
        pair = strengths[..., :, None] + strengths[..., None, :]
        new = (wins * strengths[..., None, :] / pair).sum(axis=-1) / (losses / pair).sum(axis=-1)
        new = new / new.mean(axis=-1, keepdims=True)
        done = np.abs(new - strengths).max(initial=0.0) < tolerance
        strengths = new
        if done:
            break
    return strengths


def _newton(wins: Floats, strengths: Floats) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Strengths (n, k) of wins (n, k, k), and of which the maximum was found, (n,)."""
    n, k = strengths.shape
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = np.log(strengths)
    found = np.zeros(n, dtype=bool)
    open_ = np.flatnonzero(np.isfinite(levels).all(axis=-1))
    both = wins + np.swapaxes(wins, -1, -2)
    diagonal = np.arange(k - 1)
    for _ in range(_STEPS):
        if not len(open_):
            break
        level, won, games = levels[open_], wins[open_], both[open_]
        share = 1 / (1 + np.exp(np.clip(level[:, None, :] - level[:, :, None], -700, 700)))
        slope = (won - games * share).sum(axis=-1)
        bend = games * share * (1 - share)
        curve = -bend[:, :-1, :-1]
        # The last one's level stays: only differences count. The tiny ridge keeps what no game joins solvable.
        curve[:, diagonal, diagonal] += bend.sum(axis=-1)[:, :-1] + 1e-14 * games.sum(axis=(-1, -2))[:, None]
        step = np.linalg.solve(curve, slope[:, :-1, None])[..., 0]
        largest = np.abs(step).max(axis=-1)
        step *= np.minimum(1.0, _LONGEST / np.maximum(largest, _LONGEST))[:, None]
        levels[open_, :-1] += step
        found[open_] = largest < _STEP
        open_ = open_[(largest >= _STEP) & np.isfinite(largest)]
    with np.errstate(invalid="ignore"):
        strengths = np.exp(levels - levels.max(axis=-1, keepdims=True, initial=-np.inf))
        strengths /= strengths.mean(axis=-1, keepdims=True)
    return strengths, found

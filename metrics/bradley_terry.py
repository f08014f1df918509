"""Strengths of players, strategies or models, from who wins how often against whom."""

from __future__ import annotations

import numpy as np

from csc_tasks.metrics.base import Floats

__all__ = ["bradley_terry"]


def bradley_terry(wins: Floats, iterations: int = 2000, tolerance: float = 1e-10) -> Floats:
    """Maximum-likelihood strengths (…, k), mean 1, from wins of row over column (…, k, k).

    Newman's iteration (JMLR 24, 2023), p_i ← Σ_j w_ij p_j/(p_i+p_j) / Σ_j w_ji/(p_i+p_j), of all at once. Of two that
    would swap their strengths for ever: theirs are as their wins.
    """
    if wins.shape[-1] == 2:
        won = np.stack([wins[..., 0, 1], wins[..., 1, 0]], axis=-1)
        return np.asarray(won / won.mean(axis=-1, keepdims=True))
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

"""Strengths against an independent maximisation, and against another implementation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from csc_tasks.metrics.bradley_terry import bradley_terry


def some_wins(seed: int, players: int = 12) -> np.ndarray:
    wins = np.random.default_rng(seed).integers(0, 9, (players, players)) + 0.5
    return np.asarray(wins * (1 - np.eye(players)))


@pytest.mark.parametrize("seed", range(5))
def test_strengths_maximise_the_likelihood(seed: int) -> None:
    wins = some_wins(seed)

    def loss(theta: np.ndarray) -> float:  # an independent way: minimise the negative log-likelihood
        return float((wins * np.logaddexp(0, theta[None, :] - theta[:, None])).sum())

    best = np.exp(minimize(loss, np.zeros(12), method="BFGS", options={"gtol": 1e-8}).x)
    np.testing.assert_allclose(bradley_terry(wins), best / best.mean(), rtol=2e-3)


def test_many_matrices_at_once_are_each_by_itself() -> None:
    several = np.stack([some_wins(seed) for seed in range(4)])
    together = bradley_terry(several, tolerance=1e-13)
    for wins, strengths in zip(several, together, strict=True):
        np.testing.assert_allclose(bradley_terry(wins, tolerance=1e-13), strengths, rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_strengths_are_those_of_evalica(seed: int) -> None:
    evalica = pytest.importorskip("evalica")
    pandas = pytest.importorskip("pandas")
    wins = some_wins(seed, 5)
    pairs = [(i, j) for i in range(5) for j in range(5) if i != j]
    found = evalica.bradley_terry(
        [i for i, _ in pairs],
        [j for _, j in pairs],
        [evalica.Winner.X] * len(pairs),
        index=pandas.Index(range(5)),
        weights=[wins[pair] for pair in pairs],
        tolerance=1e-13,
        limit=100_000,
    )
    theirs = found.scores.reindex(pandas.Index(range(5))).to_numpy()
    np.testing.assert_allclose(bradley_terry(wins, tolerance=1e-13), theirs / theirs.mean(), rtol=1e-9)


@pytest.mark.parametrize("seed", [3, 5, 6])  # of which iteration alone is far from the end after 2,000 steps
def test_strengths_of_a_few_wins_and_little_smoothing_are_the_maximum(seed: int) -> None:
    generator = np.random.default_rng(seed)
    wins = generator.gamma(0.02, size=(12, 12)) * (generator.random((12, 12)) < 0.4)
    wins = (wins / wins.sum() + 0.1 / 132) * (1 - np.eye(12))
    strengths = bradley_terry(wins)
    chance = strengths[:, None] / (strengths[:, None] + strengths[None, :])
    expected = ((wins + wins.T) * chance * (1 - np.eye(12))).sum(axis=1)
    np.testing.assert_allclose(wins.sum(axis=1), expected, rtol=1e-9)  # the maximum's condition

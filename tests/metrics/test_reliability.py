"""Agreement between raters, held against scikit-learn and evalica, and its intervals against simulated raters."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from csc_tasks.metrics.reliability import (
    Level,
    alpha_with_interval,
    clustered_kappa,
    kappa_between_raters,
    krippendorff_alpha,
    weighted_kappa,
)

Ratings = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def with_gaps(seed: int) -> Ratings:
    luck = np.random.default_rng(seed)
    ratings = luck.integers(1, 6, (4, 25)).astype(float)
    ratings[luck.random(ratings.shape) < 0.3] = np.nan
    return ratings


@pytest.mark.parametrize("weights", ["quadratic", None])
def test_kappa_is_scikit_learns(weights: str | None) -> None:
    luck = np.random.default_rng(2)
    for _ in range(20):
        one = luck.integers(0, 5, 60)
        other = np.clip(one + luck.integers(-2, 3, 60), 0, 4)
        confusion = np.zeros((5, 5))
        np.add.at(confusion, (one, other), 1)
        expected = cohen_kappa_score(one, other, weights=weights, labels=[0, 1, 2, 3, 4])
        assert float(weighted_kappa(confusion, weights is not None)) == pytest.approx(expected, abs=1e-12)
        pairs = list(zip(one.tolist(), other.tolist(), strict=True))
        kappa, error = clustered_kappa(pairs, [str(i // 3) for i in range(60)], 5, weights is not None)
        assert kappa == pytest.approx(expected, abs=1e-12)
        assert 0.01 < error < 0.2


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("seed", range(4))
def test_alpha_is_that_of_evalica(seed: int, level: Level) -> None:
    evalica = pytest.importorskip("evalica")
    pandas = pytest.importorskip("pandas")
    ratings = with_gaps(seed)
    paired = ratings[:, (~np.isnan(ratings)).sum(axis=0) >= 2]
    theirs = evalica.alpha(pandas.DataFrame(paired), distance=level.value).alpha
    assert krippendorff_alpha(ratings, level) == pytest.approx(theirs, abs=1e-12)
    found = alpha_with_interval(ratings, [f"c{i // 2}" for i in range(25)], level)
    assert found.value == pytest.approx(theirs, abs=1e-12)
    assert found.units == paired.shape[1]
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    "ratings",
    [
        [[1.0, 2.0, 3.0]],  # nobody to agree with
        [[1.0, np.nan], [np.nan, 2.0]],  # nothing rated twice
        [[4.0, 4.0], [4.0, 4.0]],  # no variation: chance agrees as well
        np.empty((0, 0)),
    ],
)
def test_alpha_is_undefined_where_nothing_can_disagree(ratings: list[list[float]]) -> None:
    for level in Level:
        assert np.isnan(krippendorff_alpha(np.asarray(ratings), level))
    found = alpha_with_interval(np.asarray(ratings), ["c"] * np.asarray(ratings).shape[1])
    assert np.isnan([found.value, found.low, found.high]).all()


def test_the_interval_of_alpha_holds_the_alpha_of_all_items_that_there_are() -> None:
    """Of 200 samples of 40 conversations of 3 turns, that share an effect, about 95 % have it in theirs."""
    luck = np.random.default_rng(5)

    def sample(conversations: int) -> tuple[Ratings, list[str]]:
        shared = np.repeat(luck.normal(0, 0.7, conversations), 3)
        truth = shared + luck.normal(0, 0.7, 3 * conversations)
        ratings = np.clip(np.rint(3 + truth + luck.normal(0, 0.6, (3, len(truth)))), 1, 5)
        return ratings, [f"c{i // 3}" for i in range(len(truth))]

    truth = krippendorff_alpha(sample(20_000)[0])
    held = 0
    for _ in range(200):
        ratings, clusters = sample(40)
        found = alpha_with_interval(ratings, clusters)
        held += found.low <= truth <= found.high
    assert 178 <= held <= 198


def test_kappa_between_raters_is_the_mean_of_the_kappas_of_every_two() -> None:
    luck = np.random.default_rng(3)
    one = luck.integers(0, 3, 30).astype(float)
    other, third = ((one + (luck.random(30) < 0.3)) % 3 for _ in range(2))
    third[20:] = np.nan  # two thirds of what the others rated: weighs so much
    ratings = np.stack([one, other, third])
    kappas = [
        cohen_kappa_score(a, b, weights="quadratic", labels=[0, 1, 2])
        for a, b in [(one, other), (one[:20], third[:20]), (other[:20], third[:20])]
    ]
    assert kappa_between_raters(ratings, 3) == pytest.approx(np.average(kappas, weights=[30, 20, 20]))
    assert np.isnan(kappa_between_raters(ratings[:1], 3))

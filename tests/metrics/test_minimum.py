"""Whether a score misses a minimum by more than chance."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from csc_tasks.metrics import additive_metric
from csc_tasks.metrics.minimum import Shortfall, shortfall
from csc_tasks.metrics.uncertainty import resample_counts


def of_scores(name: str, scores: list[float], minimum: float, tail: float = 0.05) -> Shortfall:
    """Of conversations of one turn each with these scores."""
    metric = additive_metric(name)
    sums = np.stack([np.array(scores), np.ones(len(scores))], axis=1)
    replicates = metric.from_sums(resample_counts(len(scores)) @ sums)
    return shortfall(metric, float(np.mean(scores)), replicates, len(scores), minimum, tail)


@pytest.mark.parametrize(
    ("name", "scores", "minimum", "missed", "low"),
    [
        # Reached, and missed by more and by less than chance: ± 1.7 times a standard error of 0.079.
        ("strategy_acc", [0.0, 1.0] * 20, 0.4, -0.1, -0.235),
        ("strategy_acc", [0.0, 1.0] * 20, 0.9, 0.4, 0.265),
        ("strategy_acc", [0.0, 1.0] * 20, 0.55, 0.05, -0.085),
        # Where lower is better it is a maximum.
        ("no_answer", [0.0, 1.0] * 20, 0.1, 0.4, 0.265),
        ("no_answer", [0.0, 1.0] * 20, 0.45, 0.05, -0.085),
        # None of forty: up to 1 - 0.05^(1/40) = 7.2 % are not excluded (the rule of three says 7.5 %).
        ("strategy_acc", [0.0] * 40, 0.05, 0.05, -0.0222),
        ("strategy_acc", [0.0] * 40, 0.10, 0.10, 0.0278),
        # All forty: down to 92.8 %.
        ("no_answer", [1.0] * 40, 0.95, 0.05, -0.0222),
        # One of forty spreads as 1/40 does; at the minimum of 10 % it would spread 1.92 times as much.
        ("strategy_acc", [1.0] + [0.0] * 39, 0.10, 0.075, -0.0057),
        # What must be 0, or 1, is missed by a single turn, be it the only conversation.
        ("no_answer", [1.0] + [0.0] * 39, 0.0, 0.025, 0.025),
        ("strategy_acc", [0.0] + [1.0] * 39, 1.0, 0.025, 0.025),
        ("no_answer", [1.0], 0.0, 1.0, 1.0),
        # 2^-4 is more than 5 %: four conversations could all lie below by chance, two and one all the more.
        ("strategy_acc", [0.1, 0.1, 0.2, 0.1], 0.9, 0.775, math.nan),
        ("strategy_acc", [0.2, 0.2], 0.9, 0.7, math.nan),
        ("strategy_acc", [0.2], 0.9, 0.7, math.nan),
        # Reached to the last digit but one is reached.
        ("strategy_acc", [0.1 + 0.2] * 40, 0.3, 0.0, -0.0506),
        ("strategy_acc", [0.3] * 40, 0.1 + 0.2, 0.0, -0.0506),
        # A grade has no such end of its scale to reckon from: what never differs has no width.
        ("judge_overall", [3.0] * 40, 3.5, 0.5, 0.5),
    ],
)  # fmt: skip
def test_a_score_misses_a_minimum_where_its_interval_does(
    name: str, scores: list[float], minimum: float, missed: float, low: float
) -> None:
    found = of_scores(name, scores, minimum)
    assert found.value == pytest.approx(missed, abs=1e-12)
    # The bootstrap's own noise is 3 % of a standard error.
    assert found.low == pytest.approx(low, abs=0.006, nan_ok=True)


def test_a_smaller_share_of_alpha_makes_a_minimum_harder_to_miss() -> None:
    scores = [0.0, 1.0] * 20
    low = [of_scores("strategy_acc", scores, 0.7, tail).low for tail in (0.05, 0.05 / 17)]
    assert low[0] > 0 > low[1]


def labels(rng: np.random.Generator, conversations: int, skill: float) -> npt.NDArray[np.float64]:
    """Confusion matrices of conversations of 13 turns whose skill varies from one to the next."""
    gold = np.array([25, 15, 12, 10, 9, 8, 6, 5, 4, 3, 2, 1]) / 100
    own = rng.beta(8 * skill, 8 * (1 - skill), conversations)[:, None]
    right, other = (rng.choice(12, (conversations, 13), p=gold) for _ in range(2))
    said = np.where(rng.random((conversations, 13)) < own, right, other)
    sums = np.zeros((conversations, 12 * 13))
    np.add.at(sums, (np.arange(conversations)[:, None], right * 13 + said), 1.0)
    return sums


@pytest.mark.parametrize("conversations", [32, pytest.param(128, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("strategy_f1_weighted", 0.08),
        # A mean over strategies of which some are gold once or twice.
        ("strategy_f1_macro", 0.11),
        # Never below 0, so its estimate lies above a truth of 0, always.
        ("strategy_jsd", 0.03),
    ],
)
def test_a_minimum_at_the_true_score_fails_one_build_in_twenty(
    name: str, most: float, conversations: int
) -> None:
    rng = np.random.default_rng(5)
    metric, counts = additive_metric(name), resample_counts(conversations, 400)
    truth = 0.0 if name == "strategy_jsd" else float(metric.from_sums(labels(rng, 40_000, 0.15).sum(axis=0)))
    failed = 0
    for _ in range(600):
        sums = labels(rng, conversations, 0.15)
        value = float(metric.from_sums(sums.sum(axis=0)))
        found = shortfall(metric, value, metric.from_sums(counts @ sums), conversations, truth, 0.05)
        failed += found.low > 0
    assert failed / 600 <= most


@pytest.mark.parametrize("conversations", [32, 128])
@pytest.mark.parametrize("truth", [0.002, 0.02, 0.27, 0.98, 0.998])
@pytest.mark.parametrize("name", ["strategy_acc", "no_answer"])
def test_a_minimum_at_a_true_share_fails_one_build_in_twenty_however_rare_it_is(
    name: str, truth: float, conversations: int
) -> None:
    rng = np.random.default_rng(6)
    metric, counts = additive_metric(name), resample_counts(conversations)
    failed = 0
    for _ in range(400):
        own = rng.beta(8 * truth, 8 * (1 - truth), conversations)
        sums = np.stack([rng.binomial(13, own), np.full(conversations, 13)], axis=1).astype(float)
        value = float(metric.from_sums(sums.sum(axis=0)))
        found = shortfall(metric, value, metric.from_sums(counts @ sums), conversations, truth, 0.05)
        failed += found.low > 0
    assert failed / 400 <= 0.075

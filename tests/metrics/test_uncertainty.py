"""Clustered standard errors: against closed forms, and against what ignoring clusters would say."""

from __future__ import annotations

import numpy as np
import pytest

from csc_tasks.metrics import clustered_stderr
from csc_tasks.metrics.strategy import F1, StrategyAccuracy
from csc_tasks.metrics.uncertainty import cluster_sums, resample_counts


def clustered_sample(seed: int, conversations: int = 150, within: int = 12) -> tuple[list[float], list[str]]:
    """Accuracies whose probability differs by conversation: turns of one conversation are alike."""
    rng = np.random.default_rng(seed)
    rates = rng.beta(1.0, 1.0, size=conversations)
    values = [float(rng.random() < rate) for rate in rates for _ in range(within)]
    return values, [f"c{i}" for i in range(conversations) for _ in range(within)]


def test_the_bootstrap_agrees_with_the_sandwich_formula() -> None:
    values, clusters = clustered_sample(0)
    sums = cluster_sums(StrategyAccuracy().statistics(values), clusters)
    residuals = sums[:, 0] - np.mean(values) * sums[:, 1]
    sandwich = np.sqrt((residuals**2).sum()) / len(values)
    assert clustered_stderr(StrategyAccuracy(), values, clusters) == pytest.approx(sandwich, rel=0.08)


def test_the_error_covers_what_repeating_the_study_would_show() -> None:
    means = [np.mean(clustered_sample(seed)[0]) for seed in range(400)]
    values, clusters = clustered_sample(1000)
    assert clustered_stderr(StrategyAccuracy(), values, clusters) == pytest.approx(np.std(means), rel=0.2)


def test_an_error_that_ignored_clusters_would_be_too_short() -> None:
    values, clusters = clustered_sample(0)
    naive = np.std(values, ddof=1) / np.sqrt(len(values))
    assert clustered_stderr(StrategyAccuracy(), values, clusters) > 1.5 * naive


def test_the_same_run_always_prints_the_same_error() -> None:
    values, clusters = clustered_sample(0)
    first = clustered_stderr(StrategyAccuracy(), values, clusters)
    assert clustered_stderr(StrategyAccuracy(), values, clusters) == first


def test_the_order_in_which_processes_deliver_the_turns_does_not_matter() -> None:
    values, clusters = clustered_sample(0)
    shuffled = np.random.default_rng(1).permutation(len(values))
    again = clustered_stderr(
        StrategyAccuracy(), [values[i] for i in shuffled], [clusters[i] for i in shuffled]
    )
    assert again == pytest.approx(clustered_stderr(StrategyAccuracy(), values, clusters), rel=1e-12)


def test_one_conversation_has_no_standard_error() -> None:
    assert np.isnan(clustered_stderr(StrategyAccuracy(), [1.0, 0.0], ["c", "c"]))
    assert np.isnan(clustered_stderr(StrategyAccuracy(), [], []))


def test_a_metric_of_counts_has_an_error_too() -> None:
    rng = np.random.default_rng(0)
    items = [
        [int(g), int(g) if rng.random() < 0.6 else int(rng.integers(-1, 12))]
        for g in rng.integers(0, 12, 600)
    ]
    error = clustered_stderr(F1("macro"), items, [f"c{i // 12}" for i in range(600)])
    assert 0.005 < error < 0.05


def test_sums_by_cluster_keep_every_turn() -> None:
    sums = cluster_sums(np.array([[1.0], [2.0], [4.0]]), ["b", "a", "b"])
    assert sums.tolist() == [[2.0], [5.0]]


def test_each_resample_draws_as_many_conversations_as_there_are() -> None:
    assert set(resample_counts(37).sum(axis=1)) == {37.0}

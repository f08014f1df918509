"""Differences, intervals and ranks: against scipy and brute force, and by simulation of studies.

A simulated study has conversations of unequal length; what a conversation is like weighs on both models,
on each model in its own way, and on every turn by chance. So turns of one conversation are alike, and two
models are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import binom, bootstrap, nct, norm, t

from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import holm, interval, paired_difference, ranks, simultaneous
from csc_tasks.metrics.strategy import StrategyAccuracy
from csc_tasks.metrics.uncertainty import bootstrap_scores, resample_counts

MEAN = StrategyAccuracy()
"""The mean of a number a turn: what both simulated metrics, the one of zeros and ones and the other, are."""
OF_CONVERSATION, OF_MODEL, OF_TURN = 0.5, 0.3, 1.0
"""Standard deviations of what a conversation does to both models, to one of them, and of a turn's chance."""


def lengths(conversations: int) -> list[int]:
    return [6 + 17 * i % 16 for i in range(conversations)]


def studies(
    count: int, conversations: int, means: list[float], binary: bool, seed: int = 0
) -> Iterator[tuple[Floats, Floats]]:
    """Scores (k,) and replicates (k, resamples) of ``count`` simulated studies of k models with these means."""
    rng = np.random.default_rng(seed)
    sizes = np.array(lengths(conversations))
    firsts = np.cumsum(sizes) - sizes
    counts = resample_counts(conversations)
    for _ in range(count):
        shared = rng.normal(0, OF_CONVERSATION, conversations)
        own = shared + rng.normal(0, OF_MODEL, (len(means), conversations))
        turns = np.repeat(own, sizes, axis=1) + rng.normal(0, OF_TURN, (len(means), sizes.sum()))
        turns += np.array(means)[:, None]
        sums = np.add.reduceat((turns > 0).astype(float) if binary else turns, firsts, axis=1)
        rows = [np.stack([of_model, sizes], axis=1) for of_model in sums]
        yield (
            np.array([float(MEAN.from_sums(row.sum(axis=0))) for row in rows]),
            np.stack([bootstrap_scores(MEAN, row, counts) for row in rows]),
        )


def truth(mean: float, binary: bool) -> float:
    spread = math.sqrt(OF_CONVERSATION**2 + OF_MODEL**2 + OF_TURN**2)
    return float(norm.cdf(mean / spread)) if binary else mean


def within_chance(rate: float, expected: float, trials: int) -> bool:
    """Whether so many hits are what a true rate gives but once in a thousand times."""
    hits = round(rate * trials)
    return bool(binom.ppf(0.0005, trials, expected) <= hits <= binom.ppf(0.9995, trials, expected))


# --- Holm ---


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [
        ([], []),
        ([0.2], [0.2]),  # one test needs no correction
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 0.04 is carried up to 0.06
        ([0.01, 0.02, 0.03], [0.03, 0.04, 0.04]),  # 3, 2 and 1 times
        ([0.02, 0.02], [0.04, 0.04]),  # ties share a value
        ([0.6, 0.9], [1.0, 1.0]),  # never above one
        ([0.0, 1.0], [0.0, 1.0]),
        ([math.nan, 0.01, 0.04], [math.nan, 0.02, 0.04]),  # what is no test is not corrected for
        ([math.nan], [math.nan]),
    ],
)
def test_holm_gives_the_published_table(given: list[float], adjusted: list[float]) -> None:
    assert holm(given).tolist() == pytest.approx(adjusted, abs=1e-15, nan_ok=True)


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    rng = np.random.default_rng(0)
    for size in range(1, 8):
        p = rng.uniform(0, 0.2, size)
        expected = [
            max(
                min(1.0, len(subset) * min(p[list(subset)]))
                for n in range(1, size + 1)
                for subset in itertools.combinations(range(size), n)
                if i in subset
            )
            for i in range(size)
        ]
        assert holm(p).tolist() == pytest.approx(expected, abs=1e-15)


# --- intervals ---


def test_of_many_conversations_the_interval_is_scipys_percentile_interval() -> None:
    """Of 10,000 resamples an end is known to 0.03 standard errors; two such ends are held to 0.12."""
    conversations = 400
    rng = np.random.default_rng(1)
    counts = np.array(lengths(conversations), dtype=float)
    totals = rng.normal(0.3, 0.4, conversations) * counts
    sums = np.stack([totals, counts], axis=1)
    theirs = bootstrap(
        (totals, counts),
        lambda x, y, axis=-1: x.sum(axis=axis) / y.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=10_000,
        batch=1000,
        random_state=rng,  # newer scipys call it rng and take both
    )
    ours = interval(bootstrap_scores(MEAN, sums, resample_counts(conversations, 10_000)), conversations)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.12 * theirs.standard_error)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.12 * theirs.standard_error)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("conversations", [32, 150])
def test_nineteen_of_twenty_intervals_hold_the_true_score(conversations: int, binary: bool) -> None:
    trials = 500
    inside = [
        low <= truth(0.2, binary) <= high
        for scores, replicates in studies(trials, conversations, [0.2], binary, seed=conversations)
        for low, high in [interval(replicates[0], conversations)]
    ]
    assert within_chance(np.mean(inside), 0.95, trials)


@pytest.mark.parametrize(("clusters", "replicates"), [(1, [0.1, 0.2]), (5, [0.1, math.nan]), (5, [])])
def test_what_cannot_be_resampled_has_no_interval(clusters: int, replicates: list[float]) -> None:
    assert all(map(math.isnan, interval(np.array(replicates), clusters)))


def test_a_wider_level_gives_a_wider_interval() -> None:
    ((_, replicates),) = studies(1, 40, [0.0], binary=False)
    narrow, wide = interval(replicates[0], 40, 0.8), interval(replicates[0], 40, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("clusters", "tail"),
    # P(Z > t(0.975, c-1)·sqrt(c/(c-1))): of few conversations the ends lie further out than 2.5 %
    [(5, 0.000954), (32, 0.019126), (1855, 0.024894)],
)
def test_the_ends_of_an_interval_lie_further_out_where_conversations_are_few(
    clusters: int, tail: float
) -> None:
    found = interval(np.linspace(0, 1, 100_001), clusters)
    assert found == pytest.approx((tail, 1 - tail), abs=1e-6)


# --- paired differences ---


class Rates(NamedTuple):
    """Shares of simulated studies: called different, and whose interval holds the true difference."""

    different: float
    covered: float


def compare(trials: int, conversations: int, means: list[float], binary: bool, seed: int) -> Rates:
    difference = truth(means[0], binary) - truth(means[1], binary)
    found = [
        paired_difference(scores[0] - scores[1], replicates[0] - replicates[1], conversations)
        for scores, replicates in studies(trials, conversations, means, binary, seed)
    ]
    assert all((d.p < 0.05) == (d.low > 0 or d.high < 0) for d in found)
    return Rates(
        float(np.mean([d.p < 0.05 for d in found])),
        float(np.mean([d.low <= difference <= d.high for d in found])),
    )


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("conversations", [32, 150])
def test_equal_models_are_called_different_once_in_twenty_times(conversations: int, binary: bool) -> None:
    trials = 500
    rates = compare(trials, conversations, [0.1, 0.1], binary, seed=7 * conversations)
    assert within_chance(rates.different, 0.05, trials)
    assert within_chance(rates.covered, 0.95, trials)


@pytest.mark.parametrize("conversations", [32, 150])
def test_a_true_difference_is_seen_as_often_as_theory_says(conversations: int) -> None:
    """The difference of two means whose standard error is known, by the noncentral t distribution."""
    trials = 500
    sizes = np.array(lengths(conversations))
    stderr = math.sqrt(2 * (OF_MODEL**2 * (sizes**2).sum() + OF_TURN**2 * sizes.sum())) / sizes.sum()
    freedom = conversations - 1
    critical = t.ppf(0.975, freedom)
    for effect in (1.5, 2.8):  # in standard errors: about a third and about four fifths are seen
        power = nct.sf(critical, freedom, effect) + nct.cdf(-critical, freedom, effect)
        rates = compare(trials, conversations, [effect * stderr, 0.0], binary=False, seed=conversations)
        assert within_chance(rates.different, power, trials)
        assert within_chance(rates.covered, 0.95, trials)


def test_a_true_difference_of_zeros_and_ones_is_seen_as_often_as_theory_says() -> None:
    """As above; the standard error is that of a larger simulation, since it has no simple form."""
    trials, conversations, means = 500, 150, [0.16, 0.0]
    spread = np.std([scores[0] - scores[1] for scores, _ in studies(1000, conversations, means, True, 9)])
    effect = (truth(means[0], True) - truth(means[1], True)) / spread
    critical = t.ppf(0.975, conversations - 1)
    power = nct.sf(critical, conversations - 1, effect)
    assert 0.5 < power < 0.95
    rates = compare(trials, conversations, means, binary=True, seed=10)
    assert abs(rates.different - power) < 0.06
    assert within_chance(rates.covered, 0.95, trials)


def test_what_weighs_on_both_models_does_not_hide_their_difference() -> None:
    ((scores, replicates),) = studies(1, 150, [0.3, 0.0], binary=False)
    paired = paired_difference(scores[0] - scores[1], replicates[0] - replicates[1], 150)
    shuffled = np.random.default_rng(0).permutation(replicates[1])
    unpaired = paired_difference(scores[0] - scores[1], replicates[0] - shuffled, 150)
    assert paired.stderr < 0.8 * unpaired.stderr


def test_twins_differ_by_nothing_and_a_constant_difference_is_certain() -> None:
    same = paired_difference(0.0, np.zeros(1000), 32)
    assert (same.value, same.stderr, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 0.0, 1.0)
    assert paired_difference(0.1, np.full(1000, 0.1), 32).p == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("value", "clusters", "replicates"),
    [(math.nan, 9, [0.1, 0.2]), (0.1, 1, [0.1, 0.2]), (0.1, 9, [0.1, math.nan])],
)
def test_what_cannot_be_compared_is_never_significant(
    value: float, clusters: int, replicates: list[float]
) -> None:
    difference = paired_difference(value, np.array(replicates), clusters)
    assert math.isnan(difference.p)
    assert math.isnan(difference.low)


@pytest.mark.parametrize(
    ("clusters", "stderr"),
    [(2, 2.0), (5, 1.5811388300841898), (9, 1.5), (1855, 1.4145949062016179)],  # sqrt(2)·sqrt(c/(c-1))
)
def test_the_standard_error_makes_up_for_the_divisor_of_the_bootstrap(clusters: int, stderr: float) -> None:
    assert paired_difference(0.0, np.array([-1.0, 1.0]), clusters).stderr == pytest.approx(stderr, abs=1e-12)


@pytest.mark.parametrize(("clusters", "p"), [(2, 1 / 2), (5, 1 / 16), (6, 1 / 32), (11, 1 / 1024)])
def test_no_difference_is_surer_than_that_of_all_signs_alike(clusters: int, p: float) -> None:
    assert paired_difference(0.1, np.full(1000, 0.1), clusters).p == p


@pytest.mark.parametrize(
    ("value", "replicates", "expected"),
    [
        # A difference that is the same in every resample is 0.1, give or take the last bit.
        (0.1, [0.1, 0.1 + 2.8e-17, 0.1 - 2.8e-17], (0.1, 0.0)),
        # Two scores that are one, added up in another order.
        (5.6e-17, [5.6e-17, 0.0, -2.8e-17], (0.0, 0.0)),
        # What is small and is there stays.
        (1e-9, [1e-9, 3e-9], (1e-9, math.sqrt(2) * 1e-9 * math.sqrt(4 / 3))),
    ],
)
def test_what_rounding_leaves_is_no_difference_and_no_spread(
    value: float, replicates: list[float], expected: tuple[float, float]
) -> None:
    found = paired_difference(value, np.array(replicates), 4)
    assert (found.value, found.stderr) == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("noise", [0.0, 2.8e-17])
def test_a_width_of_nothing_tells_nothing_of_few_conversations(noise: float) -> None:
    """Where all of four conversations lost the same, the spread says nothing; a rounded nothing is nothing too."""
    found = paired_difference(-0.1, -0.1 + noise * np.array([-1.0, 1.0] * 50), 4)
    assert (found.p, math.isnan(found.high)) == (1 / 8, True)


# --- ranks ---


@pytest.mark.parametrize(("conversations", "binary"), [(32, True), (150, False)])
def test_among_equal_models_any_is_called_better_at_most_once_in_twenty_times(
    conversations: int, binary: bool
) -> None:
    trials = 500
    wrong = [
        bool((ranks(scores, replicates, conversations, 1).low > 1).any())
        for scores, replicates in studies(trials, conversations, [0.2] * 6, binary, seed=1)
    ]
    assert np.mean(wrong) <= binom.ppf(0.9995, trials, 0.05) / trials
    assert any(wrong)  # a rank that never tells models apart would pass all else


def test_clear_orders_come_out_and_ties_share_a_rank() -> None:
    ((scores, replicates),) = studies(1, 150, [1.0, 3.0, 2.0, 2.02], binary=False)
    places = ranks(scores, replicates, 150, 1)
    assert places.low.tolist() == [4, 1, 2, 2]
    assert places.high.tolist() == [4, 1, 3, 3]


def test_where_lower_is_better_the_order_is_reversed() -> None:
    ((scores, replicates),) = studies(1, 150, [1.0, 3.0, 2.0], binary=False)
    places = ranks(scores, replicates, 150, -1)
    assert places.low.tolist() == places.high.tolist() == [1, 3, 2]


def test_a_twin_ties_with_its_twin_and_stands_where_it_stands() -> None:
    ((scores, replicates),) = studies(1, 150, [1.0, 2.0], binary=False)
    places = ranks(scores[[0, 1, 1]], replicates[[0, 1, 1]], 150, 1)
    assert places.low.tolist() == [3, 1, 1]
    assert places.high.tolist() == [3, 2, 2]


def test_ranks_say_what_paired_differences_say() -> None:
    for scores, replicates in studies(20, 60, [0.0, 0.1, 0.2, 0.3], binary=False):
        pairs = list(itertools.combinations(range(4), 2))
        found = [
            paired_difference(scores[a] - scores[b], replicates[a] - replicates[b], 60) for a, b in pairs
        ]
        adjusted = holm([d.p for d in found])
        worse_than = [0] * 4
        for (a, b), difference, p in zip(pairs, found, adjusted, strict=True):
            if p < 0.05:
                worse_than[a if difference.value < 0 else b] += 1
        assert ranks(scores, replicates, 60, 1).low.tolist() == [1 + n for n in worse_than]


def test_models_in_another_order_have_the_same_places() -> None:
    ((scores, replicates),) = studies(1, 60, [0.0, 0.1, 0.3, 0.5], binary=False)
    order = [2, 0, 3, 1]
    first, second = ranks(scores, replicates, 60, 1), ranks(scores[order], replicates[order], 60, 1)
    assert first.low[order].tolist() == second.low.tolist()
    assert first.high[order].tolist() == second.high.tolist()


@pytest.mark.parametrize(("models", "clusters"), [(1, 30), (3, 1), (0, 30)])
def test_without_pairs_or_conversations_all_places_are_open(models: int, clusters: int) -> None:
    places = ranks(np.arange(models, dtype=float), np.zeros((models, 1000)), clusters, 1)
    assert places.low.tolist() == [1] * models
    assert places.high.tolist() == [models] * models


@pytest.mark.parametrize(
    ("ahead", "last"),
    # six conversations: t(0.975, 5)·sqrt(2)·sqrt(6/5) is 3.98, without the last factor it were 3.64
    [(3.8, 1), (4.1, 2)],
)
def test_of_few_conversations_models_share_a_rank_for_longer(ahead: float, last: int) -> None:
    places = ranks(np.array([ahead, 0.0]), np.array([[ahead - 1, ahead + 1], [0.0, 0.0]]), 6, 1)
    assert places.low.tolist() == [1, last]


@pytest.mark.parametrize(("clusters", "last"), [(5, 1), (6, 2)])
def test_models_that_always_differ_by_the_same_are_told_apart_from_six_conversations_on(
    clusters: int, last: int
) -> None:
    """Five signs that are alike happen once in sixteen times."""
    replicates = np.array([np.linspace(0, 1, 100), np.linspace(0, 1, 100) - 0.5])
    assert ranks(np.array([0.5, 0.0]), replicates, clusters, 1).low.tolist() == [1, last]


@pytest.mark.parametrize("conversations", [2, 3, 4, 5, 6, 12, 32])
def test_an_adjusted_interval_never_says_another_thing_than_its_p_value(conversations: int) -> None:
    """Neither for few conversations, whose p-value has a floor, nor where nothing varies."""
    rng = np.random.default_rng(conversations)
    told = set()
    for _ in range(200):
        differences = [
            paired_difference(float(rng.normal(0, 2)), rng.normal(0, spread, 1000), conversations)
            for spread in (*rng.uniform(0.2, 2, size=12), 0.0)
        ]
        found = simultaneous(differences, [conversations] * 13, [2.0] * 4 + [1.0] * 9)
        expected = holm([d.p for d in differences], [2.0] * 4 + [1.0] * 9)
        assert [each.p for each in found] == pytest.approx(expected.tolist())
        for alone, (difference, p) in zip(differences, found, strict=True):
            if math.isnan(difference.low):
                assert p >= 0.05
                continue
            assert (difference.low > 0 or difference.high < 0) == (p < 0.05)
            assert difference.high - difference.low >= alone.high - alone.low or math.isnan(alone.low)
            told.add(p < 0.05)
    assert told == (
        {False} if conversations < 9 and 2.0 ** (1 - conversations) * 13 >= 0.05 else {True, False}
    ) or (conversations <= 4 and not told)


def test_weights_of_holm_pass_on_what_they_do_not_need() -> None:
    """Holm 1979, section 4: two tests with half of alpha, of which the first is real."""
    assert holm([0.01, 0.04], [0.5, 0.5]).tolist() == pytest.approx([0.02, 0.04])
    assert holm([0.01, 0.04], [0.9, 0.1]).tolist() == pytest.approx([0.01 / 0.9, 0.04])

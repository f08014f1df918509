"""Intervals of scores: literal cases, and how often they hold the truth of simulated studies."""

from __future__ import annotations

import importlib.util
import math
from types import ModuleType

import numpy as np
import pytest

from csc_tasks.metrics.divergence import CorrectedPreference, CorrectedShares, CorrectedTransitions
from csc_tasks.metrics.intervals import score_interval, share_interval
from csc_tasks.metrics.judge.pairs import Outcome, compare, rate
from csc_tasks.metrics.strategy import JensenShannon, StrategyInvalid
from csc_tasks.metrics.uncertainty import bootstrap_scores, resample_counts
from tests.paths import ROOT


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_tool", ROOT / "tools" / "coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("share", "clusters", "turns", "low", "high"),
    [
        # Nothing seen in 407 turns of 32 conversations: as of sqrt(407 * 32) = 114 independent ones.
        (0.0, 32, 407, 0.0, 0.0352),
        (1.0, 32, 407, 0.9648, 1.0),
        (0.0, 1855, 25810, 0.0, 0.000556),
        (1.0, 20, 20, 0.8203, 1.0),  # 20 of 20, each in a conversation of its own
    ],
)
def test_what_was_never_seen_has_a_bound(
    share: float, clusters: int, turns: int, low: float, high: float
) -> None:
    found = share_interval(share, 0.0, clusters, turns)
    assert found.low == pytest.approx(low, rel=2e-3)
    assert found.high == pytest.approx(high, rel=2e-3)


def test_turns_that_are_alike_say_less_and_rounding_is_no_spread() -> None:
    independent = 0.4 * 0.6 / 400
    narrow, wide = (share_interval(0.4, factor * independent, 32, 400) for factor in (1.0, 4.0))
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(2, rel=0.05)
    assert share_interval(0.0, 2.8e-17, 32, 400) == share_interval(0.0, 0.0, 32, 400)


def test_the_interval_of_a_share_is_that_of_the_metrics_own_sums() -> None:
    metric = StrategyInvalid()
    sums = np.array([[0.0, 13.0]] * 32)
    drawn = bootstrap_scores(metric, sums, resample_counts(32))
    low, high = score_interval(metric, 0.0, drawn, 32, metric.observations(sums))
    assert (low, high) == share_interval(0.0, 0.0, 32, 416)
    assert math.isnan(score_interval(metric, 0.0, drawn, 1, 13).low)


def test_who_won_everything_might_have_lost_the_next() -> None:
    won = [Outcome.WIN] * 20
    names = [f"c{i}" for i in range(20)]
    result = compare(won, names, [None] * 20)
    assert (result.win_rate, result.high) == (1.0, 1.0)
    assert 0.8 < result.low < 0.85
    ratings = rate(
        {pair: list(zip(names, won, strict=True)) for pair in (("a", "b"), ("b", "c"), ("a", "c"))}
    )
    assert ratings.models == ("a", "b", "c")
    assert ratings.rating[0] > ratings.rating[1] > ratings.rating[2]
    assert all(high - low > 200 for low, high in zip(ratings.low, ratings.high, strict=True))
    two = rate({("a", "b"): list(zip(names, won, strict=True))})
    assert two.rating[0] - two.rating[1] == pytest.approx(400 * math.log10(20.25 / 0.25))


def _labelled(conversations: int, copies: int = 1) -> list[list[object]]:
    """Labels whose gold and predicted shares are the same in truth; whole conversations several times over."""
    rng = np.random.default_rng(3)
    turns = [
        (conversation, position, int(gold), int(predicted))
        for conversation in range(conversations)
        for position, (gold, predicted) in enumerate(rng.integers(0, 12, size=(13, 2)))
    ]
    return [[f"{copy}-{c}", position, *two] for copy in range(copies) for c, position, *two in turns]


def test_what_chance_adds_is_taken_away() -> None:
    items = _labelled(32)
    bare = [[conversation, *two] for conversation, _, *two in items]
    plain = JensenShannon().score([two for _, _, *two in items])
    assert plain > 0.008
    assert CorrectedShares().score(bare) < plain / 2
    assert CorrectedTransitions().score(items) < 0.02
    assert CorrectedPreference().score(bare) < 0.2


def test_the_same_shares_have_the_same_preference_whatever_the_number_of_turns() -> None:
    metric = CorrectedPreference()
    sums = metric.statistics([[c, g, min(p, 3)] for c, _, g, p in _labelled(32)]).sum(axis=0)  # type: ignore[type-var]
    spread = metric.from_sums(sums)
    for times in (4, 58):
        assert metric.from_sums(times * sums) == pytest.approx(spread, rel=1e-12)


def test_a_linked_metric_finds_its_transitions_in_any_order_of_the_turns() -> None:
    items = _labelled(8)
    items[5][3] = -1
    mixed = [items[i] for i in np.random.default_rng(0).permutation(len(items))]
    metric = CorrectedTransitions()
    assert metric.score(mixed) == metric.score(items)
    counts = metric.statistics(items).sum(axis=0)
    assert (counts[:36].sum(), counts[36:].sum()) == (8 * 12, 8 * 12 - 2)


@pytest.mark.parametrize(
    "kind", ["a share of 0.17 %", "a share of 97 %", "share JSD", "macro F1", "judge grade"]
)
def test_intervals_of_few_conversations_hold_the_truth_as_often_as_they_say(
    tool: ModuleType, kind: str
) -> None:
    metric, draw = tool.kinds()[kind]
    assert tool.within(tool.coverage(metric, draw, 32, 120), 120)


@pytest.mark.slow
@pytest.mark.parametrize(("conversations", "studies"), [(32, 300), (128, 200), (1855, 100)])
@pytest.mark.parametrize("kind", ["share JSD", "share JSD, small", "transition JSD", "a share of 1 %"])
def test_corrected_intervals_hold_the_truth_at_every_size(
    tool: ModuleType, kind: str, conversations: int, studies: int
) -> None:
    metric, draw = tool.kinds()[kind]
    assert tool.within(tool.coverage(metric, draw, conversations, studies), studies)


@pytest.mark.slow
def test_win_rates_and_ratings_hold_the_truth_as_often_as_they_say(tool: ModuleType) -> None:
    for strengths in ((0.8, 0.3, 0.0), (3.0, 0.0, -1.0)):
        assert all(tool.within(rate, 100) for rate in tool.contest(strengths, 32, 100))

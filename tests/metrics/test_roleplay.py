"""Scores of role-plays against plain recomputation, and what an item may be."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest
from scipy.spatial.distance import jensenshannon

from csc_tasks.framework import Strategy
from csc_tasks.metrics import clustered_stderr, metric_named
from csc_tasks.metrics.published_shares import PUBLISHED_SHARES
from csc_tasks.metrics.roleplay import RolePlayFigures, role_play_metrics

PLAYED = RolePlayFigures(
    played=True,
    ended="resolved",
    resolved_at=4,
    all_resolved=True,
    strategies=(0, 1, 3, 6, 10),
    needed=3,
    asked=2,
    invented=1,
    broken=False,
    verified_first=True,
    repeated=1,
    mood=4,
)
GAVE_UP = replace(
    PLAYED, ended="gave_up", resolved_at=0, all_resolved=False, strategies=(0, 4, -1, 4), asked=0, invented=0,
    broken=True, verified_first=None, repeated=2, mood=1,
)  # fmt: skip
LOST = replace(PLAYED, played=False)
METRICS = role_play_metrics()


def score(name: str, *figures: RolePlayFigures) -> float:
    metric = METRICS[name]
    items = [metric.item(f) for f in figures]
    assert all(metric.accepts(item) for item in items)
    return metric.score(items)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resolved", 1 / 2), ("pass_k", 1 / 2), ("facts_asked", 2 / 6), ("promises_broken", 1 / 2),
        ("facts_invented", 1 / 9), ("verified_first", 1.0), ("turns_to_resolution", 4.0), ("role_play_turns", 4.5),
        ("customer_mood", 2.5), ("ended_content", 1 / 2), ("ended_gave_up", 1 / 2), ("ended_out_of_scope", 0.0),
        ("ended_open", 0.0), ("stage_coverage", (4 / 5 + 2 / 5) / 2), ("stage_order", 6 / 6), ("labels_unread", 1 / 9),
        ("repetition", 3 / 9), ("customer_coverage", 2 / 3),
    ],
)  # fmt: skip
def test_scores_by_hand_and_what_was_not_played_counts_nowhere_but_in_the_coverage(
    name: str, expected: float
) -> None:
    assert score(name, PLAYED, GAVE_UP, LOST) == pytest.approx(expected)


def test_the_distance_from_csconvs_shares_is_that_of_scipy() -> None:
    groups = [set(places) for places, _ in PUBLISHED_SHARES]
    rest = set(range(12)) - set().union(*groups)
    published = [share for _, share in PUBLISHED_SHARES]
    used = [*PLAYED.strategies, *GAVE_UP.strategies]
    counts = [sum(n in group for n in used) for group in [*groups, rest]]
    expected = jensenshannon([c / sum(counts) for c in counts], [*published, 1 - sum(published)], base=2) ** 2
    assert score("strategy_jsd_csconv", PLAYED, GAVE_UP) == pytest.approx(expected)
    assert math.isnan(score("strategy_jsd_csconv", LOST))


def test_of_nothing_every_score_is_unknown_and_none_is_zero() -> None:
    assert all(math.isnan(score(name, LOST)) for name in METRICS if name != "customer_coverage")


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("resolved", 2), ("resolved", "1"), ("resolved", None), ("facts_asked", [3, 2]), ("facts_asked", [1.0, 2]),
        ("facts_asked", 1.0), ("turns_to_resolution", 26), ("strategy_jsd_csconv", [0] * 11), ("customer_mood", 0.5),
        ("strategy_jsd_csconv", [-1] * 12), ("customer_coverage", []),
    ],
)  # fmt: skip
def test_what_no_role_play_can_have_is_no_item(name: str, item: Any) -> None:
    assert not METRICS[name].accepts(item)


def test_sums_and_errors_are_those_of_cards_as_clusters() -> None:
    rng = random.Random(3)
    figures = [replace(rng.choice([PLAYED, GAVE_UP]), repeated=rng.randrange(4)) for _ in range(60)]
    cards = [f"c{n % 12}" for n in range(60)]
    metric = METRICS["resolved"]
    items = [metric.item(f) for f in figures]
    error = clustered_stderr(metric, items, cards)
    assert 0 < error < 0.2
    assert metric.score(items) == pytest.approx(sum(f.resolved_at > 0 for f in figures) / 60)


def test_every_score_is_found_by_its_name_and_is_told_from_sums() -> None:
    for name in METRICS:
        found = metric_named(name)
        assert found is not None
        assert found.info.title == METRICS[name].info.title
    assert "pass_k" not in role_play_metrics(1)
    assert "pass_k" in role_play_metrics(4)


def test_published_shares_are_of_the_strategies_that_the_paper_names() -> None:
    from csc_tasks.data.published import KNOWN_SHARES

    assert [known.name for known in KNOWN_SHARES] == [
        "信息传达", "情感管理", "提供建议", "其它", "礼貌问候+确认身份+感谢与告别",
    ]  # fmt: skip
    assert all(Strategy.from_index(n) for places, _ in PUBLISHED_SHARES for n in places)

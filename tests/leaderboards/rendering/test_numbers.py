"""How a number is printed, whoever prints it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from csc_tasks.leaderboards.rendering.numbers import (
    difference_interval,
    fixed,
    in_percent,
    interval,
    number,
    p_value,
)
from csc_tasks.metrics.comparison import Difference, simultaneous


@pytest.mark.parametrize(
    ("value", "percent", "signed", "text"),
    [
        (0.4258, True, False, "42.6"),
        (1.0, True, False, "100.0"),
        (3.456, False, False, "3.46"),  # a grade, a ratio
        (-0.031, True, False, "−3.1"),  # a minus sign, not a hyphen
        (-0.031, True, True, "−3.1"),
        (0.031, True, True, "+3.1"),
        (0.0, True, True, "0.0"),
        (-0.0, True, False, "0.0"),
        (-0.0004, True, True, "0.0"),  # what rounds to zero has no sign
        (-0.004, False, False, "0.00"),
        (-0.006, False, False, "−0.01"),
        (None, True, False, "–"),
        (math.nan, False, False, "–"),
        (math.inf, True, True, "–"),
    ],
)
def test_a_score_has_the_digits_of_its_unit_and_one_kind_of_minus(
    value: float | None, percent: bool, signed: bool, text: str
) -> None:
    assert number(value, percent, signed) == text


@pytest.mark.parametrize(
    ("low", "high", "signed", "text"),
    [
        (0.391, 0.46, False, "[39.1, 46.0]"),
        (-0.021, 0.004, True, "[−2.1, +0.4]"),
        (None, 0.5, False, "–"),
        (0.5, math.nan, False, "–"),
    ],
)
def test_an_interval_is_in_brackets_and_needs_both_ends(
    low: float | None, high: float | None, signed: bool, text: str
) -> None:
    assert interval(low, high, True, signed) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0004, "<0.001"),
        (0.001, "0.001"),
        (0.0496, "0.0496"),
        (0.04996, "<0.050"),
        (0.05, "0.050"),
        (0.05004, ">0.050"),
        (1.0, "1.000"),
        (math.nan, "–"),
    ],
)
def test_a_small_p_value_is_not_told_more_exactly_than_it_is_known(p: float, text: str) -> None:
    assert p_value(p) == text


@pytest.mark.parametrize(("value", "digits", "text"), [(8.125, 2, "8.12"), (-0.4, 0, "0"), (99.6, 0, "100")])
def test_other_numbers_have_the_decimals_that_are_asked_for(value: float, digits: int, text: str) -> None:
    assert fixed(value, digits) == text


@pytest.mark.parametrize(
    ("metric", "percent"),
    [
        ("strategy_acc", True),
        ("bleu_4_char", True),
        ("length_ratio", False),
        ("judge_overall", False),
        ("judge_coverage", True),
        ("judge_of_my_own", False),
        ("", True),
    ],
)
def test_which_metrics_are_shares(metric: str, percent: bool) -> None:
    assert in_percent(metric) is percent


@pytest.mark.parametrize(
    ("low", "high", "metric", "shown"),
    [
        (-1.032, -0.939, "facts_asked", "[−100.0, −93.9]"),
        (0.5, 1.2, "resolved", "[+50.0, +100.0]"),
        (-9.0, 3.0, "customer_mood", "[−4.00, +3.00]"),
        (float("nan"), float("nan"), "resolved", "–"),
    ],
)
def test_a_difference_is_no_wider_than_two_scores_can_lie_apart(
    low: float, high: float, metric: str, shown: str
) -> None:
    assert difference_interval(low, high, metric) == shown


def test_an_interval_and_a_p_value_never_contradict_each_other_in_print() -> None:
    """Of thousands of families, many at the edge of what is told from chance: both leave out nothing, or neither."""
    rng = np.random.default_rng(11)
    seen = {True: 0, False: 0}
    for _ in range(400):
        size, clusters = int(rng.integers(1, 12)), int(rng.integers(3, 200))
        scale = 10 ** rng.uniform(-6, -1)
        edge = t.ppf(1 - 0.025 / size, clusters - 1)
        differences = []
        for _ in range(size):
            stderr = scale * rng.uniform(0.5, 2)
            value = stderr * rng.choice([edge * (1 + rng.normal(0, 0.002)), rng.normal(0, 3)])
            p = max(2 * t.sf(abs(value) / stderr, clusters - 1), 2.0 ** (1 - clusters))
            half = t.ppf(0.975, clusters - 1) * stderr
            differences.append(Difference(value, stderr, value - half, value + half, p))
        weights = list(rng.choice([0.5, 1.0], size))
        for each, p in simultaneous(differences, [clusters] * size, weights):
            shown = difference_interval(each.low, each.high, "strategy_acc")
            if shown == "–":
                continue
            low, high = (float(end.replace("−", "-")) for end in shown.strip("[]").split(", "))
            printed = p_value(p)
            told = printed.startswith("<") or (not printed.startswith(">") and float(printed) < 0.05)
            assert (low > 0 or high < 0) is told, (shown, printed, each, p)
            seen[told] += 1
    assert min(seen.values()) > 300

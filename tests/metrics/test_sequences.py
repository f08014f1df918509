"""Runs of one strategy and moves between stages, against hand-computed cases."""

from __future__ import annotations

import pytest
from scipy.spatial.distance import jensenshannon

from csc_tasks.metrics.sequences import LongestRun, StageTransitions
from tests.metrics.test_strategy import GOLD, score, turns_of


def test_longest_run_is_averaged_over_conversations_and_broken_by_unreadable_labels() -> None:
    conversations = ["a"] * 5 + ["b"] * 3
    predicted = [6, 6, -1, 6, 5, 3, 3, 3]
    assert score(LongestRun(), [0] * 8, predicted, conversations) == pytest.approx((2 + 3) / 2)


def test_longest_run_does_not_depend_on_the_order_of_the_log() -> None:
    items = LongestRun().items(turns_of([0] * 4, [6, 6, 5, 6]))
    assert LongestRun().score(items[::-1]) == LongestRun().score(items) == 2.0


def test_transitions_are_counted_between_neighbouring_turns_of_one_conversation() -> None:
    items = [
        *(["a", 0, 0, 0], ["a", 1, 3, 3], ["a", 2, 7, -1]),
        *(["b", 0, 0, 0], ["b", 1, 10, 10]),
        *(["c", 0, 5, 5], ["c", 2, 6, 6]),  # the turn between them was not evaluated
    ]
    # Gold 0→2, 2→3, 0→4; predicted the first and the last of them, for the third label is unreadable.
    expected = jensenshannon([1, 0, 1], [1, 1, 1], base=2) ** 2
    assert StageTransitions().score(items) == pytest.approx(expected)


def test_a_transition_has_a_direction() -> None:
    forth, back = ["a", 0, 0, 6], ["a", 1, 6, 0]
    assert StageTransitions().score([forth, back]) == pytest.approx(1.0)


def test_a_gold_answer_has_no_transition_divergence() -> None:
    assert score(StageTransitions(), GOLD, GOLD) == pytest.approx(0.0)

"""Role-plays in a log: which trials are there, and where one does not hang together."""

from __future__ import annotations

from typing import Any

import pytest

from csc_tasks.results.role_play_log import faults_in_words, role_plays_in

CASE = {
    "who": "a", "scenario": "b", "goal": "c", "satisfied": "d", "system_information": [], "facts": ["e"],
}  # fmt: skip
FIRST: dict[str, Any] = {"case": CASE, "heard": {"text": "f"}}
LAST: dict[str, Any] = {"outcome": {"end": "resolved", "resolved_at": 2}}


def trial(number: int) -> list[dict[str, Any]]:
    return [{"trial": number, **FIRST}, {"trial": number, **LAST}]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([*trial(0), *trial(7)], "card x was to be played 2 times, and there are turns of trial 1, 8"),
        (trial(0), "card x was to be played 2 times, and there are turns of trial 1"),
        ([], "card x was to be played 2 times, and there are turns of trial none"),
        ([*trial(0), *trial(1), *trial(2)], "card x was to be played 2 times, and there are turns of trial 1, 2, 3"),
        ([*trial(0), *trial(1)[1:]], "trial 2 of card x: its first turn does not say what is played"),
        ([*trial(0), *trial(1)[:1]], "trial 2 of card x: its last turn does not say how it ended"),
        (
            [*trial(0), {"trial": 1, "case": CASE}, {"trial": 1, **LAST}],
            "trial 2 of card x: nobody answers turn 1, and it goes on",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_with_trials_counted_from_1(
    records: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        list(role_plays_in("x", "y", 2, records))


def test_whole_trials_come_in_order_whatever_the_order_of_their_lines() -> None:
    played = list(role_plays_in("x", "y", 2, [*trial(1), *trial(0)]))
    assert [(each.trial, len(each.turns), each.mood) for each in played] == [(0, 2, 3), (1, 2, 3)]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("needed (empty 1, own_error 24)", "needed (it said nothing: 1, its server failed: 24)"),
        ("a refused offer", "a refused offer"),
        ("unempty 1", "unempty 1"),
    ],
)
def test_only_counted_faults_are_put_in_words(reason: str, words: str) -> None:
    assert faults_in_words(reason) == words

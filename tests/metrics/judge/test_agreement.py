from __future__ import annotations

import numpy as np
import pytest

from csc_tasks.metrics.judge import JudgeError, Status, Verdict, load_rubric
from csc_tasks.metrics.judge.agreement import (
    Place,
    agreement,
    read_verdicts,
)
from csc_tasks.metrics.judge.verdict import SILENT

RUBRIC = load_rubric("turn-zh-1")


def verdicts(grades: list[int]) -> dict[Place, Verdict]:
    scores = [{**{d.name: g for d in RUBRIC.scales}, "resolved_step": g > 2} for g in grades]
    return {(f"c{i // 4}", i % 4): Verdict(Status.SCORED, s) for i, s in enumerate(scores)}


def rated(grades: list[int], column: str = "empathy") -> dict[Place, dict[str, str]]:
    return {(f"c{i // 4}", i % 4): {column: str(g)} for i, g in enumerate(grades)}


def test_a_judge_that_says_what_people_say_agrees_fully() -> None:
    grades = [1, 2, 3, 4, 5, 3, 2, 5, 4, 1, 2, 3]
    (found,) = agreement(RUBRIC, verdicts(grades), {"": rated(grades)})
    assert (found.dimension, found.items, found.ratings) == ("empathy", 12, 12)
    assert (found.kappa, found.spearman, found.alpha) == pytest.approx((1.0, 1.0, 1.0))
    assert found.bias == 0
    assert np.trace(np.array(found.confusion)) == 12
    assert found.human_alpha != found.human_alpha  # one rater has nobody to agree with


def test_a_judge_that_is_too_kind_shows_in_the_bias() -> None:
    people = [1, 2, 3, 4, 3, 2, 1, 4]
    raters = {"甲": rated(people), "乙": rated([*people[:7], 3])}
    (found,) = agreement(RUBRIC, verdicts([g + 1 for g in people]), raters)
    assert found.ratings == 16
    assert found.bias == pytest.approx(1 + 0.5 / 8)
    assert found.spearman > 0.95
    assert 0 < found.kappa < 0.8
    assert found.human_alpha > 0.95 > found.alpha
    assert 0 < found.error < 0.5


def test_alpha_is_krippendorffs_own_example() -> None:
    # Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section E: ordinal alpha 0.815.
    table = """1 2 3 3 2 1 4 1 2 . . .
               1 2 3 3 2 2 4 1 2 5 . 3
               . 3 3 3 2 3 4 2 2 5 1 .
               1 2 3 3 2 4 4 1 2 5 1 ."""
    rows = [row.split() for row in table.splitlines()]
    people = {
        str(r): {("c", i): {"empathy": v} for i, v in enumerate(row) if v != "."}
        for r, row in enumerate(rows)
    }
    judge = {("c", i): Verdict(Status.SCORED, {d.name: 3 for d in RUBRIC.dimensions}) for i in range(12)}
    (found,) = agreement(RUBRIC, judge, people)
    assert found.human_alpha == pytest.approx(0.815, abs=5e-4)


def test_yes_and_no_are_read_however_they_are_written() -> None:
    said = ["是", "no", "TRUE", "0", "yes", "否"]
    ratings = {("c0", i): {"resolved_step": s} for i, s in enumerate(said[:4])}
    (found,) = agreement(RUBRIC, verdicts([3, 1, 4, 2]), {"": ratings})
    assert found.kappa == 1.0
    assert found.confusion == ((2, 0), (0, 2))


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ({"empathy": "6"}, "rating of c0, turn 0 by 甲: empathy is '6', not 1 to 5"),
        ({"empathy": "3.5"}, "empathy is '3.5', not 1 to 5"),
        ({"resolved_step": "maybe"}, "resolved_step is 'maybe', not yes or no"),
        ({"warmth": "3"}, "no column of turn-zh-1: strategy_alignment"),
    ],
)
def test_a_rating_that_does_not_fit_is_named(ratings: dict[str, str], message: str) -> None:
    with pytest.raises(JudgeError, match=message):
        agreement(RUBRIC, verdicts([3]), {"甲": {("c0", 0): ratings}})


def test_ratings_of_other_turns_are_an_error() -> None:
    with pytest.raises(JudgeError, match="no rated turn has a verdict"):
        agreement(RUBRIC, verdicts([3]), {"": {("c9", 0): {"empathy": "3"}}})


def test_verdicts_of_another_rubric_are_an_error() -> None:
    other = {("c0", 0): Verdict(Status.SCORED, {"needs_identified": 3})}
    with pytest.raises(JudgeError, match="not of rubric turn-zh-1: one has None for empathy"):
        agreement(RUBRIC, other, {"": rated([3])})


def test_silence_says_nothing_about_the_judge_who_was_not_asked() -> None:
    given = verdicts([1, 2, 3, 4])
    given["c9", 0] = Verdict(Status.SCORED, given["c0", 0].scores, flags=(SILENT,))
    (found,) = agreement(RUBRIC, given, {"": {**rated([1, 2, 3, 4]), ("c9", 0): {"empathy": "5"}}})
    assert (found.items, found.kappa) == (4, 1.0)


def test_of_several_verdicts_on_a_turn_the_last_scored_one_counts() -> None:
    first, second = verdicts([2]).popitem()[1], verdicts([4]).popitem()[1]
    place = {"conversation": "c0", "turn": 0}
    records = [
        {**place, **first.record()},
        {**place, **second.record()},
        {**place, **Verdict(Status.FAILED).record()},
        {"torn": True},
    ]
    assert read_verdicts(records) == {("c0", 0): second}

from __future__ import annotations

import math

import pytest

from csc_tasks.data.sampling import stratified
from csc_tasks.metrics.judge import Status, Verdict, load_rubric
from csc_tasks.metrics.judge.scores import judge_metrics, known_columns

RUBRIC = load_rubric("turn-zh-1")
NAMES = [d.name for d in RUBRIC.scales]


def verdict(grade: int, resolved: bool = True) -> Verdict:
    return Verdict(Status.SCORED, {**dict.fromkeys(NAMES, grade), "resolved_step": resolved})


def test_only_what_is_scored_enters_a_mean_and_the_rest_lowers_the_coverage() -> None:
    verdicts = [verdict(5), verdict(2, False), Verdict(Status.FAILED), Verdict(Status.REFUSED)]
    values = {m.info.name: m.score([m.item(v) for v in verdicts]) for m in judge_metrics(RUBRIC, 0.5)}
    assert values["judge_empathy"] == values["judge_overall"] == 3.5
    assert values["judge_resolved_step"] == 0.5
    assert values["judge_coverage"] == 0.5


def test_below_the_threshold_scores_are_withheld_and_the_coverage_is_not() -> None:
    verdicts = [verdict(5), verdict(2), Verdict(Status.FAILED)]
    values = {m.info.name: m.score([m.item(v) for v in verdicts]) for m in judge_metrics(RUBRIC, 0.98)}
    assert values.pop("judge_coverage") == pytest.approx(2 / 3)
    assert all(map(math.isnan, values.values()))


def test_a_dimension_of_the_users_own_is_a_column_before_the_coverage() -> None:
    names = ["bleu_2", "judge_coverage", "judge_brevity", "judge_overall", "judge_empathy"]
    assert list(known_columns(names)) == ["judge_overall", "judge_empathy", "judge_brevity", "judge_coverage"]


def test_a_sample_gives_each_stratum_its_share() -> None:
    units = [(i, "abc"[min(i // 50, 2)]) for i in range(200)]  # 50, 50, 100
    sample = stratified(units, 40)
    assert [sum(lo <= u < hi for u in sample) for lo, hi in ((0, 50), (50, 100), (100, 200))] == [10, 10, 20]
    assert stratified(reversed(units), 40) == sample
    assert stratified(units, 200) == stratified(units, 999) == set(range(200))
    assert len(stratified(units, 7)) == 7
    assert stratified([], 5) == set()

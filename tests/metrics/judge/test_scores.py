from __future__ import annotations

import math

import pytest

from csc_tasks.metrics.judge import Kind, Status, Verdict, load_rubric, shipped_rubrics
from csc_tasks.metrics.judge.scores import judge_metrics, known_columns

RUBRIC = load_rubric("turn-zh-2")
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


def test_every_shipped_rubrics_columns_are_known_in_its_own_order_and_a_name_is_of_one_kind() -> None:
    kinds: dict[str, Kind] = {}
    for name in shipped_rubrics():
        rubric = load_rubric(name)
        columns = [m.info.name for m in judge_metrics(rubric)]
        assert list(known_columns(sorted(columns))) == columns, name
        for dimension in rubric.dimensions:
            assert kinds.setdefault(dimension.name, dimension.kind) is dimension.kind


def test_a_question_that_changed_has_a_column_of_another_name() -> None:
    earlier, now = ({m.info.name for m in judge_metrics(load_rubric(n))} for n in ("turn-zh-1", "turn-zh-2"))
    assert earlier - now == {"judge_strategy_alignment", "judge_factual_restraint"}
    assert now - earlier == {"judge_strategy_choice", "judge_strategy_execution", "judge_groundedness"}


def test_the_mean_of_all_dimensions_counts_choice_and_execution_each() -> None:
    grades = dict(zip(NAMES, (1, 4, 4, 4, 4, 4), strict=True))
    given = Verdict(Status.SCORED, {**grades, "resolved_step": True})
    (overall,) = (m for m in judge_metrics(RUBRIC) if m.info.name == "judge_overall")
    assert overall.item(given) == 3.5

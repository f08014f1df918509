"""How many ratings a difference needs: the promised power is what studies of that size have under the test we make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from csc_tasks.metrics.base import MeanMetric, MetricInfo, Needs
from csc_tasks.metrics.comparison import paired_difference
from csc_tasks.metrics.rating_power import MOST_ITEMS, RatingPlan, items_needed, power_of, ratings_of
from csc_tasks.metrics.reliability import krippendorff_alpha
from csc_tasks.metrics.uncertainty import bootstrap_scores, resample_counts, sums_of


class _Mean(MeanMetric):
    info = MetricInfo("mean", "Mean", Needs.JUDGE, 1, "of values")


GRADES = RatingPlan(pairs=False, difference=0.4, agreement=0.5)
PAIRS = RatingPlan(pairs=True, difference=0.12, agreement=0.4)


@pytest.mark.parametrize(
    ("plan", "raters"),
    [
        (GRADES, 3),
        (replace(PAIRS, models=3), 2),
        pytest.param(GRADES, 1, marks=pytest.mark.slow),
        pytest.param(replace(GRADES, per_conversation=4, conversation=0.5), 2, marks=pytest.mark.slow),
    ],
)
def test_studies_of_the_size_that_is_named_find_the_difference_as_often_as_promised(
    plan: RatingPlan, raters: int
) -> None:
    needed = items_needed(plan, raters)
    assert needed.items is not None
    assert 0.8 <= needed.power < 0.83
    luck = np.random.default_rng(1)
    conversations = needed.items // plan.per_conversation
    clusters = [f"{i // plan.per_conversation:05}" for i in range(needed.items)]
    found, studies = 0, 250
    for _ in range(studies):
        ratings = ratings_of(plan, raters, conversations, luck).mean(axis=1)
        values = ratings[0] - 0.5 if plan.pairs else ratings[0] - ratings[1]
        sums = sums_of(_Mean(), values.tolist(), clusters)
        replicates = bootstrap_scores(_Mean(), sums, resample_counts(conversations))
        found += (
            paired_difference(float(values.mean()), replicates, conversations).p * plan.comparisons < 0.05
        )
    assert 0.73 < found / studies < 0.88


@pytest.mark.parametrize("agreement", [0.2, 0.7])
@pytest.mark.parametrize("plan", [GRADES, PAIRS])
def test_simulated_raters_agree_as_the_plan_says_and_differ_by_what_it_says(
    plan: RatingPlan, agreement: float
) -> None:
    ratings = ratings_of(replace(plan, agreement=agreement), 3, 8000, np.random.default_rng(4))
    assert krippendorff_alpha(np.concatenate(list(ratings), axis=1)) == pytest.approx(agreement, abs=0.02)
    if plan.pairs:
        assert ratings.mean() == pytest.approx(0.62, abs=0.01)
    else:
        assert ratings[0].mean() - ratings[1].mean() == pytest.approx(0.4, abs=0.03)
        # Agreement is the worth's share of the variance, but for rounding.
        assert 0.7**2 / ratings[0].var() == pytest.approx(agreement, abs=0.08)


def test_more_raters_more_agreement_and_larger_differences_need_fewer_items() -> None:
    def items(plan: RatingPlan, raters: int = 2) -> int:
        found = items_needed(plan, raters).items
        assert found is not None
        return found

    assert items(GRADES, 1) > items(GRADES, 2) > items(GRADES, 5)
    assert items(replace(GRADES, agreement=0.3)) > items(GRADES) > items(replace(GRADES, agreement=0.8))
    assert items(PAIRS, 1) > items(PAIRS, 3)
    assert items(replace(PAIRS, difference=0.05)) > 4 * items(PAIRS)
    assert items(replace(PAIRS, models=5)) > items(PAIRS)
    assert items(replace(GRADES, per_conversation=8)) > items(GRADES)


def test_what_would_need_more_than_anybody_rates_is_not_given_a_number() -> None:
    needed = items_needed(replace(PAIRS, difference=0.001), 1)
    assert (needed.items, needed.ratings) == (None, None)
    assert needed.power < 0.8
    assert power_of(PAIRS, 1, 3) == 0
    assert power_of(replace(PAIRS, difference=0.45), MOST_ITEMS, 3) == 1

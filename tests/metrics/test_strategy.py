"""Strategy metrics against scikit-learn, scipy and hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from csc_tasks.framework import Stage, Strategy
from csc_tasks.metrics import UNREADABLE, Turns
from csc_tasks.metrics.strategy import (
    F1,
    JensenShannon,
    PreferenceBias,
    StageAccuracy,
    StrategyAccuracy,
    StrategyInvalid,
    TopK,
    class_scores,
    confusion,
    stage_of,
)

GOLD = [0, 1, 2, 4, 4, 5, 6, 6, 7, 8, 10, 11, 6, 5, 3]
PREDICTED = [0, 1, 4, 4, -1, 6, 6, 6, 6, 8, 10, 6, -1, 5, 2]

labels = st.lists(st.tuples(st.integers(0, 11), st.integers(-1, 11)), min_size=1, max_size=60)


def turns_of(gold: list[int], predicted: list[int], conversations: list[str] | None = None) -> Turns:
    return Turns(
        conversations=conversations or ["c"] * len(gold),
        positions=np.arange(len(gold)),
        gold=np.array(gold),
        predicted=np.array(predicted),
    )


def score(
    metric: object, gold: list[int], predicted: list[int], conversations: list[str] | None = None
) -> float:
    return metric.score(metric.items(turns_of(gold, predicted, conversations)))  # type: ignore[attr-defined,no-any-return]


@given(labels)
def test_accuracy_and_f1_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = [g for g, _ in pairs], [p for _, p in pairs]
    # scikit-learn averages over the labels it is given: those that occur, the unreadable one left out.
    present = sorted({*gold, *predicted} - {UNREADABLE})
    assert score(StrategyAccuracy(), gold, predicted) == pytest.approx(accuracy_score(gold, predicted))
    for average in ("macro", "weighted"):
        expected = f1_score(gold, predicted, labels=present, average=average, zero_division=0)
        assert score(F1(average), gold, predicted) == pytest.approx(expected)


def test_per_strategy_figures_are_scikit_learns() -> None:
    counts = confusion(GOLD, PREDICTED)
    ours = class_scores(counts)
    precision, recall, f1, support = precision_recall_fscore_support(
        GOLD, PREDICTED, labels=range(12), zero_division=np.nan
    )
    np.testing.assert_allclose(ours.precision, precision)
    np.testing.assert_allclose(ours.recall, recall)
    np.testing.assert_allclose(ours.support, support)
    defined = ~np.isnan(f1)
    np.testing.assert_allclose(ours.f1[defined], f1[defined])


def test_the_confusion_matrix_is_scikit_learns_with_unreadable_labels_in_the_last_column() -> None:
    full = confusion_matrix(GOLD, [12 if p == UNREADABLE else p for p in PREDICTED], labels=range(13))
    np.testing.assert_array_equal(confusion(GOLD, PREDICTED), full[:12])


def test_an_unreadable_label_is_wrong_for_accuracy_and_counted() -> None:
    assert score(StrategyAccuracy(), [11, 0], [-1, 0]) == 0.5
    assert score(StageAccuracy(), [11, 0], [-1, 0]) == 0.5
    assert score(StrategyInvalid(), [11, 0], [-1, 0]) == 0.5


def test_the_stage_numbering_is_the_frameworks() -> None:
    order = {stage: i for i, stage in enumerate(Stage)}
    expected = [order[s.stage] if s.stage else len(order) for s in Strategy]
    assert stage_of(np.arange(12)).tolist() == expected


def test_stage_accuracy_forgives_a_wrong_strategy_of_the_right_stage() -> None:
    # 8, 9, 10 are all Maintaining; 11 (其它) has no stage and matches itself alone
    assert score(StageAccuracy(), [8, 8, 11, 11], [9, 0, 11, 10]) == 0.5


@given(labels.filter(lambda pairs: any(p != UNREADABLE for _, p in pairs)))
def test_share_divergence_is_scipys_squared_jensen_shannon_distance(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = [g for g, _ in pairs], [p for _, p in pairs if p != UNREADABLE]
    p, q = np.bincount(predicted, minlength=12), np.bincount(gold, minlength=12)
    expected = jensenshannon(p, q, base=2) ** 2
    assert score(JensenShannon(), gold, [p for _, p in pairs]) == pytest.approx(expected, abs=1e-9)


def test_share_divergence_is_undefined_where_nothing_could_be_read() -> None:
    assert np.isnan(score(JensenShannon(), [0, 1], [-1, -1]))
    assert np.isnan(score(PreferenceBias(), [0, 1], [-1, -1]))


def test_preference_bias_is_zero_without_preference_and_grows_with_it() -> None:
    everything = [s for s in range(12) for _ in range(12)]
    even = score(PreferenceBias(), everything, everything)  # always right: no strategy wins over another
    tilted = [6 if i % 3 == 0 else g for i, g in enumerate(everything)]
    stuck = [6] * len(everything)
    assert even == pytest.approx(0.0, abs=1e-6)
    assert (
        even
        < score(PreferenceBias(), everything, tilted)
        < score(PreferenceBias(), everything, stuck)
        < 11**0.5
    )


def test_top_k_counts_the_gold_rank() -> None:
    turns = Turns(conversations=["c"] * 4, positions=np.arange(4), ranks=np.array([1, 3, 4, 12]))
    assert TopK(3).score(TopK(3).items(turns)) == 0.5


def test_scores_of_many_confusion_matrices_at_once_are_those_of_each_alone() -> None:
    weights = np.random.default_rng(0).integers(0, 3, size=(10, len(GOLD))).astype(float)
    for metric in (F1("macro"), F1("weighted"), JensenShannon(), PreferenceBias()):
        statistics = metric.statistics(metric.items(turns_of(GOLD, PREDICTED)))
        together = metric.from_sums(weights @ statistics)
        alone = [float(metric.from_sums(w @ statistics)) for w in weights]
        assert together.tolist() == pytest.approx(alone, rel=1e-6)

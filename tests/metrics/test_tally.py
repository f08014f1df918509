"""Scores of a stream of chunks are exactly those of everything at once."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from csc_tasks.metrics import (
    NO_MODELS,
    AdditiveMetric,
    Tally,
    TurnMetric,
    Turns,
    all_metrics,
    clustered_stderr,
)
from tests.texts import MIXED, REAL


def some_turns(n: int = 300, conversations: int = 25) -> Turns:
    rng = random.Random(1)
    texts = REAL + MIXED
    return Turns(
        conversations=[f"c{i % conversations}" for i in range(n)],
        positions=np.array([i // conversations for i in range(n)]),
        gold=np.array([rng.randrange(12) for _ in range(n)]),
        predicted=np.array([rng.randrange(-1, 12) for _ in range(n)]),
        hypotheses=[rng.choice(texts)[: rng.randrange(40)] for _ in range(n)],
        references=[rng.choice(texts) for _ in range(n)],
        answered=np.array([rng.random() < 0.9 for _ in range(n)]),
        ranks=np.array([rng.randrange(1, 13) for _ in range(n)]),
        totals=np.full(n, n // conversations),
        truncated=np.array([rng.random() < 0.1 for _ in range(n)]),
    )


TURNS = some_turns()


@pytest.mark.parametrize("metric", all_metrics(models=NO_MODELS), ids=lambda m: m.info.name)
@pytest.mark.parametrize("chunk", [7, 300])
def test_a_tally_in_any_order_gives_the_score_and_error_of_all_items_at_once(
    metric: TurnMetric, chunk: int
) -> None:
    items = metric.items(TURNS)
    order = list(range(len(items)))
    random.Random(2).shuffle(order)
    tally = Tally(metric)
    for start in range(0, len(order), chunk):
        part = order[start : start + chunk]
        tally.add([items[i] for i in part], [TURNS.conversations[i] for i in part])
    assert json.dumps(tally.score()) == json.dumps(metric.score(items))
    if isinstance(metric, AdditiveMetric):
        assert tally.stderr() == clustered_stderr(metric, items, TURNS.conversations)


@pytest.mark.parametrize("metric", all_metrics(models=NO_MODELS), ids=lambda m: m.info.name)
def test_one_turn_that_could_not_be_scored_makes_the_score_nan(metric: TurnMetric) -> None:
    tally = Tally(metric)
    tally.add([*metric.items(TURNS)[:5], None], list(TURNS.conversations[:6]))
    assert np.isnan(tally.score())
    assert np.isnan(tally.stderr())


@pytest.mark.parametrize("metric", all_metrics(models=NO_MODELS), ids=lambda m: m.info.name)
def test_nothing_has_no_score(metric: TurnMetric) -> None:
    assert np.isnan(Tally(metric).score())

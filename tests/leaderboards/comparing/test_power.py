"""`csconv gate power`: the smallest drop that is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csc_tasks.leaderboards.comparing.power import Spread, assumed_spread, smallest_drop
from csc_tasks.metrics.comparison import paired_difference
from csc_tasks.metrics.uncertainty import resample_counts
from tests.leaderboards.comparing.gates import gate


def test_power_lists_mini_lite_and_full_and_takes_a_baseline(runs: Path, tmp_path: Path) -> None:
    plain = gate("power")
    assert plain.code == 0, plain.output
    assert all(f"{n} conversations" in plain.output for n in (32, 128, 1855))
    file = tmp_path / "b.json"
    gate(runs / "better", "--baseline", file, "--update-baseline")
    one = gate("power", "--baseline", file, "--n-conversations", "500", "--metric", "rouge_l")
    assert one.code == 0
    assert "rouge_l" in one.output
    assert "500 conversations" in one.output
    two = gate("power", "--baseline", file, "--against", runs / "worse", "--n-conversations", "500")
    assert "csconv-random against csconv-retrieval" in two.output


def test_a_drop_of_the_size_that_power_names_is_seen_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    conversations, turns, icc, disagreement = 128, 14, 0.05, 0.15
    spread = assumed_spread(disagreement, turns, icc)
    drop = smallest_drop(spread, conversations, power=0.8)
    counts = resample_counts(conversations)
    seen = 0
    for _ in range(400):
        # Conversation effects and turn noise with the variances that the formula assumes.
        per_turn = disagreement * np.array([icc, 1 - icc])
        effects = rng.normal(0, np.sqrt(per_turn[0]), conversations)
        means = -drop + effects + rng.normal(0, np.sqrt(per_turn[1] / turns), conversations)
        found = paired_difference(
            float(means.mean()), counts @ means / conversations, conversations, level=0.9
        )
        seen += found.high < 0
    assert 0.74 < seen / 400 < 0.86


def test_the_smallest_drop_shrinks_with_the_root_of_the_conversations() -> None:
    spread = Spread("", "strategy_acc", 0.3, "")
    drops: list[Any] = [smallest_drop(spread, n) for n in (401, 1601)]
    assert drops[0] / drops[1] == pytest.approx(2, rel=0.01)
    assert smallest_drop(spread, 401, tests=8) > drops[0]

"""`csconv gate power`: the smallest drop that is seen."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from csc_tasks.leaderboards.comparing.power import Spread, assumed_spread, group_scores, smallest_drop
from csc_tasks.metrics.comparison import paired_difference
from csc_tasks.metrics.uncertainty import resample_counts
from tests.leaderboards.comparing.gates import WRONG_USE, gate
from tests.paths import ROOT


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


def test_where_nothing_could_be_told_there_is_no_smallest_drop() -> None:
    """Of four conversations all can get worse by chance; a score that never differs says nothing of its spread."""
    assert math.isnan(smallest_drop(Spread("", "strategy_acc", 0.3, ""), 4))
    assert math.isnan(smallest_drop(Spread("", "strategy_acc", 0.3, ""), 8, tests=17))
    assert smallest_drop(Spread("", "strategy_acc", 0.3, ""), 9, tests=17) > 0
    assert math.isnan(smallest_drop(Spread("", "strategy_acc", 2.8e-17, ""), 128))


@pytest.mark.parametrize(("drop", "chance"), [(0.02, 0.21), (0.03, 0.53), (0.04, 0.80)])
def test_with_a_point_allowed_drops_fail_as_often_as_simulated_builds_did(drop: float, chance: float) -> None:
    """On lite, one rule: of 2, 3 and 4 points an independent simulation saw 21, 53 and 80 % fail."""
    spread = assumed_spread(0.15, 13.9, 0.05)
    assert smallest_drop(spread, 128, power=chance, allowed=0.01) == pytest.approx(drop, abs=0.001)


def power(*arguments: str | Path) -> tuple[int, list[float]]:
    """Of what is printed: how many tests, and the figures of accuracy's first row."""
    done = gate("power", *arguments)
    assert done.code == 0, done.output
    found = re.search(r"(\d+) tests?,", done.output)
    assert found
    row = next(line for line in done.output.splitlines() if "strategy_acc" in line)
    return int(found[1]), [float(figure) for figure in re.findall(r"\d+\.\d+", row)]


def test_without_a_baseline_the_tests_are_those_of_the_standard_tasks() -> None:
    """Strategy, response and dialogue with BERTScore: seventeen headline scores are watched without a rule."""
    tests, drops = power()
    assert tests == 17
    alone, fewer = power("--tests", "1")
    assert alone == 1
    assert all(many > one for many, one in zip(drops, fewer, strict=True))
    group = yaml.safe_load((ROOT / "task_configs" / "csconv.yaml").read_text(encoding="utf-8"))["task"]
    assert group == ["csconv_strategy", "csconv_response", "csconv_dialogue"]
    assert list(group_scores()) == ["strategy/reference", "response/reference", "response/generated"]


def test_an_allowance_is_added_to_the_drop_that_is_seen() -> None:
    _, plain = power("--tests", "1")
    _, pointed = power("--tests", "1", "--max-drop", "0.01")
    assert pointed == [1.0, *(pytest.approx(drop + 1) for drop in plain)]


@pytest.mark.slow
def test_the_tests_are_those_that_the_gate_makes_with_the_same_rules(runs: Path, tmp_path: Path) -> None:
    rules = (
        "max_drop: {strategy_acc: 0.02, rouge_l: 0}\nmin: {strategy_acc: 0.1, distinct_2: 0.1}\nalpha: 0.1\n"
    )
    (tmp_path / "gate.yaml").write_text(rules)
    for options, tests in (
        ((), None),
        (("--max-drop", "strategy_acc=0.01"), 1),
        (("--max-drop", "strategy_acc=0.01", "--max-drop", "rouge_l=0"), 2),
        (("--rules", tmp_path / "gate.yaml"), 3),
        (("--rules", tmp_path / "gate.yaml", "--max-drop", "bleu_2=0"), 4),
    ):
        report = json.loads(gate(runs / "worse", "--baseline", runs / "better", *options, "--json", "-").out)
        told, _ = power("--baseline", runs / "better", *options)
        assert told == report["tests"]
        assert tests in (None, told)
    assert "10 % false alarms" in gate("power", "--rules", tmp_path / "gate.yaml").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-drop", "1"], "strategy_acc is a share: 0.01 is one point"),
        (["--max-drop", "much"], "write DROP or METRIC=DROP"),
        (["--max-drop", "0.01", "--max-drop", "0.02"], "another DROP for all scores is 0.01"),
        (["--max-drop", "rouge_l=0.01"], "only the spread of strategy_acc can be assumed"),
        (["--metric", "rouge_l"], "only the spread of strategy_acc can be assumed"),
        (["--metric", "roughe"], "there is no metric 'roughe'"),
        (["--against", "results"], "--against needs --baseline"),
        (["--rules", "absent.yaml"], "cannot be read"),
    ],
)
def test_wrong_use_of_power_is_named_and_is_never_taken_for_a_regression(
    arguments: list[str], words: str
) -> None:
    done = gate("power", *arguments)
    assert done.code == WRONG_USE
    assert words in done.err

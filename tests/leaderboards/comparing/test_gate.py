"""`csconv gate`: its exit codes, and that noise does not fail a build."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from csc_tasks.leaderboards.comparing.gate import evaluate
from csc_tasks.leaderboards.comparing.loading import load_model_results
from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults, SectionResults
from csc_tasks.leaderboards.comparing.rules import Rules
from csc_tasks.metrics.comparison import t_quantile
from csc_tasks.protocol.signature import Protocol
from tests.door import csconv
from tests.leaderboards import logs
from tests.leaderboards.comparing.gates import INCOMPLETE, NOT_COMPARABLE, PASS, REGRESSION, WRONG_USE, gate


@pytest.mark.parametrize(
    ("results", "baseline", "status", "words"),
    [
        ("better", "better", PASS, "no regression"),
        ("worse", "better", REGRESSION, "not by chance"),
        ("better", "worse", PASS, "no worse"),
        ("limited", "better", INCOMPLETE, "40 turns"),
    ],
)
def test_the_exit_code_is_the_answer(
    runs: Path, results: str, baseline: str, status: int, words: str
) -> None:
    done = gate(runs / results, "--baseline", runs / baseline)
    assert done.code == status, done.output
    assert words in done.output


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"version": "zh-2"', '"version": "zh-9"', "prompt zh-9"),
        ('"benchmark": 2', '"benchmark": 3', "benchmark 3 against 2"),
        ('"fingerprint": "630eb555345da059"', '"fingerprint": "0000000000000000"', "data mini (00000000)"),
    ],
)
def test_another_protocol_is_not_comparable_and_the_message_says_what_differs(
    better: Path, runs: Path, old: str, new: str, words: str
) -> None:
    logs.edit_results(better, old, new)
    done = gate(better, "--baseline", runs / "better")
    assert done.code == NOT_COMPARABLE
    assert words in " ".join(done.output.split())


def test_a_metric_computed_in_another_way_is_not_comparable(better: Path, runs: Path) -> None:
    logs.edit_results(
        better, '"rouge_l": "rouge-score formula, sentence level', '"rouge_l": "another formula'
    )
    done = gate(better, "--baseline", runs / "better", "--max-drop", "rouge_l=0.01")
    assert done.code == NOT_COMPARABLE
    assert "computed in two ways" in " ".join(done.output.split())


def _remove_metric(folder: Path) -> None:
    logs.edit_results(folder, '"bleu_2,none"', '"other,none"')


def _fail_metric(folder: Path) -> None:
    value = logs.content(folder)["results"]["csconv_mini_response"]["bleu_2,none"]
    logs.edit_results(folder, f'"bleu_2,none": {value!r}', '"bleu_2,none": NaN')


def _drop_samples(folder: Path) -> None:
    logs.samples_file(folder).unlink()


def _cut_samples(folder: Path) -> None:
    file = logs.samples_file(folder)
    file.write_bytes(file.read_bytes()[:100_000])


def _lose_a_turn(folder: Path) -> None:
    file = logs.samples_file(folder)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))


def _change_a_reply(folder: Path) -> None:
    file = logs.samples_file(folder)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    sample = json.loads(lines[0])
    sample["bleu_2"] = [0 for _ in sample["bleu_2"]]
    lines[0] = json.dumps(sample, ensure_ascii=False) + "\n"
    file.write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    "damage", [_remove_metric, _fail_metric, _drop_samples, _cut_samples, _lose_a_turn, _change_a_reply]
)
def test_what_was_not_measured_is_never_a_pass(
    better: Path, runs: Path, damage: Callable[[Path], None]
) -> None:
    damage(better)
    done = gate(better, "--baseline", runs / "better", "--max-drop", "bleu_2=0.5")
    assert done.code == INCOMPLETE, done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-drop", "strategy_acc"], "write METRIC=NUMBER"),
        (["--max-drop", "stategy_acc=0.1"], "there is no metric 'stategy_acc'"),
        (["--max-drop", "strategy_acc=-0.1"], "not a number of at least 0"),
        (["--max-drop", "length_ratio=0.1"], "no better and worse"),
        (["--max-drop", "distinct_2=0.1"], "no interval"),
        (["--min-coverage", "98"], "not between 0 and 1"),
        (["--rules", "absent.yaml"], "cannot be read"),
        (["--model", "gpt"], "no results of a model 'gpt'"),
    ],
)
def test_wrong_use_has_a_code_of_its_own(runs: Path, arguments: list[str], words: str) -> None:
    done = gate(runs / "better", "--baseline", runs / "better", *arguments)
    assert done.code == WRONG_USE
    assert words in done.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_drops: {bleu_2: 0.1}", "there is no rule 'max_drops'"),
        ("- bleu_2", "rules are a mapping"),
        ("max_drop: {bleu_2: much}", "'much' is not a number"),
        ("max_drop: [bleu_2]", "max_drop is a mapping"),
        ("alpha: 0", "not between 0 and 0.5"),
        ("min_turns: many", "not a whole number"),
        ("a: b: c", "not YAML"),
    ],
)
def test_rules_with_an_error_are_wrong_use(runs: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "gate.yaml").write_text(text)
    done = gate(runs / "better", "--baseline", runs / "better", "--rules", tmp_path / "gate.yaml")
    assert done.code == WRONG_USE
    assert words in done.output


def test_results_of_several_models_are_wrong_use_until_one_is_named(runs: Path) -> None:
    both = gate(runs, "--baseline", runs / "better")
    assert both.code == WRONG_USE
    assert "csconv-random" in both.output
    named = gate(runs, "--baseline", runs / "better", "--model", "csconv-random")
    assert named.code == REGRESSION


def test_a_path_that_does_not_exist_is_missing(runs: Path, tmp_path: Path) -> None:
    assert gate(tmp_path / "none", "--baseline", runs / "better").code == INCOMPLETE
    assert gate(runs / "better", "--baseline", tmp_path / "none.json").code == INCOMPLETE


@pytest.mark.slow
def test_an_allowance_and_a_minimum_are_held_to(runs: Path) -> None:
    worse, better = runs / "worse", runs / "better"
    assert gate(worse, "--baseline", better, "--max-drop", "strategy_acc=0.5").code == PASS
    assert gate(worse, "--baseline", better, "--max-drop", "strategy_acc=0.05").code == REGRESSION
    section = "response/reference/strategy_acc"
    assert gate(worse, "--baseline", better, "--max-drop", f"{section}=0.05").code == REGRESSION
    assert gate(worse, "--baseline", better, "--max-drop", "response/generated/bleu_2=0").code == INCOMPLETE
    assert gate(better, "--baseline", better, "--min", "strategy_acc=0.2").code == PASS
    assert gate(better, "--baseline", better, "--min", "strategy_acc=0.9").code == REGRESSION
    # Of a metric where lower is better it is a ceiling.
    assert gate(better, "--baseline", better, "--min", "no_answer=0.1").code == PASS
    assert gate(better, "--baseline", better, "--min", "no_answer=-0.1").code == REGRESSION
    # As the option was called.
    assert gate(better, "--baseline", better, "--floor", "strategy_acc=0.9").code == REGRESSION
    assert gate(better, "--baseline", better, "--min-turns", "408").code == INCOMPLETE


def decided(*arguments: str | Path, rule: str = "max_drop") -> dict[str, Any]:
    """By metric, what was decided of a drop, or of a minimum, and by which figures."""
    report = json.loads(gate(*arguments, "--json", "-").out)
    return {check["metric"]: check for check in report["checks"] if check["rule"] == rule}


@pytest.mark.slow
def test_a_minimum_that_is_missed_within_noise_is_no_failure(runs: Path) -> None:
    """Half a point below a minimum with three points of noise to one side: nobody knows, so no build fails."""
    both = runs / "better", "--baseline", runs / "better"
    score = decided(*both, "--min", "strategy_acc=0.1", rule="min")["strategy_acc"]["value"]
    for above, status, message in (
        (-0.01, PASS, "holds"),
        (0.0, PASS, "holds"),
        (0.005, PASS, "below the limit, within noise"),
        (0.02, PASS, "below the limit, within noise"),
        (0.05, REGRESSION, "below the limit, and not by chance"),
    ):
        rule = "--min", f"strategy_acc={score + above!r}"
        assert gate(*both, *rule).code == status, above
        check = decided(*both, *rule, rule="min")["strategy_acc"]
        assert (check["message"], check["drop"]) == (message, pytest.approx(above, abs=1e-12))
        assert check["low"] < check["drop"]


def test_a_minimum_of_a_score_without_an_interval_is_held_to_as_it_is(runs: Path) -> None:
    both = runs / "better", "--baseline", runs / "better"
    score = decided(*both, "--min", "distinct_2=0", rule="min")["distinct_2"]["value"]
    assert gate(*both, "--min", f"distinct_2={score!r}").code == PASS
    missed = gate(*both, "--min", f"distinct_2={score + 0.001!r}")
    assert missed.code == REGRESSION
    assert "this score has no interval and counts as it is" in missed.output


def test_minimums_and_drops_share_the_chance_of_a_false_alarm(runs: Path) -> None:
    both = runs / "worse", "--baseline", runs / "better", "--max-drop", "rouge_l=0"
    alone = json.loads(gate(*both, "--json", "-").out)
    more = ("--min", "strategy_acc=0.2", "--min", "no_answer=0.1", "--min", "distinct_2=0.1")
    together = json.loads(gate(*both, *more, "--json", "-").out)
    # A score without an interval is no test.
    assert (alone["tests"], together["tests"]) == (1, 3)
    low = [next(c["low"] for c in r["checks"] if c["rule"] == "max_drop") for r in (alone, together)]
    assert low[1] < low[0]


def few(scores: dict[str, list[float]]) -> ModelResults:
    """A model's results on as many conversations of ten turns as there are scores."""
    metrics = {
        name: MetricResults(
            name,
            "test",
            sum(values) / len(values),
            tuple(f"c{i}" for i in range(len(values))),
            "same",
            10 * len(values),
            (np.array([[10 * value, 10.0] for value in values]),),
        )
        for name, values in scores.items()
    }
    n = len(next(iter(scores.values())))
    section = SectionResults("response/reference", "", 10 * n, n, n, True, "same", metrics)
    protocol = Protocol("2", "zh-1", "own", "full")
    return ModelResults("m", "", protocol, "here", 0.0, {"response/reference": section})


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        # Each lost the same: no spread, or one that is rounding alone, and too few to tell.
        ([0.5, 0.6, 0.7, 0.8], [0.4, 0.5, 0.6, 0.7], INCOMPLETE),
        ([0.5, 0.6], [0.4, 0.5], INCOMPLETE),
        # Almost the same is no more than that.
        ([0.5, 0.6, 0.7, 0.8], [0.4, 0.5, 0.6, 0.7 + 1e-6], INCOMPLETE),
        # Of six, all alike, less than one in twenty would all get worse by chance.
        ([0.5, 0.6, 0.7, 0.8, 0.5, 0.6], [0.4, 0.5, 0.6, 0.7, 0.4, 0.5], REGRESSION),
        # What is the same never fails, and nor does what is better.
        ([0.5, 0.6], [0.5, 0.6], PASS),
        ([0.1 + 0.2, 0.6], [0.3, 0.6], PASS),
        ([0.5, 0.6, 0.7, 0.8, 0.5, 0.6], [0.6, 0.7, 0.8, 0.9, 0.6, 0.7], PASS),
    ],
)
def test_few_conversations_that_happen_to_agree_are_no_regression(
    before: list[float], after: list[float], status: int
) -> None:
    rules = Rules(max_drop={"strategy_acc": 0.0})
    report = evaluate(few({"strategy_acc": after}), few({"strategy_acc": before}), rules)
    assert report.exit == status, report.checks


@pytest.mark.parametrize("allowed", [0.01, 0.1, 0.3])
def test_a_drop_of_just_what_is_allowed_is_allowed(allowed: float) -> None:
    """0.8 - 0.7 is more than 0.1 by a last digit."""
    before = [0.5, 0.6, 0.7, 0.8] * 8
    after = [value - allowed for value in before]
    rules = Rules(max_drop={"strategy_acc": allowed})
    assert evaluate(few({"strategy_acc": after}), few({"strategy_acc": before}), rules).exit == PASS


@pytest.mark.parametrize(
    ("scores", "least", "status", "words"),
    [
        ([0.5], 0.6, INCOMPLETE, "1 conversation cannot tell"),
        ([0.5], 0.5, PASS, "holds"),
        ([0.5, 0.5, 0.5], 0.9, INCOMPLETE, "3 conversations cannot tell"),
        # No width at all: up to 1 - 0.5 · 0.05^(1/6) = 0.70 are not excluded.
        ([0.5] * 6, 0.65, PASS, "within noise"),
        ([0.5] * 6, 0.75, REGRESSION, "not by chance"),
    ],
)
def test_a_minimum_fails_no_build_of_too_few_conversations(
    scores: list[float], least: float, status: int, words: str
) -> None:
    results = few({"strategy_acc": scores})
    report = evaluate(results, results, Rules(min={"strategy_acc": least}))
    assert report.exit == status
    assert words in report.checks[-1].message


@pytest.mark.slow
def test_a_drop_that_is_real_and_may_be_within_what_is_allowed_is_no_regression(runs: Path) -> None:
    """What is held against the allowance is the end of the interval, not the drop itself, and not nothing."""
    both = runs / "worse", "--baseline", runs / "better"
    known = decided(*both, "--max-drop", "strategy_acc=0")["strategy_acc"]
    assert 0 < known["low"] < known["drop"]
    for share, status, message in (
        (-0.1, REGRESSION, "worse by more than allowed, and not by chance"),
        (0.1, PASS, "the drop is within noise"),
        (0.9, PASS, "the drop is within noise"),
        (1.1, PASS, "within what is allowed"),
    ):
        allowed = known["low"] + share * (known["drop"] - known["low"])
        rule = "--max-drop", f"strategy_acc={allowed!r}"
        assert gate(*both, *rule).code == status, share
        assert decided(*both, *rule)["strategy_acc"]["message"] == message


def test_a_drop_is_tested_on_one_side_at_the_share_of_alpha_that_its_rule_has(runs: Path) -> None:
    """Of two rules at 5 % each has 2.5 % on its one side: the end of the two-sided interval of 95 % of one alone."""
    done = csconv("compare", runs / "worse", runs / "better", "--format", "json")
    (section,) = json.loads(done.out)["sections"]
    rules = ("--max-drop", "rouge_l=0", "--max-drop", "strategy_acc=0")
    checks = decided(runs / "worse", "--baseline", runs / "better", *rules)
    for metric in ("rouge_l", "strategy_acc"):
        (delta,) = (d for d in section["deltas"] if d["metric"] == metric)
        alone = delta["difference"]["value"] + t_quantile(0.95, 32) * delta["difference"]["stderr"]
        assert checks[metric]["low"] == pytest.approx(-alone, abs=1e-12)


DROPPED = ("--max-drop", "strategy_acc=0")
ABSENT = ("--max-drop", "response/generated/bleu_2=0")
COMPUTED_OTHERWISE = ("--max-drop", "rouge_l=0")


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        (DROPPED, REGRESSION),
        (ABSENT, INCOMPLETE),
        (COMPUTED_OTHERWISE, NOT_COMPARABLE),
        ((*DROPPED, *ABSENT), INCOMPLETE),
        ((*DROPPED, *COMPUTED_OTHERWISE), NOT_COMPARABLE),
        ((*ABSENT, *COMPUTED_OTHERWISE), NOT_COMPARABLE),
        ((*DROPPED, *ABSENT, *COMPUTED_OTHERWISE), NOT_COMPARABLE),
    ],
)
def test_of_several_failures_the_exit_code_is_that_of_what_could_not_be_measured(
    runs: Path, tmp_path: Path, rules: tuple[str, ...], status: int
) -> None:
    worse = Path(shutil.copytree(runs / "worse", tmp_path / "worse"))
    formula = '"rouge_l": "rouge-score formula, sentence level'
    logs.edit_results(worse, formula, '"rouge_l": "another formula')
    assert gate(worse, "--baseline", runs / "better", *rules).code == status


def test_a_limited_run_may_be_held_against_the_same_turns_if_that_is_asked_for(runs: Path) -> None:
    limited = runs / "limited"
    assert gate(limited, "--baseline", limited).code == INCOMPLETE
    assert gate(limited, "--baseline", limited, "--allow-partial", "--max-drop", "rouge_l=0").code == PASS
    assert gate(limited, "--baseline", runs / "better", "--allow-partial").code == INCOMPLETE


def test_rules_from_a_file_and_options_add_up(runs: Path, tmp_path: Path) -> None:
    rules = {"max_drop": {"strategy_acc": 0.9}, "sections": ["response/reference"], "min_turns": 407}
    (tmp_path / "gate.yaml").write_text(yaml.safe_dump(rules))
    common: list[str | Path] = [
        runs / "worse",
        "--baseline",
        runs / "better",
        "--rules",
        tmp_path / "gate.yaml",
    ]
    assert gate(*common).code == PASS
    assert gate(*common, "--max-drop", "rouge_l=0").code == REGRESSION
    assert gate(*common, "--max-drop", "strategy_acc=0.01").code == REGRESSION


def test_more_rules_make_each_of_them_harder_to_break(runs: Path) -> None:
    """Bonferroni: the chance of a false alarm is one for the whole build."""
    results, baseline = load_model_results([runs / "worse"]), load_model_results([runs / "better"])
    few = evaluate(results, baseline, Rules(max_drop={"rouge_l": 0.0}))
    names = ["rouge_l", "bleu_2", "bleu_4", "strategy_acc", "stage_acc", "strategy_f1_macro"]
    many = evaluate(results, baseline, Rules(max_drop=dict.fromkeys(names, 0.0)))
    low = [next(c for c in r.checks if c.metric == "rouge_l").low for r in (few, many)]
    assert low[1] < low[0]


def test_a_baseline_with_nothing_to_hold_results_against_is_no_pass(better: Path, runs: Path) -> None:
    _drop_samples(better)
    done = gate(runs / "worse", "--baseline", better)
    assert done.code == INCOMPLETE, done.output
    assert "no headline score with its samples" in " ".join(done.output.split())

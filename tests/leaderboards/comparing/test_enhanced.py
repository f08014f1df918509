"""`csconv enhance-report`: what tuning did, said no surer than it is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import nct, permutation_test, t

from csc_tasks.framework import Stage, Strategy
from tests.door import Done, csconv
from tests.leaderboards import logs
from tests.leaderboards.tuned_runs import DIALOGUE, variant


def report(base: Path, tuned: Path, *more: str) -> Done:
    return csconv("enhance-report", base, tuned, *more)


def told(base: Path, tuned: Path, *more: str) -> Any:
    done = report(base, tuned, "--format", "json", *more)
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture(scope="module")
def gained(tuned: Path) -> Any:
    return told(tuned / "base", tuned / "tuned")


@pytest.fixture(scope="module")
def lost(tuned: Path) -> Any:
    return told(tuned / "base", tuned / "lost")


@pytest.fixture(scope="module")
def shown(tuned: Path) -> str:
    return report(tuned / "base", tuned / "tuned").out


def section(found: Any, name: str = "response/reference") -> Any:
    return next(s for s in found["comparison"]["sections"] if s["section"] == name)


def turns(folder: Path, task: str = logs.RESPONSE) -> dict[tuple[str, int], Any]:
    """By conversation and turn: gold strategy, the model's, its text."""
    found = {}
    for sample in logs.samples_of(logs.results_file(folder), task):
        doc, reply = sample["doc"], json.loads(sample["filtered_resps"][0])
        found[doc["conversation"], doc["turn"]] = doc["strategy"], reply["strategy"], reply["text"]
    return dict(sorted(found.items()))


def test_the_verdict_comes_first_and_names_score_difference_interval_and_p(shown: str, gained: Any) -> None:
    text = shown.splitlines()
    delta = next(d for d in section(gained)["deltas"] if d["metric"] == "strategy_acc")
    first, second = 100 * delta["first"], 100 * delta["second"]
    assert text[:2] == ["base:   org/base", "tuned:  org/tuned"]
    assert text[4] == "Verdict"
    assert f"Strategy acc. from {second:.1f} to {first:.1f}, +{first - second:.1f} [" in text[6]
    assert text[6].endswith(", p <0.001: a gain.")
    assert "smoke test" in "\n".join(text)


@pytest.mark.parametrize(
    ("base", "tuned_model", "gain", "code"),
    [
        ("base", "tuned", "mixed", 3),  # better, and says that it is a machine
        pytest.param("base", "lost", "mixed", 3, marks=pytest.mark.slow),
        pytest.param("tuned", "base", "loss", 3, marks=pytest.mark.slow),
        pytest.param("base", "base", "none", 3, marks=pytest.mark.slow),
        pytest.param("base", "plain", "gain", 0, marks=pytest.mark.slow),
    ],
)
def test_the_exit_code_is_asked_for_and_follows_the_verdict(
    base: str, tuned_model: str, gain: str, code: int, tuned: Path, tmp_path: Path
) -> None:
    other = tuned / tuned_model
    if tuned_model == "plain":
        other = tmp_path
        logs.write_run(other, "org/plain", logs.answering(0.75, 7), (logs.RESPONSE,), date=5.0)
    done = report(tuned / base, other, "--require-gain", "--format", "json")
    assert json.loads(done.out)["gain"] == gain
    assert done.code == code


def test_stages_hold_the_strategies_that_are_of_them(tuned: Path, gained: Any) -> None:
    mine, theirs = turns(tuned / "tuned"), turns(tuned / "base")
    stage_of = {strategy.zh: strategy.stage for strategy in Strategy}
    found = {m["name"]: m for m in section(gained)["stages"]}
    assert list(found) == [stage.zh for stage in Stage]
    for stage in Stage:
        own = [key for key, (gold, _, _) in mine.items() if stage_of[gold] is stage]
        for side, name in ((mine, "first"), (theirs, "second")):
            right = sum(stage_of.get(side[key][1]) is stage for key in own)
            assert found[stage.zh][name] == pytest.approx(right / len(own))
        assert found[stage.zh]["turns"] == len(own)


def test_what_replies_are_like_is_counted_and_its_p_is_that_of_flipped_signs(
    tuned: Path, gained: Any, shown: str
) -> None:
    """Of shares against scipy's permutation of signs, conversation by conversation."""
    figures: dict[str, Callable[[str, set[str]], float]] = {
        "length": lambda text, _: len(text),
        "repeated": lambda text, said: float(len(text) >= 4 and text in said),
        "refused": lambda text, _: float("作为一个人工智能" in text),
    }
    replies = {r["name"]: r for r in gained["replies"] if r["section"] == "response/reference"}
    for name, figure in figures.items():
        sums: dict[str, list[float]] = {}
        means = []
        for sign, side in ((1, "tuned"), (-1, "base")):
            said: dict[str, set[str]] = {}
            values = []
            for (conversation, _), (_, _, text) in turns(tuned / side).items():
                values.append(figure(text, said.setdefault(conversation, set())))
                said[conversation].add(text)
                row = sums.setdefault(conversation, [0.0, 0.0])
                row[0] += sign * values[-1]
                row[1] += 0.5
            means.append(float(np.mean(values)))
        assert (replies[name]["first"], replies[name]["second"]) == pytest.approx(means)
        changes = np.array([row[0] for row in sums.values()])
        exact = permutation_test(
            (changes,), np.mean, permutation_type="samples", n_resamples=2000, rng=np.random.default_rng(3)
        )
        assert (replies[name]["difference"]["p"] < 0.01) is bool(exact.pvalue < 0.01)
    assert replies["refused"]["first"] > 0.05
    assert replies["refused"]["adjusted"] < 0.05
    assert "refuses, or says that it is a machine" in shown
    worse = [name for name in ("repeated", "refused") if replies[name]["adjusted"] < 0.05]
    assert worse == ["repeated", "refused"]
    assert "More replies are so than the base's: said before; refuses, or says that it is a machine." in shown


def test_a_gain_that_is_gone_where_the_model_reads_its_own_turns_is_lost(
    tuned: Path, gained: Any, lost: Any
) -> None:
    def held(found: Any) -> str:
        (own,) = (c for c in found["contexts"] if c["metric"] == "strategy_acc")
        return str(own["held"])

    assert (held(gained), held(lost)) == ("holds", "lost")
    change = next(c for c in lost["contexts"] if c["metric"] == "strategy_acc")
    assert change["generated"] == 0
    assert change["difference"]["value"] == pytest.approx(-change["reference"])
    assert change["difference"]["high"] < 0


def test_a_change_that_is_not_told_from_chance_comes_with_what_would_have_been_seen(
    tuned: Path, tmp_path: Path
) -> None:
    """The size told is found with a chance of 80 % by the noncentral t distribution."""
    folder = tmp_path / "little"
    logs.write_run(folder, "org/little", logs.answering(0.24, 9), (logs.RESPONSE,), date=4.0)
    found = told(tuned / "base", folder)
    assert found["gain"] == "none"
    (seen,) = found["sensitivity"]
    deltas = section(found)["deltas"]
    tests = [d for d in deltas if d["metric"] in HEADLINES]
    own = next(d for d in tests if d["metric"] == "strategy_acc")
    stderr, freedom = own["difference"]["stderr"], seen["conversations"] - 1
    critical = t.ppf(1 - 0.05 / 2 / 2 / len(tests), freedom)
    assert nct.sf(critical, freedom, seen["gain"] / stderr) == pytest.approx(0.8, abs=0.02)
    text = report(tuned / "base", folder).out
    assert "not told from chance, which is no proof that nothing changed" in text
    assert f"a true change of {100 * seen['gain']:.1f} would have been found four times in five" in text


HEADLINES = (
    *("strategy_acc", "strategy_f1_macro", "strategy_invalid"),
    *("bleu_2_norm", "bleu_4_norm", "rouge_l_norm"),
)


@pytest.mark.slow
def test_another_base_than_the_results_name_and_the_wrong_order_are_said(tuned: Path, tmp_path: Path) -> None:
    said = {"name": "org/quite-another", "told_by": "csconv_training.json"}
    variant(tuned / "short", tmp_path / "tuned", "org/tuned", base=said)
    variant(tuned / "short", tmp_path / "base", "org/base")
    assert "its base is org/quite-another" in report(tmp_path / "base", tmp_path / "tuned").out
    swapped = report(tuned / "tuned", tuned / "base").out
    assert "the base comes first" in swapped


@pytest.mark.slow
def test_no_words_of_the_report_are_english_in_chinese(tuned: Path) -> None:
    for form in ("text", "markdown"):
        text = report(tuned / "base", tuned / "lost", "--lang", "zh", "--format", form).out
        text = re.sub(r"org/\w+|csconv\w*|enhance-report|Holm|mini|zh-2|\([0-9a-f]{8}\)", "", text)
        assert re.findall(r"[A-Za-z]{3,}", text.replace("BLEU", "").replace("ROUGE", "")) == []


@pytest.mark.slow
def test_a_section_without_its_samples_is_said_and_is_no_gain(tuned: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    logs.log_of(variant(tuned / "tuned", folder, "org/tuned")).unlink()
    done = report(tuned / "base", folder, "--require-gain")
    assert done.code == 3
    assert "Response, reference context: not compared: the first has no samples" in done.out
    assert told(tuned / "base", folder)["gain"] == "mixed"


@pytest.mark.slow
def test_errors_are_one_message_and_end_with_1(tuned: Path, tmp_path: Path) -> None:
    assert report(tuned / "base", tmp_path / "none").code == 1
    done = report(tuned / "base", tuned / "tuned", "--lang", "fr")
    assert (done.code, done.err) == (1, "csconv: --lang fr: there are en, zh\n")
    logs.edit(
        variant(tuned / "short", tmp_path / "b", "org/b"),
        lambda content: content.update(system_instruction_sha="4d5e6f" + 58 * "0"),
    )
    variant(tuned / "short", tmp_path / "a", "org/a")
    done = report(tmp_path / "a", tmp_path / "b")
    assert done.code == 1
    assert "--allow system" in done.err
    assert report(tmp_path / "a", tmp_path / "b", "--allow", "system").code == 0


def test_json_is_json_and_has_no_number_that_json_does_not_know(gained: Any, lost: Any) -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
        elif isinstance(node, float):
            assert math.isfinite(node)

    walk(gained)
    walk(lost)
    assert DIALOGUE not in json.dumps(gained)

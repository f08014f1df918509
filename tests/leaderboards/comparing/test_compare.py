"""`csconv compare`: paired differences are the differences, and what moved is what moved."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.leaderboards.comparing.compare import Comparison, SectionComparison
from csc_tasks.leaderboards.comparing.paired import Delta
from csc_tasks.leaderboards.rendering.compare_summary import SCREEN, summary_lines
from csc_tasks.leaderboards.rendering.language import Language
from csc_tasks.metrics import headlines, reported_metrics
from csc_tasks.metrics.comparison import Difference, holm
from tests.door import Done, csconv
from tests.leaderboards import logs


def compare(*arguments: str | Path) -> Done:
    return csconv("compare", *arguments)


@pytest.fixture(scope="module")
def runs(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Logs of two models on two tasks."""

    def make(folder: Path) -> None:
        for name, kind in (("a", "retrieval"), ("b", "random")):
            logs.evaluate(folder / name, kind, "csconv_mini_response,csconv_mini_strategy")

    return once("compare-runs", make)


@pytest.fixture(scope="module")
def found(runs: Path) -> Any:
    """A against B as JSON."""
    done = compare(runs / "a", runs / "b", "--format", "json")
    assert done.code == 0, done.output
    return json.loads(done.out)


def section(found: Any, name: str) -> Any:
    return next(s for s in found["sections"] if s["section"] == name)


def lines(folder: Path, task: str) -> list[Any]:
    (file,) = folder.rglob(f"samples_{task}_*.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_difference_is_that_of_the_two_results_files(runs: Path, found: Any) -> None:
    for name, task in (
        ("response/reference", "csconv_mini_response"),
        ("strategy/reference", "csconv_mini_strategy"),
    ):
        one, two = (logs.content(runs / side)["results"][task] for side in "ab")
        for delta in section(found, name)["deltas"]:
            metric = f"{delta['metric']},none"
            assert (delta["first"], delta["second"]) == (one[metric], two[metric])
            if delta["difference"]:
                assert delta["difference"]["value"] == pytest.approx(one[metric] - two[metric])


def test_a_report_is_one_family_of_which_headline_scores_have_half(found: Any) -> None:
    """Holm over all that is tested in both sections; and no interval says another thing than its p-value."""
    deltas = [d for part in found["sections"] for d in part["deltas"]]
    scores = [d for d in deltas if d["difference"] and reported_metrics()[d["metric"]].info.better]
    moved = [m for part in found["sections"] for m in (*part["strategies"], *part["stages"], *part["topics"])]
    short = headlines([d["metric"] for d in deltas])
    headline = [d["metric"] in short for d in scores] + [False] * len(moved)
    family = [*scores, *moved]
    assert min(sum(headline), len(family) - sum(headline)) >= 8
    weights = [1 / sum(headline) if each else 1 / (len(family) - sum(headline)) for each in headline]
    expected = holm([d["difference"]["p"] for d in family], weights)
    assert [d["adjusted"] for d in family] == pytest.approx(expected.tolist())
    assert any(0 < d["difference"]["p"] < d["adjusted"] < 1 for d in family)
    outside = [
        d["difference"]["low"] > 0 or d["difference"]["high"] < 0 for d in family if d["difference"]["low"]
    ]
    assert outside == [d["adjusted"] < 0.05 for d in family if d["difference"]["low"]]
    assert {True, False} <= set(outside)


def test_results_of_two_benchmarks_are_refused_with_what_to_do(runs: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(runs / "a", tmp_path / "old"))
    logs.edit_results(old, '"benchmark": 2', '"benchmark": 1')
    done = csconv("compare", old, runs / "b")
    assert done.code == 1
    assert "evaluate the model of the earlier one again" in done.err


def test_the_effect_counts_turns(runs: Path, found: Any) -> None:
    a, b = (lines(runs / side, "csconv_mini_response") for side in "ab")
    by_turn = {(s["doc"]["conversation"], s["doc"]["turn"]): s for s in b}
    pairs = [(s["rouge_l"], by_turn[s["doc"]["conversation"], s["doc"]["turn"]]["rouge_l"]) for s in a]
    effect = section(found, "response/reference")["effects"]["rouge_l"]
    assert effect["better"] == sum(x > y + 1e-12 for x, y in pairs)
    assert effect["worse"] == sum(x < y - 1e-12 for x, y in pairs)
    assert sum(effect.values()) == len(pairs) == 407


def test_strategies_and_topics_that_moved_add_up_to_the_whole(runs: Path, found: Any) -> None:
    part = section(found, "response/reference")
    assert sum(s["turns"] for s in part["strategies"]) == sum(t["turns"] for t in part["topics"]) == 407
    report = logs.content(runs / "a")["configs"]["csconv_mini_response"]["metadata"]["csconv_report"]
    for moved in part["strategies"]:
        assert moved["first"] == pytest.approx(report["per_strategy"][moved["name"]]["recall"])
    whole = next(d for d in part["deltas"] if d["metric"] == part["by"])
    mean = sum(t["turns"] * t["first"] for t in part["topics"]) / 407
    assert mean == pytest.approx(whole["first"])


def test_the_twenty_turns_are_those_that_changed_most(runs: Path, found: Any) -> None:
    part = section(found, "response/reference")
    assert part["by"] == "rouge_l_norm"
    a, b = (
        {(s["doc"]["conversation"], s["doc"]["turn"]): s for s in lines(runs / side, "csconv_mini_response")}
        for side in "ab"
    )
    expected = sorted((abs(a[k]["rouge_l_norm"] - b[k]["rouge_l_norm"]) for k in a), reverse=True)[:20]
    assert [abs(c["first_score"] - c["second_score"]) for c in part["changed"]] == pytest.approx(expected)
    for change in part["changed"]:
        sample = a[change["conversation"], change["turn"]]
        assert change["reference"] == sample["doc"]["reference"]
        assert change["first_text"] == json.loads(sample["filtered_resps"][0])["text"]
        assert change["first_strategy"] == json.loads(sample["filtered_resps"][0])["strategy"]


def test_a_model_against_itself_differs_by_nothing(runs: Path) -> None:
    done = compare(runs / "a", runs / "a", "--format", "json")
    for part in json.loads(done.out)["sections"]:
        assert not part["changed"]
        for delta in part["deltas"]:
            assert not delta["difference"] or delta["difference"]["value"] == 0
            assert delta["outcome"] != "A better"
            assert delta["outcome"] != "B better"


def test_the_other_order_is_the_other_sign(runs: Path, found: Any) -> None:
    other = json.loads(compare(runs / "b", runs / "a", "--format", "json").out)
    for name in ("response/reference", "strategy/reference"):
        for one, two in zip(section(found, name)["deltas"], section(other, name)["deltas"], strict=True):
            if one["difference"]:
                assert one["difference"]["value"] == pytest.approx(-two["difference"]["value"])
                assert one["difference"]["low"] == pytest.approx(-two["difference"]["high"])
                assert one["adjusted"] == pytest.approx(two["adjusted"])


@pytest.mark.slow
def test_text_and_markdown_tell_the_same(runs: Path) -> None:
    text = compare(runs / "a", runs / "b", "--full")
    assert text.code == 0
    for words in (
        "csconv-retrieval",
        "csconv-random",
        "A better",
        "accuracy by strategy",
        "accuracy by stage",
        "rouge_l_norm by topic",
    ):
        assert words in text.out
    markdown = compare(runs / "a", runs / "b", "--format", "markdown", "--all").out
    assert "| strategy_acc |" in markdown
    assert "| stage_acc |" in markdown
    assert markdown.count("- `gold [") >= 20


def test_it_begins_with_a_summary_on_one_screen(runs: Path) -> None:
    lines = compare(runs / "a", runs / "b").out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert lines[:2] == ["A: csconv-retrieval", "B: csconv-random"]
    heads = [line.partition(":")[0] for line in lines if "headline scores" in line]
    assert heads == ["Response, reference context", "Strategy, reference context"]
    assert any(line.startswith("  Strategy acc. ") and line.endswith("A better") for line in lines)
    assert not any("gold" in line for line in lines)


def test_the_reference_context_comes_before_the_generated_one(tuned: Path) -> None:
    done = compare(tuned / "tuned", tuned / "base", "--lang", "zh")
    assert done.out.index("回复，参考上下文") < done.out.index("回复，生成上下文")
    plain = re.sub(r"org/\w+|Holm|mini|zh-2|\([0-9a-f]{8}\)|BLEU|ROUGE|--full|--all", "", done.out)
    assert re.findall(r"[A-Za-z]{3,}", plain) == []


@pytest.mark.parametrize("count", [6, 40])
def test_a_summary_of_many_sections_is_cut_to_a_screen_and_says_so(count: int) -> None:
    section = SectionComparison("response/reference", tuple(many_deltas()), {}, "", (), (), ())
    comparison = Comparison("a", "b", {}, (section,) * count)
    lines = summary_lines(comparison, Language.EN)
    assert len(lines) <= SCREEN
    assert any(re.fullmatch(r"\d+ more lines: csconv compare … --full", line) for line in lines)
    # What is told from chance is the last to go.
    assert any(line.endswith("A better") for line in lines) is (count == 6)


def many_deltas() -> list[Delta]:
    real = Difference(0.1, 0.01, 0.07, 0.13, 0.0001)
    noise = Difference(0.01, 0.02, -0.03, 0.05, 0.6)
    names = ("strategy_acc", "strategy_f1_macro", "strategy_invalid", "bleu_2_norm", "bleu_4_norm")
    deltas = [Delta("response/reference", name, 0.5, 0.49, 32, noise, 1.0) for name in names]
    return [Delta("response/reference", "rouge_l_norm", 0.5, 0.4, 32, real, 0.001), *deltas]


@pytest.mark.parametrize("name", ["strategy_f1_macro", "ead_2", "nonsense"])
def test_by_takes_what_single_turns_have_and_lists_it(name: str, runs: Path) -> None:
    done = compare(runs / "a", runs / "b", "--by", name)
    assert done.code == 1
    assert done.err.startswith(
        f"csconv: --by {name}: no score of single turns that both have; there are bleu_2, "
    )
    assert "rouge_l_norm" in done.err
    assert name not in done.err.partition("there are ")[2].split(", ")


def test_turns_can_be_chosen_by_another_metric(runs: Path) -> None:
    done = compare(runs / "a", runs / "b", "--by", "bleu_2", "--format", "json")
    parts = json.loads(done.out)["sections"]
    assert section({"sections": parts}, "response/reference")["by"] == "bleu_2"
    assert "no bleu_2" in section({"sections": parts}, "strategy/reference")["why"]


def test_two_protocols_are_refused(runs: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(runs / "b", tmp_path / "b"))
    logs.edit_results(other, '"version": "zh-2"', '"version": "zh-9"')
    done = compare(runs / "a", other)
    assert done.code == 1
    assert "may not be compared: prompt zh-2" in done.err


def test_several_models_in_one_folder_are_refused_until_one_is_named(runs: Path) -> None:
    refused = compare(runs, runs)
    assert refused.code == 1
    assert "csconv-random" in refused.err
    done = compare(runs, runs, "--model-a", "csconv-retrieval", "--model-b", "csconv-random")
    assert done.code == 0


def test_without_samples_the_scores_are_shown_and_nothing_is_claimed(runs: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(runs / "b", tmp_path / "b"))
    for file in other.rglob("samples_*.jsonl"):
        file.unlink()
    done = compare(runs / "a", other, "--format", "json")
    assert done.code == 0, done.output
    for part in json.loads(done.out)["sections"]:
        assert all(d["difference"] is None and d["why"] for d in part["deltas"])
        assert part["deltas"][0]["second"] is not None


def test_an_error_of_the_command_is_one_message(runs: Path, tmp_path: Path) -> None:
    done = compare(runs / "a", tmp_path / "none")
    assert (done.code, done.err) == (1, f"csconv: {tmp_path / 'none'}: no such file or folder\n")


@pytest.mark.slow
def test_a_metric_that_was_added_to_both_is_compared_and_chooses_no_turns(
    runs: Path, tmp_path: Path, tiny_bert: Path
) -> None:
    copied = Path(shutil.copytree(runs, tmp_path / "runs"))
    options = f"csconv_bertscore_model={tiny_bert},csconv_bertscore_layer=8"
    assert csconv("score", copied, "--metrics", "bertscore", "--metadata", options).code == 0
    done = compare(copied / "a", copied / "b", "--format", "json")
    assert done.code == 0, done.output
    response = section(json.loads(done.out), "response/reference")
    assert "bertscore" in {m["metric"] for m in response["deltas"]}
    assert response["by"] == "rouge_l_norm"


def test_an_error_shows_no_control_character_of_a_models_name(runs: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(runs, tmp_path / "runs"))
    file = logs.results_file(copied / "a")
    content = json.loads(file.read_text(encoding="utf-8"))
    content["config"]["model_args"] = {"model": "\x1b[31mred\u202e"}
    file.write_text(json.dumps(content), encoding="utf-8")
    done = compare(copied, copied / "b")
    assert done.code == 1
    assert "red" in done.err
    assert "\x1b" not in done.err + done.out
    assert "\u202e" not in done.err + done.out

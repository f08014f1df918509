"""The registry is what tables, docs and signatures are made from: it must be complete and consistent."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from csc_tasks.metrics import (
    Needs,
    additive_metric,
    all_metrics,
    column_name,
    has_sums,
    headlines,
    metric_named,
    metrics_for,
    signature_of,
)
from tests.paths import ROOT


def test_metric_names_are_unique_and_never_lm_evals_own() -> None:
    names = [m.info.name for m in all_metrics()]
    assert len(set(names)) == len(names)
    # lm-eval treats metrics of these names differently (resampling caps, its own tokenizer)
    assert not {"bleu", "chrf", "ter", "acc", "f1"} & set(names)


def test_a_tokenizer_other_than_the_default_is_part_of_the_name_of_what_it_changes() -> None:
    for metric in all_metrics("jieba"):
        of_the_run = metric.info.tokenized and not metric.info.tokens
        assert column_name(metric, "jieba").endswith("_jieba") == of_the_run
        assert column_name(metric, "zh") == metric.info.name


def test_the_signature_of_a_tokenised_metric_names_the_tokenizer_and_its_version() -> None:
    bleu = next(m for m in all_metrics() if m.info.name == "bleu_4")
    assert "smooth:exp" in signature_of(bleu)
    assert "tok:zh(sacrebleu-" in signature_of(bleu)
    assert "tok:jieba(rjieba-" in signature_of(bleu, "jieba")
    norm = next(m for m in all_metrics() if m.info.name == "bleu_4_norm")
    assert signature_of(norm, "jieba") == signature_of(norm)
    assert re.search(r"smooth:exp.*tok:zh-norm\(sacrebleu-[\d.]+, opencc-[\d.]+\)", signature_of(norm))


def test_metrics_are_chosen_by_the_columns_that_a_task_has() -> None:
    assert {m.info.name for m in metrics_for({Needs.ANSWERS})} == {"no_answer"}
    assert "strategy_top3" not in {m.info.name for m in metrics_for({Needs.STRATEGY, Needs.TEXT})}


@pytest.mark.parametrize(
    ("reported", "metric", "sums"),
    [
        ("bleu_4", "bleu_4", True),
        ("bleu_4_jieba", "bleu_4", True),  # another tokenizer's column is the same metric
        ("bertscore_rescaled", "bertscore", True),
        ("bleu_4_norm", "bleu_4_norm", True),
        ("distinct_2", "distinct_2", False),  # of all turns together
        ("ead_2", "ead_2", False),
        ("judge_empathy", "judge_empathy", True),  # of a rubric that is shipped
        ("judge_warmth", "judge_warmth", True),  # of a user's own
        ("judge_coverage", "judge_coverage", True),
        ("human_empathy", "human_empathy", True),  # what people say of the same
        ("human_win_rate", "human_win_rate", True),
        ("acc", None, False),
        ("", None, False),
    ],
)
def test_a_metric_is_found_by_the_name_of_its_column(reported: str, metric: str | None, sums: bool) -> None:
    found = metric_named(reported)
    assert (found.info.name if found else None) == metric
    assert has_sums(reported) is sums
    if sums:
        assert additive_metric(reported) is found or reported.startswith(("judge_", "human_"))
    else:
        with pytest.raises(KeyError, match=repr(reported)):
            additive_metric(reported)


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (["bleu_4", "rouge_l", "distinct_2"], ["bleu_4", "rouge_l", "distinct_2"]),  # of benchmark 1
        (
            ["bleu_4_norm", "ead_2", "bleu_4", "rouge_l_ascii", "distinct_1", "distinct_2", "norm_changed"],
            ["bleu_4_norm", "ead_2"],
        ),
        (["bleu_4_norm", "bleu_4_jieba"], ["bleu_4_norm", "bleu_4_jieba"]),  # which somebody asked for
        (["rouge_l_norm", "bleu_4", "judge_empathy", "nothing"], ["rouge_l_norm", "bleu_4", "judge_empathy"]),
    ],
)
def test_a_norm_column_takes_the_place_of_the_plain_one(known: list[str], shown: list[str]) -> None:
    assert headlines(known) == shown


def test_metric_code_knows_nothing_of_the_harness() -> None:
    program = "import sys, csc_tasks.metrics; print([m for m in ('lm_eval', 'torch', 'datasets') if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == "[]"


def test_the_documentation_lists_every_metric_as_the_registry_describes_it() -> None:
    documented = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for metric in all_metrics():
        info = metric.info
        better = {1: "higher", -1: "lower", 0: "–"}[info.better]
        assert f"| `{info.name}` | {info.title} | {better} |" in documented
        assert f"| {info.summary} |" in documented

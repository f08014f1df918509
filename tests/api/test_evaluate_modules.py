"""The metrics in Hugging Face evaluate: offline, described, and the numbers of a run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pytest

import csc_tasks
from csc_tasks.api.evaluate_modules import module_names
from csc_tasks.framework import Strategy
from csc_tasks.metrics import UNREADABLE, Turns, all_metrics
from csc_tasks.metrics.depth import AtDepth
from csc_tasks.metrics.neural.bertscore import BertScore
from csc_tasks.metrics.neural.bleurt import Bleurt

NETWORKS = [m.info.name for m in all_metrics() if isinstance(m, (BertScore, Bleurt))]
PLAIN = [name for name in module_names() if name not in NETWORKS]
TURNS = csc_tasks.turns(csc_tasks.load_conversations("mini"))[:60]
LABELS = [["提供建议", "共情", turn["strategy"]][i % 3] for i, turn in enumerate(TURNS)]
REPLIES = [turn["reference"][: 3 + i % 20] if i % 7 else "" for i, turn in enumerate(TURNS)]
RANKED = [[math.sin(i * 12 + k) for k in range(12)] for i in range(len(TURNS))]
CUT = [i % 5 == 0 for i in range(len(TURNS))]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", str(tmp_path))


def turns_as_columns() -> Turns:
    gold = np.array([next(s for s in Strategy if s.zh == t["strategy"]).index for t in TURNS])
    names = {s.zh: s.index for s in Strategy}
    predicted = np.array([names.get(label, UNREADABLE) for label in LABELS])
    ranks = [int((np.array(row) >= row[g]).sum()) for row, g in zip(RANKED, gold, strict=True)]
    return Turns(
        [t["conversation"] for t in TURNS],
        np.array([t["turn"] for t in TURNS]),
        gold=gold,
        predicted=predicted,
        hypotheses=REPLIES,
        references=[t["reference"] for t in TURNS],
        answered=np.array([bool(r) for r in REPLIES]),
        ranks=np.array(ranks),
        totals=np.array([t["turns"] for t in TURNS]),
        truncated=np.array(CUT),
        failed=np.array(CUT),
    )


def inputs(name: str) -> dict[str, Any]:
    metric = next(m for m in all_metrics() if m.info.name == name)
    needs = (metric.metric if isinstance(metric, AtDepth) else metric).info.needs.value
    texts = {"strategy": LABELS, "text": REPLIES, "answers": REPLIES}
    predictions = {**texts, "ranks": RANKED, "dialogue": CUT, "backend": CUT}[needs]
    gold = "strategy" if needs in ("strategy", "ranks") else "reference"
    found: dict[str, Any] = {"predictions": predictions}
    if needs not in ("answers", "dialogue", "backend"):
        found["references"] = [t[gold] for t in TURNS]  # type: ignore[literal-required]
    return found


@pytest.mark.parametrize("name", PLAIN)
def test_a_metric_in_evaluate_gives_the_number_of_a_run(name: str) -> None:
    metric = next(m for m in all_metrics() if m.info.name == name)
    turns = turns_as_columns()
    # Outside of a run an empty text is all that is known of a reply.
    unknown: dict[str, Any] = {"no_text": {"answered": None}, "no_answer": {"failed": None}}.get(name, {})
    turns = replace(turns, **unknown)
    expected = metric.score(metric.items(turns))
    module = evaluate.load(csc_tasks.metric_module(name))
    placed = {
        "conversations": [t["conversation"] for t in TURNS],
        "positions": [t["turn"] for t in TURNS],
        "totals": [t["turns"] for t in TURNS],
    }
    given = inputs(name) | {key: column for key, column in placed.items() if key in module.features}
    assert module.compute(**given)[name] == expected


@pytest.mark.parametrize("name", module_names())
def test_a_module_says_what_it_is_and_what_it_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Networks are loaded when the module is, and described before.
    monkeypatch.setattr(BertScore, "prepare", lambda self: None)
    monkeypatch.setattr(Bleurt, "prepare", lambda self: None)
    module = evaluate.load(csc_tasks.metric_module(name))
    metric = next(m for m in all_metrics() if m.info.name == name)
    assert metric.info.summary in module.description
    assert "predictions" in module.features
    assert all(key in module.inputs_description for key in module.features)
    assert "2508.04423" in module.citation


def test_a_standard_error_is_there_where_conversations_are_given() -> None:
    module = evaluate.load(csc_tasks.metric_module("bleu_2"))
    conversations = [t["conversation"] for t in TURNS]
    found = module.compute(**inputs("bleu_2"), conversations=conversations)
    own = csc_tasks.score(TURNS, [f"[其它] {reply}" for reply in REPLIES], task="response")
    assert found["bleu_2_stderr"] == own.stderrs["bleu_2"]


def test_a_tokenizer_is_chosen_and_named() -> None:
    found = evaluate.load(csc_tasks.metric_module("bleu_4"), tokenizer="char").compute(**inputs("bleu_4"))
    own = csc_tasks.score(TURNS, [f"[其它] {reply}" for reply in REPLIES], tokenizer="char")
    assert found["bleu_4_char"] == own.scores["bleu_4_char"]
    assert found["signature"].endswith("tok:char")


def test_a_gold_label_that_is_none_is_an_error() -> None:
    module = evaluate.load(csc_tasks.metric_module("strategy_acc"))
    with pytest.raises(csc_tasks.CSConvError, match="'安抚' is none of the twelve"):
        module.compute(predictions=["提供建议"], references=["安抚"])


def test_a_damaged_script_is_written_anew() -> None:
    path = Path(csc_tasks.metric_module("rouge_l"))
    path.write_text("raise SystemExit('not ours')")
    assert evaluate.load(csc_tasks.metric_module("rouge_l")).compute(**inputs("rouge_l"))["rouge_l"] > 0


@pytest.mark.slow
def test_bertscore_in_evaluate_is_that_of_a_run(e5: Path) -> None:
    module = evaluate.load(csc_tasks.metric_module("bertscore"), model=str(e5), layer=9)
    few = slice(0, 12)
    found = module.compute(predictions=REPLIES[few], references=[t["reference"] for t in TURNS[few]])
    own = csc_tasks.score(
        TURNS[few], [f"[其它] {r}" for r in REPLIES[few]], bertscore=str(e5), bertscore_layer=9
    )
    assert found["bertscore"] == own.scores["bertscore"]

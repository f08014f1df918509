"""Conversations without strategies: what is asked of a model, what is scored, and what says why the rest is not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from csc_tasks import load_conversations, score, turns
from csc_tasks.data.conversations import Conversation
from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.generation.floors import FloorLM
from csc_tasks.judging.samples import samples_of_log
from csc_tasks.metrics.judge import load_rubric
from csc_tasks.metrics.judge.rubric import DIALOGUE_RUBRIC, TURN_RUBRIC
from csc_tasks.results.find_logs import find_logs
from tests.door import csconv
from tests.running import FunctionLM, evaluate, scores

STRATEGY = {"strategy_acc", "strategy_f1_macro", "strategy_invalid", "stage_acc", "strategy_acc_first"}


def bare(conversation: Conversation) -> Conversation:
    return Conversation.of(conversation.topic, (replace(u, strategy=None) for u in conversation.utterances))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.json"
    write_conversations(path, [bare(c) for c in load("mini").conversations[:4]])
    return path


def options(own: Path, **more: str) -> dict[str, Any]:
    return {"csconv_data": str(own), "csconv_bertscore_model": "off", **more}


def test_an_unlabelled_conversation_has_an_id_of_its_own() -> None:
    labelled = load("mini").conversations[0]
    assert bare(labelled).id != labelled.id
    assert bare(labelled) == bare(bare(labelled))


def test_text_is_scored_and_the_strategies_absence_has_its_reason_in_the_report(
    own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lm = FunctionLM(lambda request: f"[提供建议] {request.doc['reference']}")
    results = evaluate(lm, ["csconv_response", "csconv_dialogue"], options(own))
    for task in ("csconv_response", "csconv_dialogue"):
        got = scores(results, task)
        assert got["rouge_l"] == got["bleu_4"] == 1.0
        assert not STRATEGY & got.keys()
        report = results["configs"][task]["metadata"]["csconv_report"]
        assert {"strategy_acc", "stage_acc"} <= set(report["absent"]["metrics"])
        assert report["absent"]["reason"] == "the supporter's utterances of own.json have no strategies"
        assert f"{task}: the supporter's utterances of own.json have no strategies" in caplog.text
    assert {"rouge_l_first", "truncated"} <= scores(results, "csconv_dialogue").keys()


def test_the_history_shows_unlabelled_turns_without_brackets_and_the_models_own_with_them(own: Path) -> None:
    lm = FunctionLM(lambda _: "没有标签的话")
    results = evaluate(lm, ["csconv_response", "csconv_dialogue"], options(own))
    first = load(str(own)).conversations[0]
    spoken = next(u.text for u in first.utterances if u.speaker.value == "客服")
    asked = [s for s in results["samples"]["csconv_response"] if s["doc"]["conversation"] == first.id]
    history = asked[-1]["arguments"][0][0].split("对话：\n")[1]
    assert f"客服: {spoken}\n" in history
    assert "客服: [" not in history
    dialogue = results["samples"]["csconv_dialogue"][0]
    assert "客服: [其它] 没有标签的话\n" in dialogue["arguments"][-1][0]
    assert asked[0]["target"] == spoken
    assert dialogue["target"].startswith(spoken)


def test_the_python_api_scores_unlabelled_turns(own: Path) -> None:
    asked = turns(load_conversations(str(own)))
    scored = score(asked, [turn["reference"] for turn in asked])
    assert scored.scores["rouge_l"] == 1.0
    assert not STRATEGY & scored.scores.keys()
    with pytest.raises(ConfigError, match=r"task='strategy' needs the gold strategy of every turn"):
        score(asked, ["提供建议"] * len(asked), task="strategy")


@pytest.mark.parametrize("task", ["strategy", "strategy_mc", "response_oracle"])
def test_what_needs_a_gold_strategy_refuses_before_generation(own: Path, task: str) -> None:
    lm = FunctionLM(lambda _: "x")
    message = (
        rf"csconv_{task} needs the strategies .*own\.json has none: evaluate csconv_response and csconv_d"
    )
    with pytest.raises(ConfigError, match=message):
        evaluate(lm, [f"csconv_lite_{task}"], options(own))
    assert lm.requests == []


def test_few_shot_examples_must_be_labelled_whatever_is_evaluated(own: Path, tmp_path: Path) -> None:
    lm = FunctionLM(lambda _: "好的")
    evaluate(lm, ["csconv_response"], options(own, csconv_train="mini"), num_fewshot=1, limit=2)
    assert "\n客服: [" in lm.requests[0].args[0]
    write_conversations(
        tmp_path / "train.json", [bare(c) for c in load("mini", Split.TRAINING).conversations]
    )
    with pytest.raises(ConfigError, match=r"train\.json has no strategies, which an example must show"):
        evaluate(
            lm, ["csconv_response"], options(own, csconv_train=str(tmp_path / "train.json")), num_fewshot=1
        )
    with pytest.raises(
        ConfigError, match=r"the majority floor learns strategies, and .*train\.json has none"
    ):
        _ = FloorLM("csconv-majority", str(tmp_path / "train.json")).training


@pytest.mark.slow
def test_a_saved_run_is_scored_shown_compared_and_judged_without_strategies(
    own: Path, tmp_path: Path
) -> None:
    for kind in ("shuffle", "random"):
        done = csconv(
            *("baseline", kind, "--tasks", "csconv_response,csconv_dialogue", "--train", "mini"),
            *("--output_path", tmp_path / kind, "--metadata", json.dumps(options(own))),
        )
        assert done.code == 0, done.err[-2000:]
    logs = {log.task: log for log in find_logs([tmp_path / "shuffle"])}
    assert not any(log.labelled for log in logs.values())
    scored = csconv("score", tmp_path / "shuffle", "--tokenizer", "char")
    assert scored.code == 0, scored.err
    for path in scored.out.split():
        (values,) = json.loads(Path(path).read_text(encoding="utf-8"))["results"].values()
        assert "bleu_4_char,none" in values
        assert "strategy_acc,none" not in values
    assert csconv("score", tmp_path / "shuffle", "--metrics", "strategy_acc").code == 1
    table = csconv("table", tmp_path)
    assert table.code == 0, table.err
    assert "shuffle" in table.out
    compared = csconv("compare", tmp_path / "random", tmp_path / "shuffle", "--full")
    assert compared.code == 0, compared.err
    assert "gold " in compared.out
    assert not re.search(rf"gold \[({'|'.join(s.zh for s in Strategy)})\]", compared.out)
    built = csconv("leaderboard", tmp_path, "--out", tmp_path / "site", "--cache", tmp_path / "kept")
    assert built.code == 0, built.err
    (turn, *_) = samples_of_log(logs["csconv_response"], load_rubric(TURN_RUBRIC))
    assert not turn.fields["reference"].startswith("[")
    (dialogue, *_) = samples_of_log(logs["csconv_dialogue"], load_rubric(DIALOGUE_RUBRIC))
    assert "客服: [" not in dialogue.fields["reference"]

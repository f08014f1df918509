"""From Python, without a harness: the numbers of a run."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

import csc_tasks
from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from tests.paths import ROOT
from tests.running import FunctionLM, evaluate, scores


def answer(request: Instance) -> str:
    """Right every third time, and cut short."""
    doc = request.doc
    right = len(doc["reference"]) % 3 == 0
    return f"[{doc['strategy'] if right else '其它'}] {doc['reference'][: 4 + doc['turn']]}"


@pytest.mark.parametrize("task", ["response", "response_oracle", "strategy"])
def test_scores_and_errors_are_those_of_a_run_to_the_last_digit(task: str) -> None:
    run = scores(evaluate(FunctionLM(answer), [f"csconv_mini_{task}"]), f"csconv_mini_{task}")
    turns = csc_tasks.turns(csc_tasks.load_conversations("mini"))
    replies = [answer(Instance("generate_until", dict(turn), ("", {}), 0)) for turn in turns]
    found = csc_tasks.score(turns, replies, task=task)
    assert found.scores == {name: value for name, value in run.items() if not name.endswith("_stderr")}
    for name, error in found.stderrs.items():
        assert math.isnan(error) or error == run[f"{name}_stderr"]
    assert found.failures == {}
    assert len(found.items["no_answer"]) == len(turns)


def test_the_signature_says_what_may_be_compared() -> None:
    conversations = csc_tasks.load_conversations("mini")
    turns = csc_tasks.turns(conversations)
    found = csc_tasks.score(turns, ["[其它] 好"] * len(turns), tokenizer="char", source="mine")
    assert "|data:mine@630eb555|" in found.signature.line
    assert found.signature.tokenizer == "char"
    frame = found.to_dataframe()
    assert list(frame.columns) == ["metric", "score", "stderr", "signature"]
    assert set(frame["metric"]) == set(found.scores) == set(found.signature.metrics)


def test_what_could_not_be_read_is_counted() -> None:
    turns = csc_tasks.turns(csc_tasks.load_conversations("mini"))[:3]
    found = csc_tasks.score(turns, [None, "好的", "[安抚] 您别急"])
    assert {problem.value: count for problem, count in found.problems.items()} == {
        "no-answer": 1,
        "no-label": 1,
        "unknown-label": 1,
    }


def test_a_prompt_is_the_one_that_a_run_sends() -> None:
    sent: list[str] = []

    def reply(request: Instance) -> str:
        sent.append(request.args[0])
        return ""

    evaluate(FunctionLM(reply), ["csconv_mini_response"], limit=9)
    conversation = csc_tasks.load_conversations("mini")[0]
    assert [csc_tasks.build_prompt(conversation, turn) for turn in range(9)] == sent


def test_a_conversation_of_ones_own_has_a_prompt_and_turns() -> None:
    own = Conversation.of(
        "产品咨询",
        [
            Utterance(Speaker.CUSTOMER, None, "你好，卡丢了怎么办？"),
            Utterance(Speaker.SUPPORTER, csc_tasks.Strategy.GREETING, "您好。"),
        ],
    )
    assert csc_tasks.build_prompt(own, 0, task="strategy").endswith("客户: 你好，卡丢了怎么办？\n客服策略:")
    (turn,) = csc_tasks.turns([own])
    assert (turn["customer"], turn["strategy"]) == ("你好，卡丢了怎么办？", "礼貌问候")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: csc_tasks.load_conversations("mini", split="test"),
            "split='test' is none of evaluation, training",
        ),
        (lambda: csc_tasks.load_conversations("nowhere"), "neither 'hub'"),
        (lambda: csc_tasks.score([], ["a"]), "0 turns and 1 replies"),
        (lambda: csc_tasks.score([], [], tokenizer="nope"), "'nope' is none of zh, char, jieba"),
        (lambda: csc_tasks.score([], [], tokenizer="zh-norm"), "'zh-norm' is none of zh, char, jieba"),
        (lambda: csc_tasks.read_reply("a", task="chat"), "task='chat' is none of"),
        (lambda: csc_tasks.build_prompt(csc_tasks.load_conversations("mini")[0], 99), "turn 99"),
        (lambda: csc_tasks.metric_module("bleu"), "no metric 'bleu'"),
    ],
)
def test_a_mistake_is_an_error_that_names_it(call: Any, words: str) -> None:
    with pytest.raises(csc_tasks.CSConvError, match=re.escape(words)):
        call()


def test_the_examples_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old_results: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").symlink_to(old_results / "models", target_is_directory=True)
    (tmp_path / "baseline.json").symlink_to(old_results / "baseline.json")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 4
    space: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/api.md", "exec"), space)
    assert space["scores"].scores["strategy_acc"] == pytest.approx(1.0)

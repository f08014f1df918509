"""`csconv train-data`: what an example says is what the evaluation says, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.shipped import mini_file
from csc_tasks.data.splits import Split
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.task_kind import TaskKind
from tests.door import csconv
from tests.running import FunctionLM, evaluate, gold
from tests.training.data import (
    ADVISE,
    GREET,
    OTHER,
    TRAINING,
    answers_of,
    card_of,
    file_of,
    lines_of,
    said,
    train_data,
)

TURNS = sum(len(c.supporter_turns) for c in TRAINING.conversations)


@pytest.mark.parametrize(("system", "asked_first"), [(None, TURNS), ("你是客服。", 20)])
def test_a_prompt_is_what_lm_eval_sends_to_a_chat_model_and_the_answer_its_target(
    tmp_path: Path, system: str | None, asked_first: int
) -> None:
    lm = FunctionLM(gold)
    source = str(mini_file(Split.TRAINING))
    asked = {"csconv_data": source, "csconv_bertscore_model": "off"}
    options = {"apply_chat_template": True, "system_instruction": system, "limit": asked_first}
    evaluate(lm, ["csconv_response"], asked, **options)
    more = ["--system-instruction", system] if system else []
    train_data("mini", "--out", tmp_path / "out", "--validation", "0", *more)
    records = {r["id"]: r for r in lines_of(tmp_path / "out")}
    assert (len(lm.requests), len(records)) == (asked_first, TURNS)
    for request in lm.requests:
        record = records[f"{request.doc['conversation']}/{request.doc['turn']}"]
        assert request.args[0] == lm.apply_chat_template(record["prompt"])
        assert record["completion"] == [{"role": "assistant", "content": gold(request)}]


@pytest.mark.parametrize("task", ["strategy", "strategy_mc", "response_oracle"])
def test_the_other_tasks_are_asked_as_they_are_evaluated(tmp_path: Path, task: str) -> None:
    kind, texts = TaskKind(task), load_prompt()
    train_data("mini", "--out", tmp_path / "out", "--tasks", task, "--validation", "0", "--limit", "1")
    (conversation,) = {r["id"].partition("/")[0] for r in lines_of(tmp_path / "out")}
    spoken = next(c for c in TRAINING.conversations if c.id == conversation)
    places = spoken.supporter_turns
    for place, record in zip(places, lines_of(tmp_path / "out"), strict=True):
        now = spoken.utterances[place]
        history = "".join(texts.line(u) for u in spoken.utterances[:place])
        asked = texts.head(kind) + history + texts.cue(kind, now.strategy)
        assert record["prompt"] == [{"role": "user", "content": asked}]
        assert answers_of(record) == [texts.target(kind, now.strategy, now.text)]
        assert record["task"] == task


def test_a_share_of_the_turns_can_be_asked_another_task_and_the_seed_says_which(tmp_path: Path) -> None:
    def drawn(seed: str) -> set[str]:
        out = tmp_path / seed
        train_data(
            "mini", "--out", out, "--tasks", "response,strategy=0.3", "--seed", seed, "--validation", "0"
        )
        records = lines_of(out)
        assert sum(r["task"] == "response" for r in records) == TURNS
        return {r["id"] for r in records if r["task"] == "strategy"}

    first, second = drawn("1"), drawn("2")
    assert 0.2 * TURNS < len(first) < 0.4 * TURNS
    assert first != second
    assert card_of(tmp_path / "1")["tasks"] == ["response", "strategy=0.3"]


@pytest.mark.parametrize("form", ["messages", "llamafactory", "swift"])
def test_every_format_holds_the_same_answers(tmp_path: Path, form: str) -> None:
    def answers(out: Path, *more: str) -> list[str]:
        train_data("mini", "--out", out, "--validation", "0", *more)
        return sorted(a for r in lines_of(out) for a in answers_of(r))

    texts, spoken = load_prompt(), (u for c in TRAINING.conversations for u in c.utterances)
    wanted = sorted(texts.target(TaskKind.RESPONSE, u.strategy, u.text) for u in spoken if u.strategy)
    assert len(wanted) == TURNS
    assert answers(tmp_path / "whole", "--format", form) == wanted
    assert answers(tmp_path / "single", "--format", form, "--unit", "turn") == wanted
    assert len(lines_of(tmp_path / "whole")) == len(TRAINING.conversations)


ODD = said(
    (None, "喂？"),
    (None, "有人吗？"),
    (GREET, "您好。"),
    (ADVISE, "请讲。"),
    (None, "我要退货。"),
    (OTHER, "这里是快递，\n不办退货。"),
    (None, "好吧。"),
)
"""The customer opens and says two things at once, the supporter twice in a row, and the customer has the last word."""


def test_a_conversation_alternates_strictly_whoever_opens_or_speaks_twice(tmp_path: Path) -> None:
    source = file_of(tmp_path / "odd.json", [ODD])
    train_data(source, "--out", tmp_path / "out", "--format", "messages")
    (record,) = lines_of(tmp_path / "out")
    head = load_prompt().head(TaskKind.RESPONSE)
    assert [(m["role"], m["content"]) for m in record["messages"]] == [
        ("user", head + "客户: 喂？\n客户: 有人吗？\n客服:"),
        ("assistant", "[礼貌问候] 您好。"),
        ("user", "客服:"),
        ("assistant", "[提供建议] 请讲。"),
        ("user", "客户: 我要退货。\n客服:"),
        ("assistant", "[其它] 这里是快递，\n不办退货。"),
    ]


def test_the_first_message_of_a_conversation_is_the_evaluation_prompt_of_its_first_turn(
    tmp_path: Path,
) -> None:
    train_data("mini", "--out", tmp_path / "turns", "--validation", "0")
    train_data("mini", "--out", tmp_path / "whole", "--validation", "0", "--format", "messages")
    first = {r["id"]: r["prompt"] for r in lines_of(tmp_path / "turns")}
    for record in lines_of(tmp_path / "whole"):
        assert record["messages"][:1] == first[f"{record['id']}/0"]


def test_unlabelled_and_labelled_files_of_each_kind_give_the_same_examples(tmp_path: Path) -> None:
    found: dict[str, Any] = {}
    for suffix in (".json", ".jsonl", ".parquet"):
        source = file_of(tmp_path / f"own{suffix}", TRAINING.conversations)
        train_data(source, "--out", tmp_path / suffix[1:])
        card = card_of(tmp_path / suffix[1:])
        assert card["source"]["name"] == f"own{suffix}"
        found[suffix] = (card["train"], card["validation"], card["source"]["fingerprint"])
    assert found[".json"] == found[".jsonl"] == found[".parquet"]
    assert found[".json"][2] == TRAINING.fingerprint


MISTAKES = [
    (("mini", "--format", "prompt-completion", "--unit", "conversation"), "has one example a turn"),
    (("mini", "--tasks", "response,dialogue"), "'dialogue' is none of strategy, strategy_mc, response"),
    (("mini", "--tasks", "response=2"), "a share of the turns is above 0 and at most 1"),
    (("mini", "--tasks", "response,response"), "response stands there twice"),
    (("mini", "--tasks", "strategy", "--format", "messages"), "take --unit turn"),
    (("mini", "--validation", "1"), "a share from 0 to below 1"),
    (("mini", "--max-length", "100"), "name the model's folder with --tokenizer"),
    (("mini", "--drop-longer"), "--drop-longer needs --max-length"),
    (("mini", "hub"), "is made of one SOURCE, not of 2"),
    (("mini", "--judge", "judge.yaml"), "are for --format preference"),
    (("a", "b", "--format", "preference"), "name the judge's configuration with --judge"),
    (("nowhere",), "is neither 'hub', 'modelscope', 'mini' nor a file"),
    (("nowhere.json",), "no such file"),
    (("mini", "--prompt", "zh-9"), "there is no prompt 'zh-9'"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_options_that_do_not_go_together_are_one_message_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = csconv("train-data", *arguments, "--out", tmp_path / "out", cwd=tmp_path)
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()

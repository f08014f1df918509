"""What a model writes of a card: read with patience, and what is wrong is told to it by number."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from csc_tasks.roleplay.asking.answers import Unusable
from csc_tasks.roleplay.card_faults import CardFault, FaultKind
from csc_tasks.synthesis.cards.drafts import CARD_SCHEMA, draft_in
from csc_tasks.synthesis.cards.fault_words import faults_in_chinese, reason_of
from csc_tasks.synthesis.prompts import load_prompts
from csc_tasks.synthesis.steps import Role
from tests.roleplay.own_cards import drafted

OURS = {"id": "own-1", "topic": "其他", "company": "[公司名称]客服热线", "made_from": "0" * 16}


def answer(change: Callable[[dict[str, Any]], object] = lambda _: None) -> str:
    parts = drafted()
    change(parts)
    return json.dumps(parts, ensure_ascii=False)


def told(change: Callable[[dict[str, Any]], object]) -> str:
    card, faults = draft_in(answer(change)).judged(**OURS)
    assert card is None
    return faults_in_chinese(faults)


def test_what_the_writer_is_told_never_changes_and_names_every_field() -> None:
    prompts = load_prompts("cards-zh-1", (Role.CARD_WRITER,))
    assert prompts.sha256 == "0120bb1567da756b"
    system, _ = prompts.texts[Role.CARD_WRITER]
    for name in (
        *CARD_SCHEMA,
        "asked_by",
        "asks",
        "says",
        "finds",
        "private",
        "done_by",
        "granted_by",
        "about",
    ):
        assert f"{name}" in system, name


@pytest.mark.parametrize(
    "change",
    [
        lambda p: None,
        lambda p: p.pop("demand"),
        lambda p: p.update(demand=None),
        lambda p: p.update(demand="无"),
        lambda p: p.update(demand={"says": [], "because": ""}),
        lambda p: p.update(opening=p["opening"][0]),
        lambda p: p["facts"][0].update(asked_by="什么时候买、哪天买，购买时间"),
        lambda p: p["steps"][0].update(done_by=["换新", "换货"]),
        lambda p: p["steps"][0].update(does="策略7 信息传达"),
        lambda p: p["facts"][0].update(optional="false"),
        lambda p: p.update(patience="4", id="no-id-of-ours", note="多写的"),
        lambda p: p.update(never=None),
        # What has a meaning in a card's sentences has none in a model's.
        lambda p: p.update(closing=["行(就这样)，谢谢{你}|。"]),
        lambda p: p.update(closing=["行，\n谢谢你。"]),
    ],
)
def test_a_form_that_is_a_little_off_is_a_card_all_the_same(
    change: Callable[[dict[str, Any]], object],
) -> None:
    card, faults = draft_in(f"<think>{{}}</think>好的：```json\n{answer(change)}\n```").judged(**OURS)
    assert faults == ()
    assert card is not None
    assert card.id == "own-1"


def test_a_card_within_a_card_is_read() -> None:
    card, _ = draft_in(json.dumps({"card": drafted()})).judged(**OURS)
    assert card is not None


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda p: p.pop("closing"), "第1处：closing：缺少这个字段"),
        (lambda p: p["facts"][1].update(asks=[]), "第1处：facts 第2项的 asks：至少要有一项"),
        (lambda p: p["steps"][0].update(does="解释"), "第1处：steps 第1项的 does：写得不合要求"),
        (lambda p: p["mood"].update(start=9), "第1处：mood start：数太大"),
        (lambda p: p.update(facts=p["facts"] * 5), "第1处：facts：项数太多"),
        (lambda p: p["facts"][0].update(asks=["您好？"]), "第1处：facts 订单时间：这句问话里没有"),
        (lambda p: p["steps"][1].update(done_by=[["退款"]]), "第1处：steps 第2项：这句话里没有凑齐 done_by"),
        (lambda p: p.update(facts="没有"), "第1处：facts：应当是列表"),
        (lambda p: p["facts"].append(3), "第1处：facts 第3项：应当是一个对象"),
        (lambda p: p.update(who=["甲"]), "第1处：who：应当是一句话"),
    ],
)
def test_a_fault_is_told_by_number_field_and_cure(
    change: Callable[[dict[str, Any]], object], line: str
) -> None:
    assert told(change).startswith(line)


def test_every_kind_of_fault_has_words_and_many_are_cut() -> None:
    for kind in FaultKind:
        line = faults_in_chinese([CardFault("steps 2", kind, "某句话{}")])
        assert line.startswith("第1处：steps 第2项：")
        assert reason_of(CardFault("facts 名称", kind, "秘密")).startswith("facts: ")
        assert kind is FaultKind.SCHEMA or "秘密" not in reason_of(CardFault("facts 名称", kind, "秘密"))
    lines = faults_in_chinese([CardFault("who", FaultKind.NO_FACT)] * 40).splitlines()
    assert (len(lines), lines[-1]) == (13, "另外还有28处，先改上面这些。")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("我不会写。", "no JSON object"),
        ('{"who": "你', "no JSON object"),
        ('{"text": "你好"}', "no JSON object with the fields of a card"),
        ("<think>先想想", "it ends inside its thinking"),
        ('{"who": "' + "长" * 1001 + '"}', "a text is longer than 1000 characters"),
        ('{"who": ' + "[" * 80 + "]" * 80 + "}", "nested too deep"),
    ],
)
def test_an_answer_that_is_no_card_is_asked_for_again(text: str, reason: str) -> None:
    with pytest.raises(Unusable) as error:
        draft_in(text)
    assert error.value.reason.startswith(reason)


def test_a_number_that_a_model_invents_is_no_ones_and_a_teacher_is_no_name() -> None:
    draft = draft_in(answer(lambda p: p["facts"][0].update(says=["我的手机号是13812345678。"])))
    assert draft.parts["facts"][0]["says"] == ["我的手机号是[手机号码]。"]
    assert sum(draft.replaced.values()) == 1
    assert draft.parts["who"].startswith("你是一位中学老师")

"""Each rule before and after a rewriting, at its border."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.own_calls.call_rules import (
    CallFilter,
    ConstructionRules,
    is_stage_direction,
    turns_of,
    with_square_brackets,
)

S, C = Speaker.SUPPORTER, Speaker.CUSTOMER
LONG = "我想问一下"


def call(pattern: str, *customers: str) -> list[Utterance]:
    """A call whose speakers are the letters; the customer's texts in order, then ``LONG``."""
    texts = iter(customers)
    return [
        Utterance(S, None, "好的，请讲") if letter == "s" else Utterance(C, None, next(texts, LONG))
        for letter in pattern
    ]


@pytest.mark.parametrize(
    ("pattern", "turns"),
    [
        ("sc", 1),
        ("scs", 2),
        ("scsc", 2),
        ("scscs", 3),
        ("cscs", 2),
        ("ssccsscc", 2),
        ("s", 1),
        ("", 0),
        ("sc" * 30, 30),
    ],
)
def test_a_turn_is_a_stretch_of_each(pattern: str, turns: int) -> None:
    assert turns_of([u.speaker for u in call(pattern)]) == turns


@pytest.mark.parametrize(
    ("utterances", "broken"),
    [
        (call("scsc"), "fewer than 3 turns"),
        (call("scscs"), ""),
        (call("scscsc"), ""),
        (call("sc" * 30), ""),
        (call("sc" * 30 + "s"), "more than 30 turns"),
        (call("scscsc", "长" * 500), ""),
        (call("scscsc", "长" * 501), "an utterance of more than 500 characters"),
        # the customer has at most half as many utterances as the supporter: 3 of 6, and 4 of 6
        (call("sscsscssc"), "the customer hardly speaks"),
        (call("sscscscsc"), ""),
        # more than three characters: 7 of 10, and 6 of 10
        (call("sc" * 10, *["好的呀"] * 3), ""),
        (call("sc" * 10, *["好的呀"] * 4), "the customer says too little"),
        (call("sc" * 10, *["好的呀。"] * 4), ""),
    ],
)
def test_a_call_is_left_out_for_the_first_rule_that_it_breaks(
    utterances: list[Utterance], broken: str
) -> None:
    assert CallFilter().broken(utterances) == broken


NEEDED = (Strategy.GREETING, Strategy.IDENTITY_VERIFICATION, Strategy.APPRECIATION_AND_CLOSURE)


def made(count: int, strategies: Sequence[Strategy | None] = NEEDED, text: str = "好的") -> list[Utterance]:
    """So many utterances in turn, the supporter's first with these strategies, the others with 信息传达."""
    found = []
    for i in range(count):
        strategy = strategies[i // 2] if i // 2 < len(strategies) else Strategy.INFORMATION_DELIVERY
        found.append(Utterance(S, strategy, text) if i % 2 == 0 else Utterance(C, None, text))
    return found


@pytest.mark.parametrize(
    ("utterances", "broken"),
    [
        (made(9), "fewer than 10 utterances"),
        (made(10), ""),
        (made(50), ""),
        (made(51), "more than 50 utterances"),
        (made(10, NEEDED[1:]), "no 礼貌问候"),
        (made(10, NEEDED[::2]), "no 确认身份"),
        (made(10, NEEDED[:2]), "no 感谢与告别"),
        (made(10, (*NEEDED, None)), "an utterance without a strategy"),
        ([*made(10), Utterance(C, None, "喂")], "the speakers do not alternate"),
        (made(10, text="长" * 500), ""),
        (made(10, text="长" * 501), "an utterance of more than 500 characters"),
        (made(10, text="打[手机号码]吧"), ""),
        (made(10, text="打【手机号码】吧"), "a placeholder in other brackets"),
        (made(10, text="打<手机号码>吧"), "a placeholder in other brackets"),
        (made(10, text="他说【真的】"), ""),
    ],
)
def test_a_conversation_is_held_to_the_construction_rules(utterances: list[Utterance], broken: str) -> None:
    assert ConstructionRules().broken(utterances) == broken


def test_of_a_call_that_is_only_labelled_the_form_counts() -> None:
    rules = ConstructionRules.of_form()
    assert rules.broken(made(4, ())) == ""
    assert rules.broken(made(60, ())) == ""
    assert rules.broken([*made(2), Utterance(C, None, "喂")]) == "the speakers do not alternate"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("（电话挂断）", True),
        ("(通话结束)", True),
        ("[对话结束]", True),
        ("【客户挂断】。", True),
        ("*挂断电话*", True),
        ("[手机号码]", False),
        ("[姓名]。", False),
        ("再见（挂断）", False),
        ("再见", False),
        ("", False),
    ],
)
def test_a_stage_direction_stands_alone_in_brackets(text: str, is_one: bool) -> None:
    assert is_stage_direction(text) is is_one


@pytest.mark.parametrize(
    "text",
    [
        "【手机号码】",
        "［手机号码］",
        "<手机号码>",
        "{手机号码}",
        "（手机号码）",
        "[[手机号码]]",
        "{{ 手机号码 }}",
    ],
)
def test_placeholders_get_square_brackets(text: str) -> None:
    assert with_square_brackets(text).strip("[]") == "手机号码"
    assert with_square_brackets(f"打{text}吧").count("[") in (1, 2)

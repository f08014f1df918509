"""Reading replies: the shapes that models write, and any text at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csc_tasks.framework import Strategy
from csc_tasks.labels import has_name
from csc_tasks.protocol.replies import Problem, clean, read_reply
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.thinking import FORMATS
from tests.paths import FIXTURES
from tests.texts import ALL, any_text

PS, GT, OT = Strategy.PROVIDING_SUGGESTIONS, Strategy.GREETING, Strategy.OTHERS
SAY = "您可以先重启一下路由器。"


@pytest.mark.parametrize(
    ("raw", "strategy", "text"),
    [
        (f"[提供建议] {SAY}", PS, SAY),  # what the prompt asks for
        (f" [提供建议] {SAY}", PS, SAY),  # a base model's leading space
        (f"[提供建议]{SAY}", PS, SAY),
        (f"［提供建议］{SAY}", PS, SAY),
        (f"【提供建议】{SAY}", PS, SAY),
        (f"【策略6：提供建议】{SAY}", PS, SAY),
        (f"(提供建议) {SAY}", PS, SAY),
        (f"（提供建议）：{SAY}", PS, SAY),
        (f"**[提供建议]** {SAY}", PS, SAY),
        (f"**提供建议**：{SAY}", PS, SAY),
        (f"[6] {SAY}", PS, SAY),
        (f"[策略6] {SAY}", PS, SAY),
        (f"[Providing Suggestions] {SAY}", PS, SAY),
        (f"[PS] {SAY}", PS, SAY),
        (f"策略6 提供建议 {SAY}", PS, SAY),
        (f"策略6：{SAY}", PS, SAY),
        (f"提供建议：{SAY}", PS, SAY),
        (f"提供建议\n{SAY}", PS, SAY),
        (f"策略：提供建议\n回复：{SAY}", PS, SAY),
        (f"策略: [提供建议]\n回复内容: {SAY}", PS, SAY),
        (f"客服: [提供建议] {SAY}", PS, SAY),
        (f"客服：[提供建议] {SAY}", PS, SAY),
        (f"回复：[提供建议] {SAY}", PS, SAY),
        (json.dumps({"strategy": "提供建议", "response": SAY}), PS, SAY),
        (json.dumps({"策略": "策略6 提供建议", "回复": SAY}, ensure_ascii=False), PS, SAY),
        (json.dumps({"strategy": 6, "reply": SAY}), PS, SAY),
        (json.dumps({"strategy": "[提供建议]", "text": SAY}), PS, SAY),
        (f"```json\n{json.dumps({'strategy': 'PS', 'response': SAY})}\n```", PS, SAY),
        (f"```\n[提供建议] {SAY}\n```", PS, SAY),
        (f"<think>客户着急，先安抚还是给建议？</think>\n\n[提供建议] {SAY}", PS, SAY),
        (f"客户着急。</think>[提供建议] {SAY}", PS, SAY),  # the template opened the thinking
        (f"<think></think>[提供建议] {SAY}", PS, SAY),
        (f"<THINK>…</THINK>[提供建议] {SAY}", PS, SAY),
        (f"[提供建议] {SAY}<|im_end|>\n<|im_start|>user", PS, SAY),
        (f"[提供建议] {SAY}\n客户: 好的\n客服: [感谢与告别] 再见", PS, SAY),  # a hallucinated next turn
        (f"[提供建议] {SAY}\n用户：好的", PS, SAY),
        ("[提供建议] 第一步，关机。\n第二步，开机。", PS, "第一步，关机。\n第二步，开机。"),
        (f"[提供建议] [姓名]先生，{SAY}", PS, f"[姓名]先生，{SAY}"),  # a placeholder belongs to the text
        (f"[其他] {SAY}", OT, SAY),
    ],
)
def test_a_response_in_any_usual_shape_is_read(raw: str, strategy: Strategy, text: str) -> None:
    reply = read_reply(raw, TaskKind.RESPONSE)
    assert (reply.strategy, reply.text, reply.problem) == (strategy, text, None)


@pytest.mark.parametrize(
    ("raw", "text", "problem"),
    [
        (None, "", Problem.NO_ANSWER),  # what an API gives for content: null
        ("", "", Problem.NO_ANSWER),
        ("\n \u3000", "", Problem.NO_ANSWER),
        ("<think>客户想退款，", "", Problem.UNCLOSED_THINKING),
        (f"<think>a</think>{SAY[:-1]}<think>b", "", Problem.UNCLOSED_THINKING),
        ("<think>只有思考</think>", "", Problem.NO_ANSWER),
        (SAY, SAY, Problem.NO_LABEL),
        ("[姓名]先生，您好。", "[姓名]先生，您好。", Problem.NO_LABEL),
        (f"[安抚客户] {SAY}", SAY, Problem.UNKNOWN_LABEL),
        (f"【共情】：{SAY}", SAY, Problem.UNKNOWN_LABEL),
        (f"[策略6 礼貌问候] {SAY}", SAY, Problem.UNKNOWN_LABEL),
        (json.dumps({"strategy": "哄一哄", "response": SAY}), SAY, Problem.UNKNOWN_LABEL),
    ],
)
def test_what_cannot_be_read_is_none_with_a_reason(raw: object, text: str, problem: Problem) -> None:
    reply = read_reply(raw, TaskKind.RESPONSE)
    assert (reply.strategy, reply.text, reply.problem) == (None, text, problem)


def test_a_label_without_an_utterance_keeps_its_strategy() -> None:
    reply = read_reply("[提供建议]", TaskKind.RESPONSE)
    assert (reply.strategy, reply.text, reply.problem) == (PS, "", Problem.NO_TEXT)
    assert reply.answered


@pytest.mark.parametrize(
    ("raw", "strategy"),
    [
        ("提供建议", PS),
        (" 提供建议\n", PS),
        ("提供建议。", PS),
        ("6", PS),
        ("6. 提供建议", PS),
        ("策略6：提供建议", PS),
        ("客服策略: 提供建议", PS),
        ("答案：提供建议", PS),
        ("策略：提供建议", PS),
        ("PS", PS),
        ("Providing Suggestions", PS),
        ("“提供建议”", PS),
        (f"[提供建议] {SAY}", PS),  # a model that answers the other task
        ("客服下一句话应当采用“提供建议”策略。", PS),  # one name in prose
        ('{"strategy": "提供建议"}', PS),
        ("<think>礼貌问候？不，客户已经问完了。</think>提供建议", PS),
        ("礼貌问候或提供建议", None),  # two names are no answer
        ("不知道", None),
        ("7个工作日内到账", None),  # a number in a sentence is no label
        ("", None),
    ],
)
def test_a_bare_strategy_is_read(raw: str, strategy: Strategy | None) -> None:
    assert read_reply(raw, TaskKind.STRATEGY).strategy is strategy


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (SAY, SAY),
        (f" {SAY}", SAY),
        (f"[提供建议] {SAY}", SAY),  # an echoed label is not part of the utterance
        (f"客服: [提供建议] {SAY}", SAY),
        (f"[姓名] {SAY}", f"[姓名] {SAY}"),
        (f"{SAY}\n客户: 好", SAY),
    ],
)
def test_an_oracle_reply_is_its_text_alone(raw: str, text: str) -> None:
    reply = read_reply(raw, TaskKind.RESPONSE_ORACLE)
    assert (reply.strategy, reply.text) == (None, text)


@given(st.one_of(any_text, st.none(), st.integers(), st.binary()), st.sampled_from(TaskKind))
@settings(max_examples=1000)
def test_any_reply_is_read_without_an_exception(raw: object, kind: TaskKind) -> None:
    reply = read_reply(raw, kind)
    assert isinstance(reply.text, str)
    reply.text.encode("utf-8")  # and can be logged


pieces = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "[",
            "]",
            "【",
            "】",
            "提供建议",
            "策略6",
            "客服:",
            "\n客户:",
            "```",
            "json",
            "{",
            "}",
            '"strategy":',
            '"6"',
            ",",
            "：",
            " ",
            "\n",
            "您好",
            "<|im_end|>",
            "**",
            "6",
            "(",
            "）",
        ]
    ),
    max_size=40,
).map("".join)


@given(pieces, st.sampled_from(TaskKind))
@settings(max_examples=1000)
def test_any_mixture_of_markup_is_read_without_an_exception(raw: str, kind: TaskKind) -> None:
    read_reply(raw, kind)


@pytest.mark.parametrize("raw", ALL)
def test_hostile_texts_are_read(raw: str) -> None:
    for kind in TaskKind:
        read_reply(raw, kind)


MARKS = {
    *(mark.casefold() for each in FORMATS for mark in (each.opening, each.closing)),
    *("<|", "<｜", "</s>", "<s>", "_of_turn>", "<eos>", "<bos>", "inst]"),
}
one_line = (
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=60)
    .map(str.strip)
    .filter(bool)
    # Markup that has a meaning of its own is not part of a well-formed utterance.
    .filter(lambda t: not any(mark in t.casefold() for mark in MARKS))
    .filter(lambda t: t[0] not in "\"'“‘「『")
    .filter(lambda t: not has_name(t))  # a second name at the label's place makes two labels, which are none
)


@given(st.sampled_from(Strategy), one_line)
@example(Strategy.GREETING, "[1")  # no second label: nothing closes it
@example(Strategy.GREETING, "【A")
@settings(max_examples=500)
def test_a_well_formed_response_survives_a_round_trip(strategy: Strategy, text: str) -> None:
    reply = read_reply(f"[{strategy.zh}] {text}", TaskKind.RESPONSE)
    assert (reply.strategy, reply.text, reply.problem) == (strategy, text, None)


@pytest.mark.parametrize("strategy", Strategy)
def test_a_well_formed_strategy_survives_a_round_trip(strategy: Strategy) -> None:
    assert read_reply(strategy.zh, TaskKind.STRATEGY).strategy is strategy


@pytest.mark.parametrize(
    "raw",
    [
        '{"strategy": "提供建议", "response": "\\ud83d您好"}',
        '{"strategy": "\\ud83d", "response": "您好"}',
        "<thınk>x</think>[提供建议] 您好",
        "<THİNK>x</THİNK>[提供建议] 您好",
        "[İV] 您好",
        "[ıd] 您好",
    ],
)
@pytest.mark.parametrize("kind", [TaskKind.RESPONSE, TaskKind.STRATEGY, TaskKind.RESPONSE_ORACLE])
def test_half_a_character_in_json_and_letters_without_a_pair_are_read_and_can_be_logged(
    raw: str, kind: TaskKind
) -> None:
    assert json.dumps(read_reply(raw, kind).record(), ensure_ascii=False).encode()


def test_lone_surrogates_are_replaced_so_that_the_log_can_be_written() -> None:
    assert clean("好\ud83d的") == "好?的"
    assert clean("好😀的") == "好😀的"
    assert clean(None) == ""


CASES = json.loads((FIXTURES / "replies.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{case['kind']}" for i, case in enumerate(CASES)])
def test_what_models_wrote_in_real_use_is_read_as_a_fair_reader_would(case: dict[str, str | None]) -> None:
    reply = read_reply(case["raw"], TaskKind(case["kind"]))
    problem = reply.problem.value if reply.problem else None
    assert (reply.strategy.zh if reply.strategy else None) == case["strategy"], case["why"]
    assert case["text"] in (None, reply.text), case["why"]
    assert problem == case["problem"] or (case["problem"], problem) == ("unknown-label", "no-label"), case[
        "why"
    ]


@pytest.mark.parametrize(
    ("raw", "strategy", "text"),
    [
        (f"策略六：提供建议\n{SAY}", PS, SAY),  # number and name are one label
        (f"第6种策略：提供建议\n回复：{SAY}", PS, SAY),
        (f"### 策略\n提供建议\n### 回复\n{SAY}", PS, SAY),
        (f"**策略**：提供建议\n**回复**：{SAY}", PS, SAY),
        (f"答：[提供建议] {SAY}", PS, SAY),
        (f"思考：客户着急。\n\n[提供建议] {SAY}", PS, SAY),
        (f"<|start_header_id|>assistant<|end_header_id|>\n\n[提供建议] {SAY}<|eot_id|>", PS, SAY),
        (f"<｜Assistant｜>[提供建议] {SAY}<｜end▁of▁sentence｜>", PS, SAY),
        (f"final[提供建议] {SAY}", PS, SAY),  # gpt-oss without thinking, special tokens left out
        (f"[提供建议] “{SAY}”", PS, SAY),
        (f"[提供建议]\n\n{SAY}\n\n---\n这样回复既专业又有礼貌。", PS, SAY),
        ("1. 先关机。2. 再开机。", None, "1. 先关机。2. 再开机。"),  # a list number is no label
        ("ID 尾号是多少？", None, "ID 尾号是多少？"),  # and neither is a word that looks like an abbreviation
        ("您可以提供建议给我们。", None, "您可以提供建议给我们。"),
        ("[情感管理] 提供建议 您可以重启。", None, "您可以重启。"),  # two labels are none
        ("[情感管理]、[提供建议] 您可以重启。", None, "您可以重启。"),
        ("“您好。”她说。“再见。”", None, "“您好。”她说。“再见。”"),
    ],
)
def test_a_label_is_read_by_one_rule_and_the_utterance_is_what_is_left(
    raw: str, strategy: Strategy | None, text: str
) -> None:
    reply = read_reply(raw, TaskKind.RESPONSE)
    assert (reply.strategy, reply.text) == (strategy, text)


def test_what_was_written_in_a_labels_place_is_kept_for_the_report() -> None:
    assert read_reply("[共情安抚] 真抱歉。", TaskKind.RESPONSE).label == "共情安抚"
    assert read_reply('{"strategy": "哄一哄", "response": "好"}', TaskKind.RESPONSE).label == "哄一哄"
    assert read_reply("情感管理 → 提供建议", TaskKind.STRATEGY).label == "情感管理 → 提供建议"
    assert read_reply("[提供建议] 好。", TaskKind.RESPONSE).label == ""
    assert read_reply("[情感管理] 真抱歉。[提供建议] 您重启。", TaskKind.RESPONSE).further

"""Reading replies: the shapes that models write, and any text at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csc_tasks.framework import Strategy
from csc_tasks.protocol.replies import Problem, Reply, clean, leaves_in_thought, read_reply
from csc_tasks.protocol.task_kind import TaskKind
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
        (f"<think>a</think>[提供建议] {SAY}<think>b", "", Problem.UNCLOSED_THINKING),
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


@pytest.mark.parametrize(
    "unit", ["<think>", "[", "[提供建议", "【", "\n客户", "```", "{", " ", "策略", "**", "<|a|>"]
)
def test_reading_takes_time_in_proportion_to_length(unit: str) -> None:
    # A quadratic pattern would take minutes on these; the test suite's own timeout would say so.
    for kind in TaskKind:
        read_reply(unit * 20_000, kind)


one_line = (
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=60)
    .map(str.strip)
    .filter(bool)
    # Markup that has a meaning of its own is not part of a well-formed utterance.
    .filter(lambda t: not any(mark in t.lower() for mark in ("<think", "</think", "<|", "</s>")))
)


@given(st.sampled_from(Strategy), one_line)
@settings(max_examples=500)
def test_a_well_formed_response_survives_a_round_trip(strategy: Strategy, text: str) -> None:
    reply = read_reply(f"[{strategy.zh}] {text}", TaskKind.RESPONSE)
    assert (reply.strategy, reply.text, reply.problem) == (strategy, text, None)


@pytest.mark.parametrize("strategy", Strategy)
def test_a_well_formed_strategy_survives_a_round_trip(strategy: Strategy) -> None:
    assert read_reply(strategy.zh, TaskKind.STRATEGY).strategy is strategy


def test_lone_surrogates_are_replaced_so_that_the_log_can_be_written() -> None:
    assert clean("好\ud83d的") == "好?的"
    assert clean("好😀的") == "好😀的"
    assert clean(None) == ""


@pytest.mark.parametrize(
    ("kind", "reply", "strategy", "text", "problem"),
    [
        # the template opened the thinking, and the reply closes it
        (
            TaskKind.RESPONSE,
            "客户急了。</think>\n[情感管理] 您别急。",
            Strategy.EMOTIONAL_MANAGEMENT,
            "您别急。",
            None,
        ),
        # it never ends: what is said there is no answer, although it names a strategy
        (TaskKind.RESPONSE, "客户急了，应当用情感管理。", None, "", Problem.UNCLOSED_THINKING),
        (TaskKind.STRATEGY, "客户急了，应当用情感管理。", None, "", Problem.UNCLOSED_THINKING),
        # the backend was given think_end_token and took the thinking away
        (TaskKind.RESPONSE, "[情感管理] 您别急。", Strategy.EMOTIONAL_MANAGEMENT, "您别急。", None),
        (TaskKind.STRATEGY, "情感管理", Strategy.EMOTIONAL_MANAGEMENT, "", None),
        (TaskKind.RESPONSE_ORACLE, "您别急。", None, "您别急。", None),
        (TaskKind.RESPONSE, "", None, "", Problem.NO_ANSWER),
    ],
)
def test_a_reply_that_begins_within_the_thinking_is_read_as_such(
    kind: TaskKind, reply: str, strategy: Strategy | None, text: str, problem: Problem | None
) -> None:
    assert read_reply(reply, kind, in_thought=True) == Reply(strategy, text, problem)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("客服:<|assistant|><think>\n", True),
        ("<think>", True),
        ("<think></think>\n\n", False),
        ("客服:", False),
        (None, False),
    ],
)
def test_a_prompt_that_opens_the_thinking_is_recognised(prompt: object, expected: bool) -> None:
    assert leaves_in_thought(prompt) is expected

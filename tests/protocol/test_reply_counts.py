"""Counting what is wrong with replies: what people look for by hand when a score is low."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.framework import Strategy
from csc_tasks.protocol.prompt import load_prompt, prompt_versions
from csc_tasks.protocol.replies import Reply, read_reply
from csc_tasks.protocol.reply_counts import ReplyCounts, said_in
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.turns import TurnDoc, turn_docs

ADVICE = Strategy.from_name("提供建议")
HEAD = load_prompt().head(TaskKind.RESPONSE)


def turn(number: int, customer: str = "嗯", reference: str = "gold", conversation: str = "a") -> TurnDoc:
    return TurnDoc(
        conversation=conversation,
        topic="其他",
        turn=number,
        turns=9,
        customer=customer,
        strategy="提供建议",
        reference=reference,
        customers=[customer],
    )


def counted(
    docs: list[TurnDoc], texts: list[str], context: Context = Context.REFERENCE, **options: Any
) -> dict[str, Any]:
    counts = ReplyCounts(options.pop("kind", TaskKind.RESPONSE), context, HEAD)
    counts.add(docs, [Reply(ADVICE, text) for text in texts], **options)
    signs: dict[str, Any] = counts.figures()["signs"]
    return signs


@pytest.mark.parametrize("version", prompt_versions())
@pytest.mark.parametrize("context", list(Context))
@pytest.mark.parametrize("split", list(Split))
def test_people_who_answer_customers_show_no_sign(context: Context, split: Split, version: str) -> None:
    docs = list(turn_docs(load("mini", split).conversations))
    replies = [read_reply(f"[{d['strategy']}] {d['reference']}", TaskKind.RESPONSE) for d in docs]
    counts = ReplyCounts(TaskKind.RESPONSE, context, load_prompt(version).head(TaskKind.RESPONSE))
    counts.add(docs, replies)
    signs = counts.figures()["signs"]
    assert (signs["read"], signs["counts"], signs["languages"]) == (len(docs), {}, {})


def test_the_same_utterance_at_several_turns_is_counted_whatever_its_punctuation() -> None:
    texts = ["请稍等一下。", "请稍等一下", "請等", "好的。", "好的。", "换一台试试。", "　请稍等一下！"]
    assert counted([turn(k) for k in range(7)], texts)["counts"]["identical"] == 3  # 好的 says too little


@pytest.mark.parametrize(("context", "repeated"), [(Context.REFERENCE, 2), (Context.GENERATED, 2)])
def test_what_was_said_before_in_the_conversation_is_counted_in_the_history_that_stood_there(
    context: Context, repeated: int
) -> None:
    docs = [
        turn(0, "我的快递没到", "请问单号是多少"),
        turn(1, "单号是一二三", "正在为您查询"),
        turn(2, "查到了吗？快点", "还在路上呢"),
        turn(0, "我的快递没到", "别的对话", conversation="b"),
    ]
    # The customer's words; the supporter's of before, gold or own; another conversation's are none of its own.
    texts = ["我的快递没到。", "请问单号是多少？", "请问单号是多少？", "单号是一二三"]
    expected = {Context.REFERENCE: 3, Context.GENERATED: 2}[context]
    assert counted(docs, texts, context)["counts"]["repeated"] == expected
    # The order in which turns come, as from several processes, makes no difference.
    assert counted(docs[::-1], texts[::-1], context)["counts"]["repeated"] == expected
    assert repeated <= expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("客服说的话", True),
        ("所选策略的名称", True),
        ("先对这份情绪表示理解和关心。", True),
        ("好，不能与对话中说过的矛盾，也不做办不到的承诺；请放心。", True),
        ("客服", False),  # too short to mean anything
        ("您可以先重启一下光猫，再看看信号灯。", False),
    ],
)
def test_words_of_the_prompt_are_counted(text: str, found: bool) -> None:
    assert counted([turn(0)], [text])["counts"].get("prompt_words", 0) == found


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I am sorry to hear that, let me check.", "latin"),
        ("申し訳ございません、確認いたします。", "kana"),
        ("죄송합니다, 확인해 드리겠습니다.", "hangul"),
        ("Извините, сейчас проверю ваш заказ.", "cyrillic"),
        ("您可以下载 Alipay Wallet，再登录 App。", ""),
        ("很抱歉給您帶來不便，我馬上為您查詢。", ""),
        ("OK", ""),
        ("12345 67890", ""),
        ("请发到 service@example.com。", ""),
        ("", ""),
    ],
)
def test_other_languages_than_chinese_are_told_apart(text: str, language: str) -> None:
    signs = counted([turn(0)], [text])
    assert signs["languages"] == ({language: 1} if language else {})
    assert signs["counts"].get("other_language", 0) == bool(language)


def test_a_task_without_utterances_has_signs_of_labels_alone() -> None:
    same = ["提供建议"] * 3
    docs = [turn(k) for k in range(3)]
    assert counted(docs, same, kind=TaskKind.STRATEGY, truncated=[True, False, True])["counts"] == {
        "truncated": 2
    }


def test_what_processes_counted_is_one_count() -> None:
    docs = [turn(k, reference=f"参考回复第{k}句") for k in range(4)]
    texts = ["请稍等一下。", "请稍等一下。", "参考回复第0句", "客服说的话"]
    parts = []
    for k in range(4):
        part = ReplyCounts(TaskKind.RESPONSE, Context.REFERENCE, HEAD)
        part.add([docs[k]], [Reply(ADVICE, texts[k])])
        parts.append(pickle.loads(pickle.dumps(part)))
    together = ReplyCounts(TaskKind.RESPONSE, Context.REFERENCE, HEAD)
    together.merge(parts)
    assert together.figures()["signs"] == counted(docs, texts)
    assert together.figures()["signs"]["counts"] == {"identical": 2, "repeated": 1, "prompt_words": 1}


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (None, ""),
        ("a\x1b[31mb\nc\u202ed\ud83d", "a [31mb c d"),
        ("好" * 99, "好" * 79 + "…"),
    ],
)
def test_an_example_is_one_line_that_does_nothing_to_a_terminal(answer: object, shown: str) -> None:
    assert said_in(answer) == shown

"""The prompt texts: complete, versioned, and stable where caches and old scores rely on it."""

from __future__ import annotations

import pytest

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.data.sources import load
from csc_tasks.framework import Strategy
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.replies import read_reply
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, prefix_share, turn_docs

# A change of wording is a new version: these digits may change only together with the version's name.
PUBLISHED = {"zh-1": "c7a949fd18889613"}


@pytest.mark.parametrize(("version", "digest"), PUBLISHED.items())
def test_a_published_prompt_never_changes(version: str, digest: str) -> None:
    assert load_prompt(version).version == version
    assert load_prompt(version).sha256 == digest


@pytest.mark.parametrize("kind", TaskKind)
def test_every_strategy_is_defined_in_every_instruction(kind: TaskKind) -> None:
    head = load_prompt().head(kind)
    for strategy in Strategy:
        number = strategy.letter if kind is TaskKind.STRATEGY_MC else str(strategy.number)
        assert f"{number}. {strategy.zh}（{strategy.stage.zh if strategy.stage else '任何阶段'}）" in head
    assert head.endswith("对话：\n")
    assert "{" not in head


def test_an_utterance_is_one_line_of_history_whatever_it_holds() -> None:
    prompt = load_prompt()
    supporter = Utterance(Speaker.SUPPORTER, Strategy.GREETING, "您好\n请讲\r\n{x}")
    assert prompt.line(supporter) == "客服: [礼貌问候] 您好 请讲  {x}\n"
    assert prompt.line(Utterance(Speaker.CUSTOMER, None, "嗯\n")) == "客户: 嗯 \n"


def test_an_earlier_turn_without_a_readable_strategy_is_shown_as_others() -> None:
    assert load_prompt().line(Utterance(Speaker.SUPPORTER, None, "嗯")) == "客服: [其它] 嗯\n"


@pytest.mark.parametrize("kind", [TaskKind.STRATEGY, TaskKind.RESPONSE, TaskKind.RESPONSE_ORACLE])
def test_the_target_of_every_turn_is_read_back_as_gold(kind: TaskKind) -> None:
    conversations = load("mini").conversations
    book = PromptBook(conversations, load_prompt(), kind)
    for doc in turn_docs(conversations):
        reply = read_reply(book.target(doc), kind)
        if kind.predicts_strategy:
            assert reply.strategy is not None
            assert reply.strategy.zh == doc["strategy"]
        if kind.writes_text:
            assert reply.text == doc["reference"]


def test_turns_carry_the_customers_last_words_and_their_place() -> None:
    conversation = load("mini").conversations[0]
    docs = list(turn_docs([conversation]))
    assert [d["turn"] for d in docs] == list(range(len(conversation.supporter_turns)))
    for doc, position in zip(docs, conversation.supporter_turns, strict=True):
        before = conversation.utterances[:position]
        assert doc["customer"] == next(
            (u.text for u in reversed(before) if u.speaker is Speaker.CUSTOMER), ""
        )
        assert doc["reference"] == conversation.utterances[position].text


def test_an_ideal_prefix_cache_holds_nine_tenths_of_what_mini_sends() -> None:
    conversations = load("mini").conversations
    for kind in (TaskKind.STRATEGY, TaskKind.RESPONSE):
        book, head = PromptBook(conversations, load_prompt(), kind), load_prompt().head(kind)
        assert prefix_share(head + book.question(doc) for doc in turn_docs(conversations)) >= 0.90


@pytest.mark.parametrize(
    ("prompts", "share"),
    [
        (["ab"], 0.0),
        (["ab", "abcd"], 2 / 6),
        (["ab", "xb"], 0.0),
        (["abc", "abc"], 0.5),
        ([[1, 2], [1, 3]], 0.25),
    ],
)
def test_the_prefix_share_of_literal_prompts(prompts: list[str], share: float) -> None:
    assert prefix_share(prompts) == pytest.approx(share)

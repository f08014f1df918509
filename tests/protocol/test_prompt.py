"""The prompt texts: complete, versioned, and stable where caches and old scores rely on it."""

from __future__ import annotations

import re

import pytest

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.data.sources import load
from csc_tasks.framework import Stage, Strategy
from csc_tasks.metrics.strategy_definitions import strategy_definitions
from csc_tasks.protocol.prompt import Prompt, load_prompt, prompt_versions
from csc_tasks.protocol.replies import read_reply
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import PromptBook, prefix_share, turn_docs

# A change of wording is a new version: these digits may change only together with the version's name.
PUBLISHED = {
    "zh-1": "c7a949fd18889613",
    "zh-2": "2c9fab642e4da3be",
    "zh-2b": "01704f58608e9bfd",
    "zh-2c": "ea5df3c05297ccf4",
    "en-1": "07e3852bad9f63e5",
}
VERSIONS = prompt_versions()
PROMPTS = [load_prompt(version) for version in VERSIONS]
DEFINITIONS = {"zh-2": "zh-2", "zh-2b": "zh-2", "zh-2c": "zh-2c", "en-1": "en-1"}
STAGES = {
    "zh-1": ("", "任何阶段"),
    "zh-2": ("第{}阶段", "任何阶段"),
    "zh-2b": ("五个阶段中的第{}个", "五个阶段都有"),
    "zh-2c": ("阶段{}", "不限阶段"),
    "en-1": ("stage {}", "any stage"),
}


@pytest.mark.parametrize(("version", "digest"), PUBLISHED.items())
def test_a_published_prompt_never_changes(version: str, digest: str) -> None:
    assert load_prompt(version).version == version
    assert load_prompt(version).sha256 == digest


def test_every_version_that_there_is_is_held_to_its_digest() -> None:
    assert set(VERSIONS) == PUBLISHED.keys()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", TaskKind)
def test_every_strategy_is_defined_in_every_instruction(kind: TaskKind, version: str) -> None:
    head = load_prompt(version).head(kind)
    for strategy in Strategy:
        number = strategy.letter if kind is TaskKind.STRATEGY_MC else str(strategy.number)
        (line,) = (line for line in head.split("\n") if line.startswith(f"{number}. "))
        stage, no_stage = STAGES[version]
        assert line.startswith(f"{number}. {strategy.zh}")
        named = strategy.stage and (stage.format(strategy.stage.number) or strategy.stage.zh)
        assert (named or no_stage) in line
        assert (strategy.en in line) == (version == "en-1")
    assert head.endswith("对话：\n")
    assert "{" not in head


@pytest.mark.parametrize(("version", "definitions"), DEFINITIONS.items())
def test_a_prompt_shows_the_definitions_that_it_names_word_for_word(version: str, definitions: str) -> None:
    for kind in TaskKind:
        assert all(text in load_prompt(version).head(kind) for text in strategy_definitions(definitions))


def test_another_definition_is_another_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    other = (*strategy_definitions("zh-2")[:11], "别的。")
    monkeypatch.setattr("csc_tasks.protocol.prompt.strategy_definitions", lambda version: other)
    load_prompt.cache_clear()
    try:
        assert load_prompt("zh-2").sha256 != PUBLISHED["zh-2"]
        assert load_prompt("zh-1").sha256 == PUBLISHED["zh-1"]
    finally:
        load_prompt.cache_clear()


@pytest.mark.parametrize("version", sorted(set(VERSIONS) - {"zh-1"}))
def test_the_form_of_an_answer_is_told_in_words_without_a_slot_or_an_example_to_copy(version: str) -> None:
    """A bracket with words in it before the conversation was copied by small models as it stood, and so were the
    names of stages in the place of a strategy's."""
    for kind in TaskKind:
        head = load_prompt(version).head(kind)
        assert not re.search(r"[\[【<{]", head)
        assert not any(stage.zh in head or stage.en in head for stage in Stage)


def test_the_marks_of_a_conversation_are_the_same_in_every_version() -> None:
    """Logs are read by them, answers end at them, and stops that a run had are known by them."""
    assert len({(p.stops, p.supporter_line, p.customer_line, p.next_dialogue) for p in PROMPTS}) == 1
    assert len({(*p.cues.values(), *p.targets.values()) for p in PROMPTS}) == 1


def test_paraphrases_say_of_what() -> None:
    assert {p.version: p.wording_of for p in PROMPTS} == {
        "zh-1": "zh-1",
        "zh-2": "zh-2",
        "zh-2b": "zh-2",
        "zh-2c": "zh-2",
        "en-1": "en-1",
    }


def test_an_utterance_is_one_line_of_history_whatever_it_holds() -> None:
    prompt = load_prompt()
    supporter = Utterance(Speaker.SUPPORTER, Strategy.GREETING, "您好\n请讲\r\n{x}")
    assert prompt.line(supporter) == "客服: [礼貌问候] 您好 请讲  {x}\n"
    assert prompt.line(Utterance(Speaker.CUSTOMER, None, "嗯\n")) == "客户: 嗯 \n"


def test_an_earlier_turn_without_a_readable_strategy_is_shown_as_others() -> None:
    assert load_prompt().line(Utterance(Speaker.SUPPORTER, None, "嗯")) == "客服: [其它] 嗯\n"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", [TaskKind.STRATEGY, TaskKind.RESPONSE, TaskKind.RESPONSE_ORACLE])
def test_the_target_of_every_turn_is_read_back_as_gold(kind: TaskKind, version: str) -> None:
    conversations = load("mini").conversations
    book = PromptBook(conversations, load_prompt(version), kind)
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


@pytest.mark.parametrize("prompt", PROMPTS, ids=VERSIONS)
def test_an_ideal_prefix_cache_holds_nine_tenths_of_what_mini_sends(prompt: Prompt) -> None:
    conversations = load("mini").conversations
    for kind in TaskKind:
        book, head = PromptBook(conversations, prompt, kind), prompt.head(kind)
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

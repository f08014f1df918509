"""Nothing that a model, a server or a file writes is read in more time than its length: every reader, every unit."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.chat.faults import rule_for
from csc_tasks.credentials import without_secret_pairs, without_secrets
from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.data.importing import ImportOptions, import_file
from csc_tasks.errors import DataError
from csc_tasks.labels import names_in, read_strategy
from csc_tasks.leaderboards.reading.identity import Identity
from csc_tasks.leaderboards.rendering.chart_names import fitted
from csc_tasks.leaderboards.rendering.text import code, file_stem, inline, printable
from csc_tasks.metrics.judge import Sample, load_rubric, read_verdict
from csc_tasks.metrics.judge.prompt import ask
from csc_tasks.metrics.tokenizers import TOKENIZERS, tokenize_ascii, tokenize_norm
from csc_tasks.printable import printable_lines
from csc_tasks.protocol.replies import Reply, read_reply
from csc_tasks.protocol.reply_counts import ReplyCounts, said_in
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.roleplay.asking.answers import Unusable
from csc_tasks.roleplay.card_sets import shipped_card_set
from csc_tasks.roleplay.customer_words import says_who, speaks_as_supporter
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.leaks import tells
from csc_tasks.roleplay.model_customer.prompts import load_customer_prompts
from csc_tasks.roleplay.model_customer.reading import NotPlayed, read_direction, read_utterance
from csc_tasks.roleplay.model_customer.scene import Scene
from csc_tasks.roleplay.progress import CaseProgress
from csc_tasks.synthesis.cards.drafts import draft_in
from csc_tasks.synthesis.output.shingles import shingles_of
from csc_tasks.synthesis.output.stock_phrases import StockPhrases
from csc_tasks.synthesis.own_calls.call_rules import is_stage_direction, with_square_brackets
from csc_tasks.synthesis.own_calls.redaction import redact
from csc_tasks.synthesis.review.sheet import guarded, unguarded
from tests.growth import UNITS, assert_linear, mixtures

RUBRIC, PAIRS = load_rubric("turn-zh-2"), load_rubric("pairwise-zh-2")


def shown(text: str) -> object:
    return ask(RUBRIC, Sample("c", 0, {"history": text, "strategy": "", "reply": text, "reference": ""}))


def imported(text: str) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "talk.json"
        path.write_text(json.dumps([{"turns": [text, f"客服:{text}", "客户:" + text]}]), encoding="utf-8")
        try:
            return import_file(path, ImportOptions())
        except DataError as error:
            return str(error)


def counted(text: str) -> object:
    counts = ReplyCounts(TaskKind.RESPONSE, Context.REFERENCE, "客服")
    doc: Any = {"conversation": "c", "turn": 0, "customer": text, "customers": [text], "reference": text}
    counts.add([doc], [Reply(None, text)])
    return counts.figures()


def taken_apart(text: str) -> object:
    topic, said = "", (Utterance(Speaker.CUSTOMER, None, text), Utterance(Speaker.SUPPORTER, None, text))
    phrases = StockPhrases()
    phrases.add([text])
    return shingles_of(Conversation.of(topic, said)), phrases.most_used(3)


def draft_of(text: str) -> object:
    """What is read of a case card whose every sentence is a text."""
    answer = json.dumps({"who": text, "opening": [text], "facts": [{"asked_by": text, "asks": text}]})
    return draft_or_reason(answer), draft_or_reason(text)


def draft_or_reason(text: str) -> object:
    try:
        return draft_in(text)
    except Unusable as unusable:
        return unusable


CASE = CaseInPlay(shipped_card_set().cards[0], "linear")
SCENE = Scene(CASE, load_customer_prompts(), CaseProgress(CASE), mood=3)


def utterance(text: str) -> object:
    raw = json.dumps({"text": text[:1900]}, ensure_ascii=False) + text
    try:
        return read_utterance(raw, SCENE, text, text, (), CASE.needed)
    except NotPlayed as error:
        return error.fault


def direction(text: str) -> object:
    fields = {"asked": [text], "direction": text[:150], "mood": text, "demand": text, "end": text}
    try:
        return read_direction(text + json.dumps(fields, ensure_ascii=False), CASE)
    except NotPlayed as error:
        return error.fault


READERS: dict[str, Callable[[str], object]] = {
    **{f"a reply to {kind.value}": lambda text, kind=kind: read_reply(text, kind) for kind in TaskKind},
    "a verdict": lambda text: read_verdict(text, RUBRIC),
    "a verdict on a pair": lambda text: read_verdict(text, PAIRS),
    "what a judge is shown": shown,
    "a label": read_strategy,
    "names in prose": names_in,
    **{f"the tokens of {name}": read for name, read in TOKENIZERS.items()},
    "the tokens of zh-norm": tokenize_norm,
    "the tokens of rouge-score": tokenize_ascii,
    "a transcript": imported,
    "a line for a terminal": printable,
    "names beside an axis": lambda text: fitted([text, text + "x", text + "y"], 19),
    "the training of a checkpoint": lambda text: (
        Identity(text, text, text, 1, 0, (("peft", text), ("revision", text))).training_run
    ),
    "a line as long as it is": lambda text: inline(text, len(text)),
    "lines for a terminal": printable_lines,
    "a cell": code,
    "a file's name": file_stem,
    "an example": said_in,
    "a server's words": lambda text: rule_for(400, text, answered=False, keyed=True),
    "a text with keys": without_secrets,
    "a text with headers": without_secret_pairs,
    "the counts of what is wrong": counted,
    "personal data": redact,
    "a placeholder in brackets": with_square_brackets,
    "a stage direction": is_stage_direction,
    "a cell of a review sheet": lambda text: unguarded(guarded(text)),
    "what a conversation consists of": taken_apart,
    "a draft of a case card": draft_of,
    "what a customer says": utterance,
    "what a director says": direction,
    "what a customer's words show": lambda text: (
        says_who(text),
        speaks_as_supporter(text),
        tells(text, text),
    ),
}
AROUND = (("", ""), ("[提供建议] ", "。"), ('{"reason": "', ""), ("<think>", "</think>"), ("客服: ", "分"))
QUICK = ("a verdict", "a transcript", "a label", "the tokens of char")


@pytest.mark.parametrize("name", READERS)
def test_the_time_of_reading_grows_with_the_length_alone(name: str) -> None:
    for unit in UNITS[:: 4 if name in QUICK else 12]:
        assert_linear(READERS[name], unit)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_the_time_of_reading_grows_with_the_length_alone_whatever_stands_around(name: str) -> None:
    for unit in UNITS:
        assert_linear(READERS[name], unit, "您好", "x")
    for seed, (before, after) in enumerate(AROUND):
        for unit in mixtures(seed, count=6):
            assert_linear(READERS[name], unit, before, after)


@pytest.mark.parametrize("unit", ['{"a":', "[", "{", '{"a":[', '[{"a":'])
def test_brackets_without_end_are_read_as_no_answer(unit: str) -> None:
    text = unit * 20_000
    assert read_verdict(text, RUBRIC).scores is None
    for kind in TaskKind:
        assert read_reply(text, kind).strategy is None


def test_the_lines_of_one_speaker_are_merged_in_time(tmp_path: Path) -> None:
    def merged(lines: str) -> object:
        path = tmp_path / "talk.json"
        talk = [{"role": "user", "content": "喂" * 40}] * len(lines)
        path.write_text(
            json.dumps([{"messages": [*talk, {"role": "assistant", "content": "您好"}]}]), encoding="utf-8"
        )
        return import_file(path, ImportOptions(merge=True))

    assert_linear(merged, "x")

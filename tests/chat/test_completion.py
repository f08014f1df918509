"""What a response's body is read as: answers in every form that servers send, their tokens, and errors inside."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from csc_tasks.chat.completion import EMPTY, error_in, read_completion
from csc_tasks.chat.messages import AnswerStatus, ChatAnswer, ChatRequest
from csc_tasks.chat.words import shown

ASKED = ChatRequest.of("你是客户。", "您好" * 100)
ANSWERED, REFUSED = AnswerStatus.ANSWERED, AnswerStatus.REFUSED


def read(
    content: Any = "好的。", finish: str = "stop", limit: int | None = 1024, **more: Any
) -> ChatAnswer | None:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return read_completion({"choices": [{"message": message, "finish_reason": finish}], **more}, ASKED, limit)


@pytest.mark.parametrize(
    ("content", "message", "text", "reason"),
    [
        ("好的。", {}, "好的。", ""),
        ([{"type": "text", "text": "好"}, {"type": "text", "text": "的。"}], {}, "好的。", ""),
        ([{"type": "output_text", "text": "好的。"}], {}, "好的。", ""),
        ([{"text": "好的。"}], {}, "好的。", ""),
        (["好", "的。"], {}, "好的。", ""),
        ({"type": "text", "text": "好的。"}, {}, "好的。", ""),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "嗯"}]}, {"text": "好的。"}],
            {},
            "好的。",
            "",
        ),
        ("好的。", {"reasoning_content": "嗯"}, "好的。", ""),
        ("好的。", {"tool_calls": [{"function": {"name": "f"}}]}, "好的。", ""),
        (None, {"reasoning_content": "嗯"}, "", "thinking alone, and no answer after it"),
        ("", {"reasoning": "嗯"}, "", "thinking alone, and no answer after it"),
        ([{"type": "thinking", "thinking": "嗯"}], {}, "", "thinking alone, and no answer after it"),
        (None, {"tool_calls": [{"function": {"name": "f"}}]}, "", "a tool call in place of an answer"),
        (None, {"function_call": {"name": "f"}}, "", "a tool call in place of an answer"),
        ([{"type": "image_url", "image_url": {}}], {}, "", "content that is no text (image_url)"),
        ([7, {"type": "audio\x1b[1m"}], {}, "", "content that is no text (int, audio\\x1b[1m)"),
        ({"answer": "好"}, {}, "", "content that is no text (text)"),
        (4.5, {}, "", "content that is no text (float)"),
        (True, {}, "", "content that is no text (bool)"),
        ([{"type": ["a"]}], {}, "", "content that is no text (list)"),
        ([], {}, "", EMPTY),
        (None, {"tool_calls": []}, "", EMPTY),
        (" \n", {}, " \n", EMPTY),
        ("半个\ud83d字", {}, "半个?字", ""),
    ],
)
def test_content_is_read_or_named_for_what_it_is(content: Any, message: Any, text: str, reason: str) -> None:
    answer = read(content, message=message)
    assert answer is not None
    assert (answer.status, answer.text) == (ANSWERED, text)
    assert answer.reason.startswith(reason)
    assert bool(answer.reason) == bool(reason)


@pytest.mark.parametrize(
    ("content", "finish", "message", "text"),
    [
        (None, "stop", {"refusal": "No."}, "No."),
        ([{"type": "refusal", "refusal": "No."}], "stop", {}, "No."),
        ("嗯", "content_filter", {}, "嗯"),
        ([{"text": "嗯"}], "content_filter", {}, "嗯"),
    ],
)
def test_a_refusal_is_one_in_every_form(content: Any, finish: str, message: Any, text: str) -> None:
    answer = read(content, finish, message=message)
    assert answer is not None
    assert (answer.status, answer.text) == (REFUSED, text)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 210, "completion_tokens": 3}, (210, 3)),
        ({"prompt_tokens": 210.0, "completion_tokens": 3.0}, (210, 3)),
        ({"prompt_tokens": 900, "completion_tokens": 30_000}, (900, 30_000)),  # hidden thinking
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 1, "completion_tokens": 3}, None),
        ({"prompt_tokens": -210, "completion_tokens": -3}, None),
        ({"prompt_tokens": 10**400, "completion_tokens": 10**400}, None),
        ({"prompt_tokens": 1e300, "completion_tokens": math.inf}, None),
        ({"prompt_tokens": math.nan, "completion_tokens": "3"}, None),
        ({"prompt_tokens": True, "completion_tokens": None}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("many", None),
    ],
)
def test_tokens_that_are_not_counted_or_absurdly_are_estimated(
    usage: Any, counted: tuple[int, int] | None
) -> None:
    answer = read(usage=usage)
    assert answer is not None
    assert answer.estimated == (counted is None)
    prompt, completion = counted or (ASKED.tokens, 3)
    assert answer.prompt_tokens == prompt
    assert answer.completion_tokens == completion


def test_thinking_that_was_told_and_an_answer_that_was_cut_off_are_counted_too() -> None:
    thought = read(message={"reasoning_content": "嗯" * 500})
    cut = read("{", "length")
    assert thought is not None
    assert cut is not None
    assert (thought.completion_tokens, cut.completion_tokens) == (503, 1024)


@pytest.mark.parametrize(
    ("said", "model"), [("m-2", "m-2"), ("m\x1b[2J" + "x" * 500, None), (7, ""), (None, "")]
)
def test_the_model_that_answered_is_kept_in_one_short_line(said: Any, model: str | None) -> None:
    answer = read(model=said)
    assert answer is not None
    assert answer.model == model if model is not None else answer.model.startswith("m\\x1b[2Jxxx")
    assert len(answer.model) <= 100


@pytest.mark.parametrize(
    "body",
    [
        *(
            [],
            {},
            None,
            7,
            "text",
            {"choices": []},
            {"choices": {}},
            {"choices": [{}]},
            {"choices": [{"message": []}]},
        ),
        {"choices": None, "base_resp": {"status_code": 1004, "status_msg": "login fail"}},
        {"choices": [{"message": {"content": "ha"}, "error": {"message": "upstream"}}]},
        {"choices": [{"message": {"content": "ha"}, "finish_reason": "error"}]},
    ],
)
def test_what_is_no_completion_is_none(body: Any) -> None:
    assert read_completion(body, ASKED, None) is None


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"error": {"message": "slow down", "code": 429}}, 429, "slow down"),
        ({"error": {"message": "slow down", "code": "502"}}, 502, "slow down"),
        ({"error": {"message": "m", "code": "rate_limit"}}, None, "m"),
        ({"error": "no such thing"}, None, "no such thing"),
        ({"error": {"code": "content_filter"}}, None, "content_filter"),
        ({"detail": "bad"}, None, "bad"),
        ({"object": "error", "message": "gone", "code": 40303}, None, "gone"),
        ({"error_code": 336, "error_msg": "busy"}, None, "busy"),
        (
            {"choices": None, "base_resp": {"status_code": 1004, "status_msg": "login fail"}},
            None,
            "login fail",
        ),
        ({"choices": [{"error": {"message": "upstream", "code": 503}}]}, 503, "upstream"),
        ({"error": {"message": 7}}, None, "7"),
        ({"choices": [None], "error": [1]}, None, ""),
        ([], None, ""),
        ("words", None, "words"),
    ],
)
def test_an_error_is_found_in_the_usual_places(body: Any, code: int | None, words: str) -> None:
    found = error_in(json.dumps(body))
    assert (found.code, found.words) == (code, words)
    assert error_in("<html>").words == "<html>"
    assert error_in("[" * 100_000).body is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202eright\u2028left", "\\u202eright left"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("客服：您好", "客服：您好"),
        ("x" * 300, "x" * 199 + "…"),
        (" " * 10**6 + "x", "…"),
    ],
)
def test_words_of_a_server_are_shown_in_one_line_that_hides_nothing(text: str, line: str) -> None:
    assert shown(text) == line

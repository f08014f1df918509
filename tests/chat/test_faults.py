"""What a server's status and words mean, one row a fact."""

from __future__ import annotations

import pytest

from csc_tasks.chat.faults import rule_for, speaks_of_schemas
from csc_tasks.chat.messages import AnswerStatus

AGAIN = None
FAILED, FATAL, REFUSED = AnswerStatus.FAILED, AnswerStatus.FATAL, AnswerStatus.REFUSED


@pytest.mark.parametrize(
    ("code", "body", "status", "hint"),
    [
        (200, "", AGAIN, ""),  # an empty page, a login page: gateways have such moments
        (201, "", AGAIN, ""),
        (202, "queued", AGAIN, ""),
        (204, "", AGAIN, ""),
        (200, "server busy", AGAIN, ""),
        (200, "Insufficient Balance", FATAL, "no credit"),
        (200, "login fail", FATAL, "check the key"),
        (200, "content_filter", REFUSED, ""),
        (429, "slow down", AGAIN, ""),
        (429, '{"code": "insufficient_quota"}', FATAL, "no credit"),  # no pause brings money
        (400, '{"code": "Arrearage"}', FATAL, "no credit"),
        (408, "", AGAIN, ""),
        (409, "", AGAIN, ""),
        (424, "Failed Dependency", AGAIN, ""),
        (425, "", AGAIN, ""),
        (499, "client closed request", AGAIN, ""),
        (500, "", AGAIN, ""),
        (503, "", AGAIN, ""),
        (529, "overloaded_error", AGAIN, ""),
        (599, "", AGAIN, ""),
        (500, "content_filter", AGAIN, ""),  # a broken server says anything
        (501, "", FATAL, "check model and base_url"),
        (400, "flagged by the Content_Filter", REFUSED, ""),
        (403, "data_inspection_failed", REFUSED, ""),
        (400, "Content Exists Risk", REFUSED, ""),
        (400, "输入内容可能包含不安全或敏感内容", REFUSED, ""),
        (400, "the prompt has sensitive words", REFUSED, ""),
        (451, "", REFUSED, ""),
        (400, "model names are case-sensitive: qwen3", FAILED, ""),
        (400, "names are case sensitive", FAILED, ""),
        (400, "case-insensitive", FAILED, ""),
        (400, "names are sensitive to case", FAILED, ""),
        (404, "model names are case-sensitive", FATAL, "check model and base_url (asked: {url})"),
        (404, "no sensitive data", FATAL, "check model and base_url"),
        (401, "sensitive", FATAL, "check the key"),
        (400, "API key not valid. Please pass a valid API key.", FATAL, "check the key"),
        (400, '{"code": "invalid_api_key"}', FATAL, "check the key"),
        (403, "Incorrect API key provided", FATAL, "check the key"),
        (400, "The model `qwen9` does not exist", FATAL, "check model"),
        (400, '{"code": "model_not_found"}', FATAL, "check model"),
        (400, "模型不存在", FATAL, "check model"),
        (400, "bad unicode", FAILED, ""),
        (400, "maximum context length is 4096 tokens", FAILED, ""),
        (422, "", FAILED, ""),
        (413, "", FAILED, ""),
        (414, "", FAILED, ""),
        (415, "", FAILED, ""),
        (402, "", FATAL, "no credit"),
        (403, "", FATAL, "what it is allowed"),
        (404, "", FATAL, "check model and base_url (asked: {url})"),
        (405, "", FATAL, "check model and base_url"),
        (407, "", FATAL, "the proxy wants a user"),
        (410, "", FATAL, "check model and base_url"),
        (301, "", FATAL, "it redirects to {target}"),
        (307, "", FATAL, "it redirects to {target}"),  # it would carry the key elsewhere
        (304, "", FATAL, "check model and base_url"),
        (418, "", FATAL, "check model and base_url"),
    ],
)
def test_a_status_is_asked_again_given_up_or_the_end(
    code: int, body: str, status: AnswerStatus | None, hint: str
) -> None:
    rule = rule_for(code, body, answered=False, keyed=True)
    assert rule.status is status
    assert hint in rule.hint


@pytest.mark.parametrize(
    ("code", "body", "status"),
    [
        (403, "", FAILED),  # a key that was good a moment ago is not the reason
        (400, "my mail says: invalid api key", FAILED),  # nor is it where a customer's words are repeated
        (400, "the model does not exist", FAILED),
        (418, "", FAILED),
        (401, "", FATAL),
        (404, "", FATAL),
        (402, "", FATAL),
    ],
)
def test_a_server_that_has_answered_before_blames_the_text_for_what_it_blamed_the_key(
    code: int, body: str, status: AnswerStatus
) -> None:
    assert rule_for(code, body, answered=True, keyed=True).status is status


def test_an_unknown_caller_is_told_to_check_the_key_or_to_name_one() -> None:
    assert rule_for(401, "", answered=False, keyed=True).hint == "; check the key"
    assert "api_key_env" in rule_for(401, "", answered=False, keyed=False).hint


def test_some_refusals_may_be_the_schemas_fault() -> None:
    codes = (400, 415, 422, 501, 413, 401, 404)
    assert [rule_for(code, "", False, True).schema for code in codes] == [True] * 4 + [False] * 3
    assert speaks_of_schemas('{"message": "Response_Format is not supported"}')
    assert not speaks_of_schemas("out of memory")


@pytest.mark.parametrize(
    "words", ["model ", "model model not foun", "no api key ", "sensitiv", "case sensitive "]
)
def test_long_words_of_a_server_take_no_time(words: str) -> None:
    assert rule_for(400, words * 10**6, answered=False, keyed=True) is not None

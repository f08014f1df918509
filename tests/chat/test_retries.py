"""What a server's status and words mean, one row a fact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.messages import AnswerStatus
from csc_tasks.chat.retries import backoff, retry_after, rule_for

AGAIN = None
FAILED, FATAL, REFUSED = AnswerStatus.FAILED, AnswerStatus.FATAL, AnswerStatus.REFUSED


@pytest.mark.parametrize(
    ("code", "body", "status", "hint"),
    [
        (429, "slow down", AGAIN, ""),
        (429, '{"code": "insufficient_quota"}', FATAL, "no credit"),  # no pause brings money
        (408, "", AGAIN, ""),
        (409, "", AGAIN, ""),
        (425, "", AGAIN, ""),
        (500, "", AGAIN, ""),
        (503, "", AGAIN, ""),
        (599, "", AGAIN, ""),
        (500, "content_filter", AGAIN, ""),  # a broken server says anything
        (400, "flagged by the Content_Filter", REFUSED, ""),
        (403, "data_inspection_failed", REFUSED, ""),
        (400, "bad unicode", FAILED, ""),
        (422, "", FAILED, ""),
        (413, "", FAILED, ""),
        (415, "", FAILED, ""),
        (402, "", FATAL, "no credit"),
        (403, "", FATAL, "what it is allowed"),
        (404, "", FATAL, "check model and base_url (asked: {url})"),
        (307, "", FATAL, ""),  # a redirect would carry the key elsewhere
        (418, "", FATAL, ""),
    ],
)
def test_a_status_is_asked_again_given_up_or_the_end(
    code: int, body: str, status: AnswerStatus | None, hint: str
) -> None:
    rule = rule_for(code, body, answered=False, keyed=True)
    assert rule.status is status
    assert hint in rule.hint


def test_a_key_that_was_good_a_moment_ago_is_not_the_reason() -> None:
    assert rule_for(403, "", answered=True, keyed=True).status is FAILED
    assert rule_for(401, "", answered=True, keyed=True).status is FATAL


def test_an_unknown_caller_is_told_to_check_the_key_or_to_name_one() -> None:
    assert rule_for(401, "", answered=False, keyed=True).hint == "; check the key"
    assert "api_key_env" in rule_for(401, "", answered=False, keyed=False).hint


def test_only_a_bad_request_may_be_the_schemas_fault() -> None:
    assert [rule_for(code, "", False, True).schema for code in (400, 422, 413, 401)] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("", None),
    ],
)
def test_a_server_says_when_it_wants_to_be_asked_again(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_it_may_say_so_with_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after(date) == pytest.approx(60, abs=3)
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


@pytest.mark.parametrize(("retries", "longest"), [(0, 1.0), (1, 2.0), (3, 8.0), (6, 10.0), (20, 10.0)])
def test_pauses_double_up_to_the_longest(retries: int, longest: float) -> None:
    config = EndpointConfig(model="m", base_url="http://h", backoff=1.0, max_backoff=10.0)
    pauses = [backoff(config, retries) for _ in range(200)]
    assert longest / 2 <= min(pauses) < max(pauses) <= longest

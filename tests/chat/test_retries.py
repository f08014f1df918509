"""When a request is sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.retries import backoff, retry_after


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

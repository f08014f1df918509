"""What a server's status and words mean: ask again, give this request up, or give up altogether."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.messages import AnswerStatus

__all__ = ["LONGEST_PAUSE", "Rule", "backoff", "retry_after", "rule_for"]

LONGEST_PAUSE = 900.0
"""Seconds; a server that asks to wait longer is taken to be out of quota."""
_FILTERED = ("content_filter", "content_policy", "content management policy", "data_inspection", "sensitive")
_ANY = range(1000)
_JITTER = random.Random()  # its own, so that nobody else's seeded draws change


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of response that is no answer means.

    ``status`` is what becomes of the request, ``None`` that it is asked again; ``hint`` what a user is told,
    with ``{url}`` for the address that was asked. The rule holds for HTTP ``codes`` and, where given, for
    bodies with one of ``words``, for a server that has ``answered`` before or not, for requests with a key or
    without (``keyed``). After a ``schema`` rule a request with a schema is asked once more without it, for
    servers say in many words, or none, that they know no schemas.
    """

    codes: Collection[int]
    status: AnswerStatus | None
    hint: str = ""
    words: tuple[str, ...] = ()
    answered: bool | None = None
    keyed: bool | None = None
    schema: bool = False

    def holds(self, code: int, body: str, answered: bool, keyed: bool) -> bool:
        """Whether it says something about this response."""
        return (
            code in self.codes
            and (not self.words or any(word in body for word in self.words))
            and self.answered in (None, answered)
            and self.keyed in (None, keyed)
        )


RULES = (
    Rule({429}, AnswerStatus.FATAL, "; the account has no credit", words=("insufficient_quota",)),
    Rule({408, 409, 425, 429, *range(500, 1000)}, None),
    Rule(_ANY, AnswerStatus.REFUSED, words=_FILTERED),
    Rule({400, 422}, AnswerStatus.FAILED, schema=True),
    Rule({413, 415}, AnswerStatus.FAILED),
    # A key that was good enough a moment ago: it is this text that is not allowed.
    Rule({403}, AnswerStatus.FAILED, answered=True),
    Rule({401}, AnswerStatus.FATAL, "; check the key", keyed=True),
    Rule({401}, AnswerStatus.FATAL, "; it wants a key, name its variable in api_key_env"),
    Rule({403}, AnswerStatus.FATAL, "; check the key and what it is allowed"),
    Rule({402}, AnswerStatus.FATAL, "; the account has no credit"),
    Rule({404}, AnswerStatus.FATAL, "; check model and base_url (asked: {url})"),
    Rule(_ANY, AnswerStatus.FATAL),
)
"""The first that holds counts."""


def rule_for(code: int, body: str, answered: bool, keyed: bool) -> Rule:
    """The rule for a response with a status code other than 200.

    Args:
        code: HTTP's.
        body: what the server said.
        answered: the server has answered a request before.
        keyed: a key was sent.
    """
    body = body.lower()
    return next(rule for rule in RULES if rule.holds(code, body, answered, keyed))


def backoff(config: EndpointConfig, retries: int) -> float:
    """Seconds before the next attempt after so many retries: doubled each time, and never all at once."""
    return min(config.backoff * 2.0**retries, config.max_backoff) * _JITTER.uniform(0.5, 1.0)


def retry_after(value: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, which has seconds or a date; ``None`` if it says nothing."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(seconds, 0.0) if seconds < float("inf") else None

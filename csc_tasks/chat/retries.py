"""When a request is sent again."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime
from time import time

from csc_tasks.chat.config import EndpointConfig

__all__ = ["LONGEST_PAUSE", "backoff", "retry_after"]

LONGEST_PAUSE = 900.0
"""Seconds; a server that asks to wait longer is taken to be out of quota."""
_JITTER = random.Random()  # its own, so that nobody else's seeded draws change


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

"""Keeping keys out of what is logged while csconv's tasks run.

lm-eval 0.4.13 logs the exception of every failed request with all its headers, the key among them
(``lm_eval/models/api_models.py``, ``TemplateAPI.amodel_call``), and servers repeat a key that they refuse.
"""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from csc_tasks.credentials import SHORTEST, secrets_of, without_secret_pairs, without_secrets

__all__ = ["hidden", "hide_secrets_in_logs", "know_secrets_of"]

_known: set[str] = set()


def hide_secrets_in_logs() -> None:
    """Have every log record lose its secrets as it is made, whoever logs it; a second call changes nothing."""
    make = logging.getLogRecordFactory()
    if not hasattr(make, "_csconv"):
        logging.setLogRecordFactory(_hiding(make))


def know_secrets_of(lm: Any) -> None:
    """Learn the secrets of a model of lm-eval's API backends: its key, and the headers that it sends."""
    header = getattr(lm, "header", None)
    values = list(header.values()) if isinstance(header, Mapping) else []
    for value in [*values, getattr(lm, "api_key", None), getattr(lm, "auth_token", None)]:
        if isinstance(value, str):
            secret = value.removeprefix("Bearer ").strip()
            if len(secret) >= SHORTEST and "/" not in secret:  # application/json is none
                _known.add(secret)


def hidden(text: str) -> str:
    """A text without the secrets that are known, and without what looks like one."""
    return without_secret_pairs(without_secrets(text, frozenset(_known) | secrets_of()))


def _hiding(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    @functools.wraps(make)
    def made_without_secrets(*args: Any, **options: Any) -> logging.LogRecord:
        record = make(*args, **options)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  # a wrong format is told by the handler, as ever
            return record
        shown = hidden(message)
        if shown != message:
            record.msg, record.args = shown, ()
        if record.exc_info and record.exc_info[0] is not None:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            if (shown := hidden(trace)) != trace:
                # Formatters take a text that is there, and make their own from the exception where it is not.
                record.exc_text, record.exc_info = shown, None
        return record

    made_without_secrets._csconv = True  # type: ignore[attr-defined]
    return made_without_secrets

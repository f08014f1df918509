"""What a server does not take of a request, and the field of the configuration that mends it.

Models of the GPT-5 and o families refuse ``max_tokens`` and every ``temperature`` but 1, others a ``seed``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from csc_tasks.chat.config import EndpointConfig

__all__ = ["cure_for"]

_UNKNOWN = (
    r"unsupported|not (?:\w+ )?(?:supported|permitted|allowed|accepted)|n[o']t (?:support|allow|accept)|unrecogni[sz]ed"
    r"|unknown|unexpected|extra (?:inputs?|fields?)|deprecated|不支持|未知|不允许"
)
# Not of max_tokens, which servers name when a text is too long for their window.
_VALUE = r"must be|should be|invalid|illegal|out of range|非法|无效|取值"
_CODES = ("unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden")
_LONGEST = 2000


def cure_for(config: EndpointConfig, sent: Iterable[str], error: Any, words: str) -> str | None:
    """What to set in the YAML if an error says that a field of the request is not taken; ``None`` if it does not.

    Args:
        config: how the request was made.
        sent: the fields of the request.
        error: the body of the response, parsed as JSON.
        words: its message.
    """
    named = set(_named(error))
    for field in sent:
        if field in ("messages", "model"):
            continue
        unknown = field in named or _beside(field, _UNKNOWN, words)
        if unknown or (field in ("temperature", "seed") and _beside(field, _VALUE, words)):
            return _cure(config, field)
    return None


def _named(error: Any) -> Iterator[str]:
    """The fields that an error names in a field of its own, as OpenAI's and pydantic's do."""
    inner = error.get("error", error) if isinstance(error, dict) else None
    if not isinstance(inner, dict):
        return
    param = inner.get("param")
    if isinstance(param, str) and inner.get("code") in _CODES:
        yield param
    details = inner.get("detail")
    for detail in details[:20] if isinstance(details, list) else ():
        if isinstance(detail, dict) and detail.get("type") in _CODES and isinstance(detail.get("loc"), list):
            yield from (part for part in detail["loc"][-1:] if isinstance(part, str))


def _beside(field: str, said: str, words: str) -> bool:
    """Whether a message says something about a field."""
    name = rf"(?<![\w-]){re.escape(field)}(?![\w-])"
    pattern = rf"(?:{said})[^\n]{{0,60}}?{name}|{name}[^\n]{{0,60}}?(?:{said})"
    return re.search(pattern, words[:_LONGEST], re.IGNORECASE) is not None


def _cure(config: EndpointConfig, field: str) -> str | None:
    if field == "response_format":
        return "set json_schema: off" if config.json_schema == "on" else None
    if field in config.extra_body:
        return f"take {field} out of extra_body"
    if field == "max_tokens":
        return f"set max_completion_tokens: {config.max_tokens} instead of max_tokens"
    if field == "max_completion_tokens":
        return f"set max_tokens: {config.max_completion_tokens} instead of max_completion_tokens"
    return f"set {field}: null"

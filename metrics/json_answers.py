"""The JSON objects in what a model wrote, whatever stands around them; never raises, in time linear in the text."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

__all__ = ["MAX_OBJECTS", "MAX_TEXT", "after_thinking", "objects_in"]

_DECODER = json.JSONDecoder()
_THINK = re.compile(r"<(?P<close>/?)think(?:ing)?>", re.IGNORECASE)
_OBJECT = re.compile(r"\{(?=\s*[\"}])")
MAX_OBJECTS = 64
"""Places of an answer, its last ones, at which a JSON object could begin that are tried."""
MAX_TEXT = 100_000
"""Characters at the end of an answer that are read: none asked for is as long, and nested half JSON takes its time."""


def after_thinking(text: str) -> str | None:
    """What stands behind the thinking, of the text's last :data:`MAX_TEXT` characters; ``None`` if it never ends."""
    text = text[-MAX_TEXT:]
    tags = list(_THINK.finditer(text))
    if not tags:
        return text
    return text[tags[-1].end() :] if tags[-1]["close"] else None


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in a text, in order."""
    end = 0
    # Each place that begins none costs a pass over the text, so their number is bounded.
    for at in deque((match.start() for match in _OBJECT.finditer(text)), maxlen=MAX_OBJECTS):
        if at < end:
            continue
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value

"""Reading a verdict out of what the judge wrote; never raises, whatever the text is."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from csc_tasks.metrics.judge.rubric import REASON, Rubric
from csc_tasks.metrics.judge.verdict import Value

__all__ = ["Reading", "read_verdict"]

_DECODER = json.JSONDecoder()
_THINK = re.compile(r"<(?P<close>/?)think(?:ing)?>", re.IGNORECASE)
_OBJECT = re.compile(r"\{(?=\s*[\"}])")
MAX_OBJECTS = 64
"""Places of an answer, its last ones, at which a JSON object could begin that are tried."""
MAX_TEXT = 100_000
"""Characters at the end of an answer that are read: no verdict is as long, and nested half JSON takes its time."""
MAX_REASON = 2000
"""Characters of a judge's reason that are kept; the raw text has all of it."""


class Reading(NamedTuple):
    """The scores that were read and the judge's reason; without scores, why there are none."""

    scores: dict[str, Value] | None
    reason: str


def read_verdict(text: str, rubric: Rubric, cut_off: bool = False) -> Reading:
    """Read the verdict in a judge's text.

    The verdict is a JSON object with all of the rubric's dimensions, alone, in a code fence or in prose.
    Where several objects carry dimensions the last one counts, as the judge's final word; of an answer with more than
    :data:`MAX_OBJECTS` of them the first are not read. A value of
    another type or outside the offered ones is no verdict: nothing is rounded, clipped or guessed.

    Args:
        text: what the judge wrote.
        rubric: what was asked.
        cut_off: the answer ended at the token limit; said in the reason if that left no verdict.
    """
    text = text[-MAX_TEXT:]
    tags = list(_THINK.finditer(text))
    if tags:
        if not tags[-1]["close"]:
            return Reading(None, "the answer ends inside its thinking" + _hint(cut_off))
        text = text[tags[-1].end() :]
    names = {d.name for d in rubric.dimensions}
    found: dict[str, Any] | None = None
    for candidate in _objects(text):
        if names & candidate.keys():
            found = candidate
    if found is None:
        return Reading(
            None, ("no verdict in the answer" if text.strip() else "an empty answer") + _hint(cut_off)
        )
    scores: dict[str, Value] = {}
    for dimension in rubric.dimensions:
        if dimension.name not in found:
            return Reading(None, f"{dimension.name} is missing" + _hint(cut_off))
        value = found[dimension.name]
        if not dimension.accepts(value):
            return Reading(None, f"{dimension.name}: {_shown(value)} is not among the offered values")
        scores[dimension.name] = int(value) if isinstance(value, float) else value
    reason = found.get(REASON, "")
    return Reading(scores, reason[:MAX_REASON] if isinstance(reason, str) else "")


def _objects(text: str) -> Iterator[dict[str, Any]]:
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


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


def _hint(cut_off: bool) -> str:
    return "; it was cut off at max_tokens" if cut_off else ""

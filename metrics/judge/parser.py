"""Reading a verdict out of what the judge wrote; never raises, whatever the text is."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from csc_tasks.metrics.json_answers import after_thinking, objects_in
from csc_tasks.metrics.judge.rubric import REASON, Rubric
from csc_tasks.metrics.judge.verdict import Value

__all__ = ["Reading", "read_verdict"]

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
    :data:`~csc_tasks.metrics.json_answers.MAX_OBJECTS` of them the first are not read. A value of
    another type or outside the offered ones is no verdict: nothing is rounded, clipped or guessed.

    Args:
        text: what the judge wrote.
        rubric: what was asked.
        cut_off: the answer ended at the token limit; said in the reason if that left no verdict.
    """
    said = after_thinking(text)
    if said is None:
        return Reading(None, "the answer ends inside its thinking" + _hint(cut_off))
    names = {d.name for d in rubric.dimensions}
    found: dict[str, Any] | None = None
    for candidate in objects_in(said):
        if names & candidate.keys():
            found = candidate
    if found is None:
        return Reading(
            None, ("no verdict in the answer" if said.strip() else "an empty answer") + _hint(cut_off)
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


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


def _hint(cut_off: bool) -> str:
    return "; it was cut off at max_tokens" if cut_off else ""

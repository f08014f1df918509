"""Personal data out of a text or a whole call, before anything is sent: placeholders in CSConv's manner instead.

What was replaced is counted by kind and kept nowhere. A text that was redacted stays as it is when redacted again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from csc_tasks.synthesis.own_calls.personal.addresses import find_addresses
from csc_tasks.synthesis.own_calls.personal.asked import asked_for
from csc_tasks.synthesis.own_calls.personal.kinds import (
    HIDDEN,
    PersonalData,
    Span,
    blanked,
    placeholders_hidden,
    plain_text,
)
from csc_tasks.synthesis.own_calls.personal.names import as_it_is_said, find_names, names_pattern
from csc_tasks.synthesis.own_calls.personal.numbers import (
    LONG,
    SaidBefore,
    begins_of,
    find_numbers,
    kind_of_number,
    pieces_of,
)
from csc_tasks.synthesis.own_calls.personal.written import as_typed, find_written

__all__ = ["REDACTION", "Redacted", "RedactedCall", "redact", "redact_call"]

REDACTION = "2"
"""Raised when a text is redacted otherwise than before: what was sent is part of what a run is."""
_WRITTEN = (PersonalData.WECHAT, PersonalData.ACCOUNT, PersonalData.PASSWORD, PersonalData.EMAIL)
"""What is known again when it is said again without a word for what it is."""
_TELLING = 5
"""Characters of such a one."""
_KNOWN = 64
_PASSES = 6
_REMEMBERED = 5
"""Utterances for which a question for a number holds."""
_BRIEFLY = 2
"""The same for a name or an address."""
_WHOLE = 11
"""Characters of an answer that is a whole number and no piece of one."""
_LONGEST = 40
"""Digits of pieces that are looked at as one."""
_NOD = 8
"""Characters of an utterance that may stand between two pieces of a number: 好的，您继续说。"""


class Redacted(NamedTuple):
    """A text without personal data, and how much was replaced, by kind."""

    text: str
    counts: Mapping[PersonalData, int]


class RedactedCall(NamedTuple):
    """The texts of a call without personal data, in order, and how much was replaced, by kind."""

    texts: tuple[str, ...]
    counts: Mapping[PersonalData, int]


@dataclass(slots=True)
class _Memory:
    """What a call has said so far."""

    names: set[str] = field(default_factory=set)
    written: dict[str, PersonalData] = field(default_factory=dict)
    said: SaidBefore = field(default_factory=SaidBefore)


def redact(text: str) -> Redacted:
    """One text without personal data.

    Args:
        text: anything; time is in proportion to its length.
    """
    texts, counts = redact_call([text])
    return Redacted(texts[0], counts)


def redact_call(utterances: Sequence[str], names: Iterable[str] = ()) -> RedactedCall:
    """A call without personal data: what one speaker asks says what the other answers, and a name said once is known.

    Args:
        utterances: the text of each, in order.
        names: of people that are known to be in it.
    """
    texts = [text.encode("utf-8", "replace").decode("utf-8") for text in utterances]
    memory = _Memory(names={name for name in names if len(name) >= 2})
    counts: Counter[PersonalData] = Counter()
    # The second pass knows the names that came later, and sees anew what is between two placeholders.
    for _ in range(_PASSES):
        before = texts
        texts = _pass(texts, memory, counts)
        if texts == before:
            break
    return RedactedCall(tuple(texts), counts)


def _pass(texts: Sequence[str], memory: _Memory, counts: Counter[PersonalData]) -> list[str]:
    """One pass over a call."""
    asked: dict[PersonalData, int] = {}
    pieces = _pieces(texts)
    known = names_pattern(memory.names)
    done = []
    for i, text in enumerate(texts):
        shown = placeholders_hidden(plain_text(text))
        number = next(filter(_is_number, asked), None)
        piece = None
        if whole := pieces.get(i):
            piece = number or kind_of_number(whole)
            if whole != pieces.get(i - 1):
                memory.said.add(whole, piece)
        spans = _spans(shown, asked.keys(), memory, piece, known)
        counts.update(span.kind for span in spans)
        memory.names.update(
            name for s in spans if s.kind is PersonalData.NAME and len(name := as_it_is_said(text, s)) > 1
        )
        for s in spans:
            if (
                s.kind in _WRITTEN
                and len(memory.written) < _KNOWN
                and len(found := text[s.start : s.end]) >= _TELLING
            ):
                memory.written.setdefault(found, s.kind)
                memory.written.setdefault(as_typed(found), s.kind)
        done.append(_replaced(text, spans))
        asked = {kind: left - 1 for kind, left in asked.items() if left > 1}
        if number and (HIDDEN in shown or any(span.end - span.start >= _WHOLE for span in spans)):
            asked.pop(number, None)  # it has been said
        if any(span.kind is PersonalData.BIRTH for span in spans) and PersonalData.BIRTH in asked:
            asked[PersonalData.BIRTH] = min(
                _BRIEFLY, asked[PersonalData.BIRTH]
            )  # and is said again by whoever asked
        for kind in asked_for(shown):
            if _is_number(kind):
                asked = {each: left for each, left in asked.items() if not _is_number(each)}
            asked[kind] = _REMEMBERED if _is_number(kind) else _BRIEFLY
    return done


def _is_number(kind: PersonalData) -> bool:
    return kind not in (PersonalData.NAME, PersonalData.ADDRESS)


def _pieces(texts: Sequence[str]) -> dict[int, str]:
    """Of utterances that are pieces of one number the whole of it: 138, 0013, 8000, with 嗯 in between."""
    found: dict[int, str] = {}
    group: list[int] = []
    digits = ""
    begun = False  # in a sentence: 我的号码是幺三八
    for i, text in enumerate([*texts, HIDDEN]):
        shown = HIDDEN if i == len(texts) else placeholders_hidden(plain_text(text))
        piece = pieces_of(shown)
        if (not piece and (len(shown.strip()) > _NOD or HIDDEN in shown)) or len(digits) > _LONGEST:
            if len(group) > (not begun) and len(digits) >= LONG:
                found |= dict.fromkeys(group, digits)
            group, digits = [], begins_of(shown)
            begun = bool(digits)
        if piece:
            group.append(i)
            digits += piece
    return found


def _spans(
    shown: str,
    asked: Set[PersonalData],
    memory: _Memory,
    piece: PersonalData | None,
    known: re.Pattern[str] | None,
) -> list[Span]:
    """What is personal in a text, in order and without overlap; each finder sees what those before it left."""
    shown, spans = find_written(shown, PersonalData.BIRTH in asked, memory.written)
    finders: tuple[Callable[[str], Iterable[Span]], ...] = (
        lambda text: find_addresses(text, PersonalData.ADDRESS in asked),
        lambda text: find_numbers(text, asked, memory.said, piece),
        lambda text: find_names(text, PersonalData.NAME in asked, known),
    )
    for find in finders:
        end, found = 0, []
        for span in sorted(find(shown), key=lambda each: (each.start, -each.end)):
            if span.start >= end and HIDDEN not in shown[span.start : span.end]:
                found.append(span)
                end = span.end
        spans += found
        shown = blanked(shown, found)
    return sorted(spans)


def _replaced(text: str, spans: Sequence[Span]) -> str:
    out, at = [], 0
    for span in spans:
        out += [text[at : span.start], span.kind.placeholder]
        at = span.end
    return "".join([*out, text[at:]])

"""What a model wrote of a case card: read with patience, and judged as every card is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from csc_tasks.framework import Strategy
from csc_tasks.labels import read_strategy
from csc_tasks.metrics.json_answers import after_thinking, objects_in
from csc_tasks.outside import require_shallow
from csc_tasks.roleplay.asking.answers import Unusable, truth_of
from csc_tasks.roleplay.card_faults import CardFault, FaultKind, faults_in
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.playable import playing_faults
from csc_tasks.synthesis.own_calls.personal.kinds import PersonalData
from csc_tasks.synthesis.own_calls.redaction import redact

__all__ = ["CARD_SCHEMA", "Draft", "draft_in"]

_LINE: Mapping[str, Any] = {"type": "string", "minLength": 1}
_LINES: Mapping[str, Any] = {"type": "array", "items": _LINE}
_SOME: Mapping[str, Any] = {**_LINES, "minItems": 1}
_TRUTH: Mapping[str, Any] = {"type": "boolean"}
_WHOLE: Mapping[str, Any] = {"type": "integer"}
_STRATEGY: Mapping[str, Any] = {"type": "string", "enum": [strategy.zh for strategy in Strategy]}


def _object(**fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _several(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": 1}


_MOOD = _object(
    at_first=_LINE, start=_WHOLE, upset=_LINES, eased_by=_LINE, worsened_by=_LINE, worsened_words=_LINES,
    comfort=_SOME, calmer=_SOME,
)  # fmt: skip
_FACT = _object(name=_LINE, asked_by=_SOME, asks=_SOME, says=_SOME, optional=_TRUTH)
_LOOKUP = _object(name=_LINE, finds=_LINE, private=_LINES)
_STEP = _object(
    does=_STRATEGY, says=_SOME, reply=_SOME, done_by={"type": "array", "items": _SOME}, optional=_TRUTH
)
_DEMAND = _object(
    says=_SOME, because=_LINE, does=_STRATEGY, refusal=_SOME, accepts=_SOME, about=_SOME, granted_by=_LINES
)
CARD_SCHEMA: Mapping[str, Mapping[str, Any]] = {
    **{"who": _LINE, "scenario": _LINE, "goal": _LINE, "satisfied": _LINE, "opening": _SOME, "mood": _MOOD},
    "facts": _several(_FACT),
    "lookups": _several(_LOOKUP),
    "steps": _several(_STEP),
    "demand": {"anyOf": [_DEMAND, {"type": "null"}]},
    **{"gives_up": _SOME, "closing": _SOME, "never": _LINES, "patience": _WHOLE},
}
"""The fields that a model is asked for, in order, each as a JSON schema."""
LONGEST = 1000
"""Characters of a text; a sentence of a card has 300 at most."""
MOST = {"facts": 8, "lookups": 8, "steps": 10}
"""Items of a list; a card with more is no case that anybody could play."""
_SPLIT = re.compile(r"[、,，;；/|\n]")
_BRACKETS = str.maketrans("(){}|", "（）（）、")
"""What has a meaning in a card's sentences is written in full width."""
_NONE = ("", "无", "没有", "none", "null")


@dataclass(frozen=True, slots=True)
class Draft:
    """The parts of a card as a model wrote them, cleaned: plain JSON values, of which any may be missing or wrong.

    Attributes:
        parts: by field.
        replaced: personal data that was in it and was replaced, by kind.
    """

    parts: Mapping[str, Any]
    replaced: Mapping[str, int]

    def judged(self, **fields: Any) -> tuple[CaseCard | None, tuple[CardFault, ...]]:
        """The card that it makes together with the fields that are ours, or everything that keeps it from being one."""
        found = [CardFault(f, FaultKind.SCHEMA, f"more than {n}", "too_long") for f, n in self._too_many()]
        if found:
            return None, tuple(found)
        try:
            card = CaseCard.model_validate({**self.parts, **fields})
        except ValidationError as error:
            return None, tuple(faults_in(error))
        faults = playing_faults(card)
        return (None, tuple(faults)) if faults else (card, ())

    def _too_many(self) -> Iterator[tuple[str, int]]:
        for field, most in MOST.items():
            if isinstance(listed := self.parts.get(field), list) and len(listed) > most:
                yield field, most


def draft_in(answer: str, names_too: bool = False) -> Draft:
    """Read what a model answered.

    Args:
        answer: a JSON object of the fields of :data:`CARD_SCHEMA`, whatever stands around it.
        names_too: also replace what only looks like a name, as where the conversation held names.

    Raises:
        Unusable: there is no such object.
    """
    said = after_thinking(answer)
    if said is None:
        raise Unusable("it ends inside its thinking")
    if not said.strip():
        raise Unusable("empty")
    objects = [each["card"] if isinstance(each.get("card"), dict) else each for each in objects_in(said)]
    found = [each for each in objects if any(name in each for name in CARD_SCHEMA)]
    if not found:
        raise Unusable("no JSON object with the fields of a card" if "{" in said else "no JSON object")
    try:
        require_shallow(found[-1])
    except ValueError:
        raise Unusable("nested too deep") from None
    replaced: Counter[str] = Counter()

    def clean(text: str) -> str:
        if len(text) > LONGEST:
            raise Unusable(f"a text is longer than {LONGEST} characters")
        return _without_personal_data(_plain(text), replaced, names_too)

    parts = {name: _PARTS[name](found[-1][name], clean) for name in CARD_SCHEMA if name in found[-1]}
    return Draft({name: value for name, value in parts.items() if value is not None}, dict(replaced))


Clean = Callable[[str], str]
Reading = Callable[[Any, Clean], Any]


def _plain(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return " ".join(text.translate(_BRACKETS).split())


def _without_personal_data(text: str, replaced: Counter[str], names_too: bool) -> str:
    done = redact(text)
    # Of a text alone a name is a guess, and 一位中学老师 is none; numbers and addresses are not guessed.
    if not done.counts or (set(done.counts) == {PersonalData.NAME} and not names_too):
        return text
    replaced.update({str(kind): count for kind, count in done.counts.items()})
    return done.text


def _line(value: Any, clean: Clean) -> Any:
    return clean(value) if isinstance(value, str) else value


def _sentences(value: Any, clean: Clean) -> Any:
    listed = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(listed, list):
        return listed
    return [_line(each, clean) for each in listed if not (isinstance(each, str) and not each.strip())]


def _words(value: Any, clean: Clean) -> Any:
    listed = _SPLIT.split(value) if isinstance(value, str) else [] if value is None else value
    if not isinstance(listed, list):
        return listed
    return list(dict.fromkeys(clean(each) for each in listed if isinstance(each, str) and each.strip()))


def _groups(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value or []
    if all(isinstance(each, str) for each in value):  # one group, whose brackets were forgotten
        value = [value]
    return [words for each in value if (words := _words(each, clean))]


def _strategy(value: Any, _: Clean) -> Any:
    strategy = read_strategy(value)
    return strategy.zh if strategy is not None else value


def _truth(value: Any, _: Clean) -> Any:
    try:
        return truth_of(value, "optional")
    except Unusable:
        return False if value is None else value


def _number(value: Any, _: Clean) -> Any:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value.strip()[:9])
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 100 else value


def _of(**readings: Reading) -> Reading:
    """An object of these fields: others are nobody's, and one that is null is not there."""

    def read(value: Any, clean: Clean) -> Any:
        if not isinstance(value, dict):
            return value
        parts = {name: reading(value[name], clean) for name, reading in readings.items() if name in value}
        return {name: part for name, part in parts.items() if part is not None}

    return read


def _all(reading: Reading) -> Reading:
    def read(value: Any, clean: Clean) -> Any:
        listed = [value] if isinstance(value, dict) else value
        return [reading(each, clean) for each in listed] if isinstance(listed, list) else listed

    return read


def _demand(value: Any, clean: Clean) -> Any:
    if value is None or value == {} or value == []:
        return None
    if isinstance(value, str) and value.strip().casefold() in _NONE:
        return None
    if isinstance(value, dict) and not value.get("says"):
        return None
    return _DEMAND_READING(value, clean)


def _lookup(value: Any, clean: Clean) -> Any:
    part = _of(name=_line, finds=_line, private=_words)(value, clean)
    if isinstance(part, dict) and "private" in part:
        part["shown_by"] = part.pop("private")
    return part


_DEMAND_READING = _of(
    says=_sentences, because=_line, does=_strategy, refusal=_sentences, accepts=_sentences, about=_words,
    granted_by=_words,
)  # fmt: skip
_PARTS: Mapping[str, Reading] = {
    **dict.fromkeys(("who", "scenario", "goal", "satisfied"), _line),
    **dict.fromkeys(("opening", "gives_up", "closing"), _sentences),
    "mood": _of(
        at_first=_line, start=_number, upset=_sentences, eased_by=_line, worsened_by=_line, worsened_words=_words,
        comfort=_sentences, calmer=_sentences,
    ),
    "facts": _all(_of(name=_line, asked_by=_words, asks=_sentences, says=_sentences, optional=_truth)),
    "lookups": _all(_lookup),
    "steps": _all(_of(does=_strategy, says=_sentences, reply=_sentences, done_by=_groups, optional=_truth)),
    "demand": _demand,
    "never": _words,
    "patience": _number,
}  # fmt: skip

"""A card as fields that an expert can change one by one, each a text: several sentences or words stand a line each."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from csc_tasks.roleplay.cards import CaseCard

__all__ = ["EMPTY", "changed_record", "fields_of"]

EMPTY = ("（空）", "(空)", "(none)")
"""What is written in the place of a list that is to have nothing in it."""
_OURS = ("id", "made_from")
"""What nobody changes: by these a card is known."""


def fields_of(card: CaseCard) -> dict[str, str]:
    """The fields by their places, as ``facts.2.asked_by`` (counted from 1), in the order of a card."""
    return {place: _text(value) for place, value in _leaves(_record(card), "")}


def _record(card: CaseCard) -> dict[str, Any]:
    return dict(json.loads(card.model_dump_json()))


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            if place or name not in _OURS:
                yield from _leaves(each, f"{place}.{name}" if place else name)
    elif isinstance(value, list) and value and not all(isinstance(each, str) for each in value):
        for n, each in enumerate(value, 1):
            yield from _leaves(each, f"{place}.{n}")
    elif value is not None:
        yield place, value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(value)
    return json.dumps(value) if isinstance(value, (bool, int)) else str(value)


def changed_record(card: CaseCard, changes: Mapping[str, str]) -> dict[str, Any]:
    """A card with new texts in some of its fields, as it stands in a file; it need not be sound any more.

    Args:
        card: as it was.
        changes: by place; a list's lines are its items, and one of :data:`EMPTY` empties it.

    Raises:
        KeyError: there is no such field.
    """
    record = copy.deepcopy(_record(card))
    known = dict(_leaves(record, ""))
    for place, text in changes.items():
        was = known[place]
        holder: Any = record
        *path, last = place.split(".")
        for part in path:
            holder = holder[_key(holder, part)]
        holder[_key(holder, last)] = _value(text, was)
    return record


def _key(holder: Any, part: str) -> Any:
    return int(part) - 1 if isinstance(holder, list) else part


def _value(text: str, was: Any) -> Any:
    plain = text.strip()
    if isinstance(was, list):
        return [] if plain in EMPTY else [line.strip() for line in plain.splitlines() if line.strip()]
    if isinstance(was, (bool, int)):
        # What is no such value stays a text, which the check of the card refuses by field.
        return {"true": True, "false": False}.get(plain.lower(), int(plain) if _is_whole(plain) else plain)
    return plain


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6

"""Customers by seed: attributes that go together, drawn from a table, and written out in the second person."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import TypeVar

from csc_tasks.synthesis.journal import digest_of
from csc_tasks.synthesis.playing.profile_table import Absurd, ProfileTable, load_table

__all__ = [
    "MOST_PROFILES",
    "Profile",
    "attributes_shown",
    "made_profiles",
    "profile_of",
    "text_of_attributes",
]

Option = TypeVar("Option")
MOST_PROFILES = 100_000
_TRIES = 1000
"""Draws for one customer; a few are needed."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer.

    Attributes:
        id: 16 hex digits, derived from the rest.
        attributes: by name; empty where only a text is known.
        text: what those who play the customer are told.
    """

    id: str
    attributes: Mapping[str, str]
    text: str

    def record(self) -> dict[str, object]:
        """As a JSON object."""
        return {"id": self.id, "attributes": dict(self.attributes), "text": self.text}


def profile_of(text: str, attributes: Mapping[str, str] | None = None) -> Profile:
    """A customer of this text and these attributes."""
    attributes = dict(attributes or {})
    return Profile(digest_of("profile", attributes, text)[:16], attributes, text)


@lru_cache(maxsize=2)
def made_profiles(count: int, seed: int = 0) -> tuple[Profile, ...]:
    """Customers of csconv's own; those of a smaller count are the first of a larger one.

    Args:
        count: how many, up to :data:`MOST_PROFILES`.
        seed: from which each is derived, with its place.
    """
    return tuple(islice(_drawn(load_table(), seed), count))


def _drawn(table: ProfileTable, seed: int) -> Iterator[Profile]:
    seen: set[tuple[str, ...]] = set()
    number = 0
    while True:
        for attempt in range(_TRIES):
            draw = random.Random(f"{table.version}/{seed}/{number}/{attempt}")
            attributes = _attributes(table, draw)
            if attributes is None:
                continue
            key = tuple(attributes[name] for name in table.told_apart_by)
            if key not in seen:
                break
        else:
            raise ValueError(f"{table.version}: nobody can be drawn any more after {number} customers")
        seen.add(key)
        yield profile_of(text_of_attributes(attributes, draw), attributes)
        number += 1


def _attributes(table: ProfileTable, draw: random.Random) -> dict[str, str] | None:
    """One value for each attribute; ``None`` where what was drawn first leaves none for another."""
    drawn: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for attribute, rules in zip(table.attributes, _rules_by_last(table.version), strict=True):
        if attribute.spans:
            low, high, _ = _weighted(attribute.spans, [span[2] for span in attribute.spans], draw)
            numbers[attribute.name] = low + int(draw.random() * (high - low + 1))
            drawn[attribute.name] = f"{numbers[attribute.name]}{attribute.unit}"
            continue
        barred = {
            name
            for rule in rules
            if _holds(rule, drawn, numbers, attribute.name)
            for name in rule.sets[attribute.name]
        }
        left = [value for value in attribute.values if value.name not in barred]
        if not left:
            return None
        drawn[attribute.name] = _weighted(left, [value.weight for value in left], draw).name
    return drawn


@cache
def _rules_by_last(version: str) -> tuple[tuple[Absurd, ...], ...]:
    """For each attribute the rules whose other attributes are drawn before it."""
    table = load_table(version)
    names = [attribute.name for attribute in table.attributes]
    by_last: list[list[Absurd]] = [[] for _ in names]
    for rule in table.absurd:
        by_last[max(names.index(name) for name in (*rule.sets, *rule.ranges))].append(rule)
    return tuple(map(tuple, by_last))


def _holds(rule: Absurd, drawn: Mapping[str, str], numbers: Mapping[str, int], last: str) -> bool:
    return all(low <= numbers[name] <= high for name, (low, high) in rule.ranges.items()) and all(
        drawn[name] in names for name, names in rule.sets.items() if name != last
    )


def _weighted(options: Sequence[Option], weights: Sequence[float], draw: random.Random) -> Option:
    point = draw.random() * sum(weights)
    for option, weight in zip(options, weights, strict=True):
        point -= weight
        if point < 0:
            return option
    return options[-1]


def text_of_attributes(attributes: Mapping[str, str], draw: random.Random) -> str:
    """Attributes as flowing text in the second person, none left out.

    Args:
        attributes: by name; those of the table are said in its wordings, others are listed.
        draw: decides which of the wordings.
    """
    table = load_table()
    try:
        phrases = {name: table.says(name, value) for name, value in attributes.items()}
        told = [
            passage.wordings[int(draw.random() * len(passage.wordings))].format_map(phrases)
            for passage in table.passages
        ]
    except KeyError:
        listed = "；".join(f"{name}：{value}" for name, value in attributes.items())
        return f"你的情况是这样的。{listed}。"
    return "".join(told)


def attributes_shown(profile: Profile) -> str:
    """The attributes as a table, a line each: what a model that writes a text is shown."""
    return "\n".join(f"{name}：{value}" for name, value in profile.attributes.items())

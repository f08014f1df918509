"""The table that customers are drawn from: attributes with their values, combinations that nobody is, and wordings."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

__all__ = [
    "PROFILES",
    "Absurd",
    "Passage",
    "ProfileAttribute",
    "ProfileTable",
    "ProfileValue",
    "load_table",
    "shares_of",
]

PROFILES = "profiles-zh-1"
"""The version that is shipped."""
_SLOT = re.compile(r"\{([^{}]{1,20})\}")


@dataclass(frozen=True, slots=True)
class ProfileValue:
    """One value: as a table has it, as a text has it, by what rules name it, and how often it is drawn."""

    name: str
    says: str
    tags: frozenset[str] = frozenset()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ProfileAttribute:
    """Something that a customer is: one of ``values``, or a number of ``unit`` in ``spans`` (from, to, weight)."""

    name: str
    values: tuple[ProfileValue, ...] = ()
    spans: tuple[tuple[int, int, float], ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Absurd:
    """A combination that nobody is: attributes in ``sets`` have one of these values, numbers are in these ranges."""

    why: str
    sets: Mapping[str, frozenset[str]]
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """Some attributes in several wordings, each with every one of them."""

    about: tuple[str, ...]
    wordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileTable:
    """All of it; attributes in the order in which they are drawn."""

    version: str
    told_apart_by: tuple[str, ...]
    attributes: tuple[ProfileAttribute, ...]
    absurd: tuple[Absurd, ...]
    passages: tuple[Passage, ...]

    def says(self, name: str, value: str) -> str:
        """How a text has a value.

        Raises:
            KeyError: the table has no such attribute, or none of this value.
        """
        return self._phrases[name][value]

    @property
    def _phrases(self) -> Mapping[str, Mapping[str, str]]:
        return _phrases_of(self.version)


def table_of(content: Mapping[str, Any]) -> ProfileTable:
    """A table as its file has it.

    Raises:
        ValueError: it does not hold together; the message says where.
        KeyError: something is missing.
    """
    attributes = tuple(_attribute(raw) for raw in content["attribute"])
    known = {a.name: a for a in attributes}
    absurd = tuple(_absurd(raw, known) for raw in content["absurd"])
    passages = tuple(Passage(tuple(raw["about"]), tuple(raw["wordings"])) for raw in content["passage"])
    said = [name for passage in passages for name in passage.about]
    if sorted(said) != sorted(known):
        raise ValueError(f"not in just one passage: {sorted(set(said) ^ set(known)) or said}")
    for passage in passages:
        for wording in passage.wordings:
            if sorted(_SLOT.findall(wording)) != sorted(passage.about):
                raise ValueError(f"not each of {'、'.join(passage.about)} once: {wording}")
    return ProfileTable(content["version"], tuple(content["told_apart_by"]), attributes, absurd, passages)


def _attribute(raw: Mapping[str, Any]) -> ProfileAttribute:
    values = tuple(
        ProfileValue(
            each["is"],
            each.get("says", each["is"]),
            frozenset(each.get("tags", ())),
            float(each.get("weight", 1)),
        )
        for each in raw.get("values", ())
    )
    if len({value.name for value in values}) < len(values) or len({v.says for v in values}) < len(values):
        raise ValueError(f"{raw['name']}: a value is there twice")
    spans = tuple((int(low), int(high), float(weight)) for low, high, weight in raw.get("spans", ()))
    if bool(values) is bool(spans):
        raise ValueError(f"{raw['name']}: needs values or spans")
    return ProfileAttribute(raw["name"], values, spans, raw.get("unit", ""))


def _absurd(raw: Mapping[str, Any], known: Mapping[str, ProfileAttribute]) -> Absurd:
    sets: dict[str, frozenset[str]] = {}
    ranges: dict[str, tuple[int, int]] = {}
    for name, condition in raw.items():
        if name == "why":
            continue
        attribute = known[name]
        if attribute.spans:
            ranges[name] = (condition.get("from", 0), condition.get("to", 999))
            continue
        named = condition["none_of"] if isinstance(condition, Mapping) else condition
        for each in named:
            if not any(each == value.name or each in value.tags for value in attribute.values):
                raise ValueError(f"{raw['why']}: {name} has no {each}")
        met = {v.name for v in attribute.values if v.name in named or not v.tags.isdisjoint(named)}
        every = {v.name for v in attribute.values}
        sets[name] = frozenset(every - met if isinstance(condition, Mapping) else met)
    if len(sets) + len(ranges) < 2 or not sets:
        raise ValueError(f"{raw['why']}: needs two conditions, one of them on values")
    return Absurd(raw["why"], sets, ranges)


@cache
def load_table(version: str = PROFILES) -> ProfileTable:
    """The shipped table."""
    file = resources.files("csc_tasks.synthesis") / "data" / f"{version}.toml"
    return table_of(tomllib.loads(file.read_text(encoding="utf-8")))


@cache
def _phrases_of(version: str) -> Mapping[str, Mapping[str, str]]:
    phrases: dict[str, Mapping[str, str]] = {}
    for a in load_table(version).attributes:
        numbers = (f"{n}{a.unit}" for low, high, _ in a.spans for n in range(low, high + 1))
        phrases[a.name] = {v.name: v.says for v in a.values} or {number: number for number in numbers}
    return phrases


def shares_of(drawn: Sequence[Mapping[str, str]]) -> dict[str, dict[str, int]]:
    """How many customers have each value, by attribute; of numbers by the spans that they are drawn from.

    Args:
        drawn: attributes of each customer, as the shipped table has them.
    """
    shares: dict[str, dict[str, int]] = {}
    for attribute in load_table().attributes:
        values = Counter(attributes[attribute.name] for attributes in drawn)
        if attribute.spans:
            shares[attribute.name] = {
                f"{low}–{high}{attribute.unit}": sum(
                    values[f"{n}{attribute.unit}"] for n in range(low, high + 1)
                )
                for low, high, _ in attribute.spans
            }
        else:
            shares[attribute.name] = {value.name: values[value.name] for value in attribute.values}
    return shares

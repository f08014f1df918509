"""Whether two models were asked alike: what differs, and whether they may be compared all the same.

What the protocol fixes must agree: few-shot examples, generation settings, the system instruction, and whether
there is a chat template. Which template, and how to make a model think, is the model's own; it must agree
where both are one model. A weightless model reads no prompt, so any may be held against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from csc_tasks.leaderboards.comparing.model_results import ModelResults
from csc_tasks.leaderboards.reading.asked import Asked, Asking
from csc_tasks.protocol.named_data import NamedData
from csc_tasks.sentences import Sentence

__all__ = ["AskedApart", "AskingVerdict", "asked_apart", "asked_between", "weigh"]

_DIGITS = 6


class AskedApart(NamedTuple):
    """Something that two models were asked otherwise in; ``refused`` unless it is allowed."""

    asking: Asking
    words: str
    refused: bool


class AskingVerdict(NamedTuple):
    """What follows: the reasons ``against`` a comparison, what was ``allowed`` by name, and what is only noted."""

    against: tuple[AskedApart, ...]
    allowed: tuple[str, ...]
    notes: tuple[str, ...]


def weigh(first: ModelResults, second: ModelResults, allow: Collection[Asking] = ()) -> AskingVerdict:
    """Whether two models may be compared, as far as it depends on how they were asked.

    Args:
        first: one model's results.
        second: the other's.
        allow: sides in which they may differ.
    """
    if any(model.identity is not None and model.identity.is_floor for model in (first, second)):
        return AskingVerdict((), (), ())
    notes = [
        Sentence(
            "asked.unknown",
            "{source} does not say how its model was asked; write the baseline again to have that compared",
            source=model.source,
        )
        for model in (first, second)
        if any(section.how is None for section in model.sections.values())
    ]
    apart = list(asked_apart(first, second))
    against = [found for found in apart if found.refused and found.asking not in allow]
    allowed = [
        Sentence("asked.in", "{asking}: {words}", asking=a.asking.value, words=a.words)
        for a in apart
        if a.refused and a.asking in allow
    ]
    notes += [
        Sentence("asked.in", "{asking}: {words}", asking=found.asking.value, words=found.words)
        for found in apart
        if not found.refused
    ]
    return AskingVerdict(tuple(against), tuple(allowed), tuple(notes))


def asked_apart(first: ModelResults, second: ModelResults) -> Iterator[AskedApart]:
    """All that differs, once, in whatever tasks it differs."""
    same = (
        first.identity is not None
        and second.identity is not None
        and first.identity.full == second.identity.full
    )
    seen: set[AskedApart] = set()
    for name, section in first.sections.items():
        other = second.sections.get(name)
        if other is None or section.how is None or other.how is None:
            continue
        for found in asked_between(section.how, other.how, same):
            if found not in seen:
                seen.add(found)
                yield found


def asked_between(one: Asked, two: Asked, same: bool) -> Iterator[AskedApart]:
    """What two models were asked otherwise in, in one task; ``same`` that they are one model."""
    if words := _pairs(one.fewshot, _named_alike(two.fewshot, one.fewshot)):
        yield AskedApart(Asking.FEWSHOT, words, True)
    if words := _pairs(one.generation, two.generation):
        yield AskedApart(Asking.GENERATION, words, True)
    if one.template != two.template:
        # A server does not tell its template; that there is one is known.
        served = "server" in (one.template, two.template)
        refused = not (one.template and two.template) or (same and not served)
        words = Sentence(
            "asked.template",
            "chat template {a} against {b}",
            a=_digest(one.template),
            b=_digest(two.template),
        )
        yield AskedApart(Asking.TEMPLATE, words, refused)
    if one.system != two.system:
        words = Sentence(
            "asked.system",
            "system instruction {a} against {b}",
            a=_digest(one.system),
            b=_digest(two.system),
        )
        yield AskedApart(Asking.SYSTEM, words, True)
    if words := _pairs(one.thinking, two.thinking):
        both = any(
            name in two.thinking and two.thinking[name] != value for name, value in one.thinking.items()
        )
        yield AskedApart(Asking.THINKING, words, same or both)


def _named_alike(fewshot: Mapping[str, str], other: Mapping[str, str]) -> Mapping[str, str]:
    """The same, its examples by the other's name for them where they are of the same data."""
    mine, theirs = fewshot.get("examples"), other.get("examples")
    alike = mine and theirs and NamedData.read(mine) == NamedData.read(theirs)
    return {**fewshot, "examples": theirs} if alike and theirs else fewshot


def _pairs(one: Mapping[str, str], two: Mapping[str, str]) -> str:
    names = sorted({*one, *two})
    unset = Sentence("asked.unset", "not set")
    apart = tuple(
        Sentence(
            "asked.setting",
            "{name} {a} against {b}",
            name=name,
            a=one.get(name) or unset,
            b=two.get(name) or unset,
        )
        for name in names
        if one.get(name) != two.get(name)
    )
    return Sentence("asked.settings", "{settings}", settings=apart) if apart else ""


def _digest(text: str) -> str:
    if not text:
        return Sentence("asked.none", "none")
    return Sentence("asked.of-server", "of the server") if text == "server" else text[:_DIGITS]

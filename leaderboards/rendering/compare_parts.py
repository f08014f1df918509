"""The parts of a comparison as rows of texts: what terminal and Markdown have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from csc_tasks.leaderboards.comparing.compare import Comparison, SectionComparison
from csc_tasks.leaderboards.comparing.paired import Delta
from csc_tasks.leaderboards.comparing.turns import Changed, Moved
from csc_tasks.leaderboards.rendering.language import Language, said, text
from csc_tasks.leaderboards.rendering.numbers import (
    ABSENT,
    difference_interval,
    in_percent,
    number,
    p_value,
)
from csc_tasks.metrics import has_sums, headlines, metric_named
from csc_tasks.metrics.comparison import Difference
from csc_tasks.protocol.task_kind import units_of

__all__ = [
    "WORDS",
    "Part",
    "changed_lines",
    "fact_line",
    "headline_deltas",
    "outcome",
    "outcome_text",
    "pair_cells",
    "parts",
    "units_text",
]

WORDS = (0, 7)
"""Columns of names and words in every part; the others are numbers."""


class Part(NamedTuple):
    """A table of a section."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]


def outcome(delta: Delta) -> str:
    """What a difference comes to, as programs read it."""
    return outcome_text(delta, Language.EN)


def outcome_text(delta: Delta, language: Language) -> str:
    """The same in a language."""
    if delta.difference is None or math.isnan(delta.difference.low):
        return said(delta.why, language)
    if not delta.better:
        return text("compare.description", language)
    if not delta.significant:
        return text("compare.noise", language)
    better = delta.difference.value * delta.better > 0
    return text("compare.a-better" if better else "compare.b-better", language)


def headline_deltas(section: SectionComparison) -> list[Delta]:
    """The scores that people decide by, of those that have an interval."""
    short = headlines([delta.metric for delta in section.deltas])
    return [delta for delta in section.deltas if has_sums(delta.metric) and delta.metric in short]


def units_text(section: str, language: Language) -> str:
    """What has a score by itself in a section."""
    return text(f"compare.unit.{units_of(section).turns}", language)


def fact_line(comparison: Comparison, language: Language) -> str:
    """What both agree in."""
    return ", ".join(f"{text(f'compare.fact.{k}', language)} {v}" for k, v in comparison.facts.items())


def _score(value: float, spread: float | None, percent: bool) -> str:
    """A score, and the standard deviation between the seeds that it is the mean of."""
    return number(value, percent) + ("" if spread is None else f" sd {number(spread, percent)}")


def pair_cells(
    metric: str,
    first: float,
    second: float,
    found: Difference | None,
    p: float,
    spreads: tuple[float | None, float | None] = (None, None),
) -> tuple[str, ...]:
    """Both scores, their difference, its interval and its p-value."""
    percent = in_percent(metric)
    return (
        _score(first, spreads[0], percent),
        _score(second, spreads[1], percent),
        number(first - second, percent, signed=True),
        difference_interval(found.low, found.high, metric) if found else ABSENT,
        p_value(p),
    )


def _metric_rows(section: SectionComparison, every: bool, language: Language) -> list[tuple[str, ...]]:
    return [
        (
            delta.metric,
            *pair_cells(
                delta.metric, delta.first, delta.second, delta.difference, delta.adjusted, delta.spreads
            ),
            f"{effect.better}/{effect.worse}/{effect.same}"
            if (effect := section.effects.get(delta.metric))
            else ABSENT,
            outcome_text(delta, language),
        )
        for delta in (section.deltas if every else headline_deltas(section))
    ]


def _moved_rows(metric: str, moved: Sequence[Moved]) -> list[tuple[str, ...]]:
    ordered = sorted(moved, key=lambda m: -abs(m.first - m.second))
    return [
        (m.name, str(m.turns), *pair_cells(metric, m.first, m.second, m.difference, m.adjusted))
        for m in ordered
    ]


def parts(comparison: Comparison, section: SectionComparison, every: bool, language: Language) -> list[Part]:
    """Each table of a section: scores, strategies, stages, topics."""
    name, units = section.section, units_text(section.section, language)
    interval = "compare.interval" if comparison.one_family else "compare.interval-alone"
    numbers = ("A", "B", *(text(key, language) for key in ("compare.difference", interval, "compare.p")))
    whole = (text("compare.metric", language), *numbers, text("compare.effect", language), "")
    title = text("compare.every", language, section=name) if every else name
    found = [Part(title, whole, _metric_rows(section, every, language))]
    groups = (
        ("strategy", section.strategies, "strategy_acc"),
        ("stage", section.stages, "stage_acc"),
        ("topic", section.topics, section.by),
    )
    for kind, moved, metric in groups:
        if moved:
            title = text(f"compare.by-{kind}", language, section=name, metric=metric)
            headings = (text(f"compare.{kind}", language), units, *numbers)
            found.append(Part(title, headings, _moved_rows(metric, moved)))
    return found


def changed_lines(section: SectionComparison, change: Changed, language: Language) -> list[str]:
    """A turn that changed, in lines."""
    scores = change.first_score, change.second_score
    first, second = (number(score, in_percent(section.by)) for score in scores)
    told = text("compare.against", language, a=first, b=second)
    facts = {"n": change.turn + 1, "topic": change.topic, "metric": section.by}
    if units_of(section.section).turns == "role-plays":
        # Over several seeds it may be anything between.
        if getattr(metric_named(section.by), "yes_no", False) and set(scores) <= {0.0, 1.0}:
            yes, no = text("compare.yes", language), text("compare.no", language)
            told = text("compare.turned", language, a=yes if scores[0] else no, b=yes if scores[1] else no)
        return [
            text("compare.trial", language, card=change.conversation, scores=told, **facts),
            f"A    {change.first_text}",
            f"B    {change.second_text}",
        ]
    gold = text("compare.gold", language)
    return [
        text("compare.turn", language, conversation=change.conversation, scores=told, **facts),
        f"{gold} {f'[{change.gold}] ' if change.gold else ''}{change.reference}",
        f"A    [{change.first_strategy or '?'}] {change.first_text}",
        f"B    [{change.second_strategy or '?'}] {change.second_text}",
    ]

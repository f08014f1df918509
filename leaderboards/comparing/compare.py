"""Two models side by side: what changed, whether it is real, where, and in which turns."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.comparing.asking import weigh
from csc_tasks.leaderboards.comparing.model_results import ModelResults, SectionResults, titles
from csc_tasks.leaderboards.comparing.paired import (
    Delta,
    delta,
    incomparable,
    one_family,
    with_holm_by_kind,
)
from csc_tasks.leaderboards.comparing.protocols import run_again
from csc_tasks.leaderboards.comparing.side import LABELS
from csc_tasks.leaderboards.comparing.turns import Changed, ComparedTurns, Effect, Moved
from csc_tasks.leaderboards.reading.asked import Asking
from csc_tasks.metrics import headlines
from csc_tasks.metrics.comparison import Difference, holm
from csc_tasks.metrics.uncertainty import resample_counts
from csc_tasks.protocol.named_data import common_names
from csc_tasks.protocol.task_kind import in_order, units_of
from csc_tasks.sentences import Sentence

__all__ = ["Changed", "Comparison", "Effect", "Moved", "SectionComparison", "compare"]

T = TypeVar("T", "Delta", "Moved")

_BY = ("bertscore", "rouge_l_norm", "rouge_l", "strategy_acc", "resolved")
"""The metric that says how much a turn changed: the first of these that both runs have."""


@dataclass(frozen=True, slots=True)
class SectionComparison:
    """One task in one context. ``by`` is the metric of ``topics`` and ``changed``; ``why`` says why there are none."""

    section: str
    deltas: tuple[Delta, ...]
    effects: dict[str, Effect]
    by: str
    strategies: tuple[Moved, ...]
    topics: tuple[Moved, ...]
    changed: tuple[Changed, ...]
    why: str = ""
    stages: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models; every difference is ``first`` minus ``second``.

    ``allowed`` is what was asked otherwise and let pass by name; ``settings`` has all that can change an answer
    of the first and of the second.
    """

    first: str
    second: str
    facts: dict[str, str]
    sections: tuple[SectionComparison, ...]
    notes: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    settings: tuple[dict[str, str], dict[str, str]] = ({}, {})
    benchmark: int = 0

    @property
    def one_family(self) -> bool:
        """Whether intervals are corrected as p-values are, and say the same; of benchmark 1 each stands alone."""
        return self.benchmark != 1


def compare(
    first: ModelResults, second: ModelResults, by: str | None = None, allow: Collection[Asking] = ()
) -> Comparison:
    """Everything that differs, paired by turn.

    All differences of all sections are one family, scores, strategies, stages and topics: the chance that any that is
    called real is none is 5 %, and intervals are as wide as their p-values ask for
    (:func:`~csc_tasks.leaderboards.comparing.paired.one_family`). Descriptions, which are neither better nor worse,
    have no p-value, and an interval of their own.

    Args:
        first: one model's results.
        second: the other's.
        by: the metric of single turns that decides which changed most, and of topics; by default BERTScore, ROUGE-L
            or accuracy; of role-plays whether they are resolved.
        allow: sides of how a model is asked that may differ.

    Raises:
        DataError: they may not be compared; the message says what differs.
        ConfigError: no section has ``by`` as a score of single turns; the message lists those that there are.
    """
    if reason := incomparable(first, second):
        cure = run_again(first.protocol, second.protocol)
        raise DataError(f"{first.source} and {second.source} may not be compared: {reason}{cure}")
    asked = weigh(first, second, allow)
    if asked.against:
        reasons = "; ".join(found.words for found in asked.against)
        options = " ".join(dict.fromkeys(f"--allow {found.asking.value}" for found in asked.against))
        raise DataError(
            f"{first.source} and {second.source} were asked otherwise: {reasons}; {options} compares all the same"
        )
    counts = cache(resample_counts)
    shared = in_order(first.sections.keys() & second.sections.keys())
    deltas: list[Delta] = []
    for section in shared:
        one, two = first.sections[section], second.sections[section]
        deltas += [
            delta(one, two, name, counts)
            for name in (*one.metrics, *(two.metrics.keys() - one.metrics.keys()))
        ]
    sections = [
        _section([d for d in deltas if d.section == name], first.sections[name], second.sections[name], by)
        for name in shared
    ]
    if by is not None and not any(section.by == by for section in sections):
        _refuse(by, sections)
    together = _by_kind if first.protocol.version == 1 else _all_together
    title, other = titles(first, second)
    return Comparison(
        title,
        other,
        first.protocol.called(common_names([first.protocol.data, second.protocol.data])).named(),
        tuple(together(sections)),
        (*first.notes, *second.notes, *asked.notes),
        asked.allowed,
        (_settings(first), _settings(second)),
        first.protocol.version,
    )


def _refuse(by: str, sections: Sequence[SectionComparison]) -> None:
    offered = sorted({name for section in sections for name in section.effects})
    there = f"there are {', '.join(offered)}" if offered else "there are none"
    whys = dict.fromkeys(section.why for section in sections if section.why and not section.effects)
    raise ConfigError(
        f"--by {by}: no score of single turns that both have; {there}{''.join(f' ({why})' for why in whys)}"
    )


def _all_together(sections: Sequence[SectionComparison]) -> list[SectionComparison]:
    """All tests of all sections as one family."""
    everything: list[Delta | Moved] = []
    for section in sections:
        everything += [*section.deltas, *section.strategies, *section.stages, *section.topics]
    tests = [each for each in everything if _tested(each) is not None]
    short = headlines([each.metric for each in everything if isinstance(each, Delta)])
    found = iter(
        one_family(
            [(tested, each.conversations) for each in tests if (tested := _tested(each)) is not None],
            [isinstance(each, Delta) and each.metric in short for each in tests],
        )
    )

    def together(items: Sequence[T]) -> tuple[T, ...]:
        return tuple(each if _tested(each) is None else each.as_one_of(next(found)) for each in items)

    return [
        replace(
            s,
            deltas=together(s.deltas),
            strategies=together(s.strategies),
            stages=together(s.stages),
            topics=together(s.topics),
        )
        for s in sections
    ]


def _tested(each: Delta | Moved) -> Difference | None:
    """The difference that is tested; ``None`` of a description, and where there is none."""
    if each.difference is None or (isinstance(each, Delta) and not each.better):
        return None
    return each.difference


def _by_kind(sections: Sequence[SectionComparison]) -> list[SectionComparison]:
    """As benchmark 1 had it: scores by their kind, strategies, stages and topics of a section are families."""
    deltas = with_holm_by_kind([delta for section in sections for delta in section.deltas])
    return [
        replace(
            section,
            deltas=tuple(d for d in deltas if d.section == section.section),
            strategies=tuple(_holm(section.strategies)),
            stages=tuple(_holm(section.stages)),
            topics=tuple(_holm(section.topics)),
        )
        for section in sections
    ]


def _settings(model: ModelResults) -> dict[str, str]:
    return dict(model.identity.settings) if model.identity else {}


def _section(
    deltas: Sequence[Delta], one: SectionResults, two: SectionResults, by: str | None
) -> SectionComparison:
    bare = SectionComparison(one.section, tuple(deltas), {}, "", (), (), ())
    if not (one.runs and two.runs):
        return replace(bare, why=Sentence("compare.only-sums", "a baseline file has no turns, only sums"))
    # Scores that csconv score added later have no place in the log; the run's own do.
    runs = (*one.runs, *two.runs)
    logged = [
        d.metric for d in deltas if d.difference is not None and all(d.metric in r.values for r in runs)
    ]
    of = units_of(one.section).turns
    if not logged:
        return replace(bare, why=_none_of(of))
    try:
        turns = ComparedTurns(one.runs, two.runs, logged)
    except DataError as error:
        return replace(bare, why=str(error))
    effects = {name: turns.effect(name) for name in logged if turns.has(name)}
    choices = [name for name in ([by] if by else _BY) if name in effects]
    found = replace(
        bare,
        effects=effects,
        strategies=tuple(turns.strategies()) if LABELS in logged else (),
        stages=tuple(turns.stages()) if LABELS in logged else (),
    )
    if not choices:
        return replace(found, why=_none_of(of, by))
    return replace(
        found,
        by=choices[0],
        topics=tuple(turns.topics(choices[0])),
        changed=tuple(turns.changed(choices[0])),
    )


def _none_of(turns: str, by: str | None = None) -> str:
    if by is not None:
        return Sentence(
            "compare.no-metric", "no {metric} that both have of the same {units}", metric=by, units=turns
        )
    return Sentence(
        "compare.no-per-turn", "no per-turn metric that both have of the same {units}", units=turns
    )


def _holm(moved: Sequence[Moved]) -> Iterator[Moved]:
    p_values = [math.nan if m.difference is None else m.difference.p for m in moved]
    for each, adjusted in zip(moved, holm(p_values).tolist(), strict=True):
        yield replace(each, adjusted=adjusted)

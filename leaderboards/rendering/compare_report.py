"""A comparison for a person, a document and a program."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from csc_tasks.leaderboards.board import finite
from csc_tasks.leaderboards.comparing.compare import Changed, Comparison, Moved, SectionComparison
from csc_tasks.leaderboards.comparing.paired import Delta
from csc_tasks.leaderboards.rendering.numbers import (
    ABSENT,
    difference_interval,
    in_percent,
    number,
    p_value,
)
from csc_tasks.leaderboards.rendering.text import code, inline, printable
from csc_tasks.metrics import has_sums, headlines, metric_named
from csc_tasks.metrics.comparison import Difference
from csc_tasks.protocol.task_kind import units_of

__all__ = ["markdown", "tables", "to_json"]

_METRICS = ("metric", "A", "B", "A - B", "95 % (Holm)", "p (Holm)", "better/worse/same", "")
_WORDS = (0, 7)
"""Columns of names and words; the others are numbers."""
_MOVED = ("A", "B", "A - B", "95 % (Holm)", "p (Holm)")


def _outcome(delta: Delta) -> str:
    if delta.difference is None or math.isnan(delta.difference.low):
        return delta.why
    if not delta.better:
        return "a description"
    if not delta.significant:
        return "noise"
    return "A better" if delta.difference.value * delta.better > 0 else "B better"


def _score(value: float, spread: float | None, percent: bool) -> str:
    """A score, and the standard deviation between the seeds that it is the mean of."""
    return number(value, percent) + ("" if spread is None else f" sd {number(spread, percent)}")


def _pair(
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


def _metric_rows(section: SectionComparison, every: bool) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    short = headlines([delta.metric for delta in section.deltas])
    for delta in section.deltas:
        if not every and not (has_sums(delta.metric) and delta.metric in short):
            continue
        effect = section.effects.get(delta.metric)
        rows.append(
            (
                delta.metric,
                *_pair(
                    delta.metric, delta.first, delta.second, delta.difference, delta.adjusted, delta.spreads
                ),
                f"{effect.better}/{effect.worse}/{effect.same}" if effect else ABSENT,
                _outcome(delta),
            )
        )
    return rows


def _moved_rows(metric: str, moved: Sequence[Moved]) -> list[tuple[str, ...]]:
    ordered = sorted(moved, key=lambda m: -abs(m.first - m.second))
    return [
        (m.name, str(m.turns), *_pair(metric, m.first, m.second, m.difference, m.adjusted)) for m in ordered
    ]


def _parts(
    section: SectionComparison, every: bool
) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """(title, headings, rows) of each table of a section."""
    name, turns = section.section, units_of(section.section).turns
    parts: list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]] = [
        (f"{name}: every metric" if every else f"{name}", _METRICS, _metric_rows(section, every))
    ]
    if section.strategies:
        heading = ("gold strategy", turns, *_MOVED)
        parts.append(
            (f"{name}: accuracy by strategy", heading, _moved_rows("strategy_acc", section.strategies))
        )
    if section.topics:
        heading = ("topic", turns, *_MOVED)
        parts.append((f"{name}: {section.by} by topic", heading, _moved_rows(section.by, section.topics)))
    return parts


def _changed_lines(section: SectionComparison, change: Changed) -> list[str]:
    scores = change.first_score, change.second_score
    first, second = (number(score, in_percent(section.by)) for score in scores)
    if units_of(section.section).turns == "role-plays":
        told = f"{first} against {second}"
        # Over several seeds it may be anything between.
        if getattr(metric_named(section.by), "yes_no", False) and set(scores) <= {0.0, 1.0}:
            told = " → ".join("yes" if score else "no" for score in scores)
        return [
            f"{change.conversation} trial {change.turn + 1} ({change.topic}), {section.by}: {told}",
            f"A    {change.first_text}",
            f"B    {change.second_text}",
        ]
    return [
        f"{change.conversation} turn {change.turn + 1} ({change.topic}), {section.by} {first} against {second}",
        f"gold {f'[{change.gold}] ' if change.gold else ''}{change.reference}",
        f"A    [{change.first_strategy or '?'}] {change.first_text}",
        f"B    [{change.second_strategy or '?'}] {change.second_text}",
    ]


def tables(comparison: Comparison, every: bool = False) -> list[RenderableType]:
    """The comparison for a terminal; ``every`` metric, not only the headline ones."""
    out: list[RenderableType] = [
        Text(f"A: {printable(comparison.first)}\nB: {printable(comparison.second)}"),
        Text(printable(", ".join(f"{k} {v}" for k, v in comparison.facts.items())) + "; shares in percent"),
        *(Text(printable(f"asked otherwise, allowed: {words}")) for words in comparison.allowed),
    ]
    for section in comparison.sections:
        for title, headings, rows in _parts(section, every):
            table = Table(title=Text(printable(title)), title_justify="left")
            for i, heading in enumerate(headings):
                table.add_column(heading, justify="left" if i in _WORDS else "right", overflow="fold")
            for row in rows:
                table.add_row(*(Text(printable(cell)) for cell in row))
            out.append(table)
        if section.changed:
            out.append(
                Text(
                    printable(
                        f"{section.section}: the {len(section.changed)} {units_of(section.section).turns} that changed "
                        f"most, by {section.by}"
                    )
                )
            )
        out += [
            Text("\n".join(printable(line, 400) for line in _changed_lines(section, change)) + "\n")
            for change in section.changed
        ]
        if section.why:
            out.append(
                Text(
                    printable(
                        f"{section.section}: no single {units_of(section.section).turns}: {section.why}"
                    )
                )
            )
    return out


def markdown(comparison: Comparison, every: bool = False) -> str:
    """The comparison as Markdown; texts of models are code, so that nothing in them is markup."""
    lines = [
        "# csconv compare",
        "",
        f"A: {code(comparison.first)}, B: {code(comparison.second)}",
        "",
        ", ".join(f"{k} {inline(v)}" for k, v in comparison.facts.items()) + ". Shares in percent.",
        *(
            line
            for words in comparison.allowed
            for line in ("", f"Asked otherwise, allowed: {code(words, 400)}")
        ),
    ]
    for section in comparison.sections:
        for title, headings, rows in _parts(section, every):
            lines += ["", f"## {inline(title)}", "", "| " + " | ".join(headings) + " |"]
            lines.append("|" + "|".join("---" if i in _WORDS else "---:" for i in range(len(headings))) + "|")
            lines += [
                "| "
                + " | ".join(inline(cell, 200) if i in _WORDS else cell for i, cell in enumerate(row))
                + " |"
                for row in rows
            ]
        if section.changed:
            lines += [
                "",
                f"## {inline(section.section)}: the {units_of(section.section).turns} that changed most, by "
                f"{inline(section.by)}",
            ]
        for change in section.changed:
            lines += ["", *(f"- {code(line, 400)}" for line in _changed_lines(section, change))]
        if section.why:
            lines += ["", f"No single {units_of(section.section).turns}: {code(section.why, 400)}"]
    if comparison.notes:
        lines += ["", "## Notes", "", *(f"- {code(note, 400)}" for note in comparison.notes)]
    return "\n".join(lines) + "\n"


def to_json(comparison: Comparison) -> str:
    """Everything, for programs; what is not known is ``null``."""
    content = asdict(comparison)
    for section, plain in zip(comparison.sections, content["sections"], strict=True):
        for delta, entry in zip(section.deltas, plain["deltas"], strict=True):
            entry["outcome"] = _outcome(delta)
            entry["difference"] = _named(delta.difference)
        for moved, entry in zip(
            (*section.strategies, *section.topics), (*plain["strategies"], *plain["topics"]), strict=True
        ):
            entry["difference"] = _named(moved.difference)
    return json.dumps(finite(content), ensure_ascii=False, indent=2, allow_nan=False)


def _named(found: Difference | None) -> dict[str, float] | None:
    return None if found is None else found._asdict()

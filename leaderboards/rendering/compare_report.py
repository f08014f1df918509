"""A comparison for a person, a document and a program: its summary, and all of it where that is asked for."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from csc_tasks.leaderboards.board import finite
from csc_tasks.leaderboards.comparing.compare import Comparison, SectionComparison
from csc_tasks.leaderboards.rendering.compare_parts import (
    WORDS,
    changed_lines,
    fact_line,
    outcome,
    parts,
    units_text,
)
from csc_tasks.leaderboards.rendering.compare_summary import summary_blocks, summary_lines
from csc_tasks.leaderboards.rendering.language import Language, said, text
from csc_tasks.leaderboards.rendering.text import code, inline, printable
from csc_tasks.metrics.comparison import Difference

__all__ = ["markdown", "named_difference", "tables", "to_json"]

_LINE = 400
"""Characters of a line that a model may have written."""


def tables(
    comparison: Comparison, every: bool = False, full: bool = False, language: Language = Language.EN
) -> list[RenderableType]:
    """The comparison for a terminal: a summary on one screen, and below it all of it where that is asked for.

    Args:
        comparison: of two models.
        every: with every metric, not only the headline ones; means ``full``.
        full: with strategies, stages, topics and the turns that changed most.
        language: of its words; names of metrics that options take stay what they are.
    """
    out: list[RenderableType] = [Text("\n".join(summary_lines(comparison, language)))]
    if not (full or every):
        return out
    out.append(Text())
    for section in comparison.sections:
        for part in parts(comparison, section, every, language):
            table = Table(title=Text(printable(part.title)), title_justify="left")
            for i, heading in enumerate(part.headings):
                table.add_column(heading, justify="left" if i in WORDS else "right", overflow="fold")
            for row in part.rows:
                table.add_row(*(Text(printable(cell)) for cell in row))
            out.append(table)
        if section.changed:
            out.append(Text(printable(_most_changed(section, language))))
        out += [
            Text(
                "\n".join(printable(line, _LINE) for line in changed_lines(section, change, language)) + "\n"
            )
            for change in section.changed
        ]
        if section.why:
            out.append(Text(printable(_none_single(section, said(section.why, language), language))))
    return out


def _most_changed(section: SectionComparison, language: Language, name: str = "") -> str:
    return text(
        "compare.most-changed",
        language,
        section=name or section.section,
        n=len(section.changed),
        units=units_text(section.section, language),
        metric=section.by,
    )


def _none_single(section: SectionComparison, why: str, language: Language) -> str:
    units = units_text(section.section, language)
    return text("compare.none-single", language, section=section.section, units=units, why=why)


def markdown(
    comparison: Comparison, every: bool = False, full: bool = False, language: Language = Language.EN
) -> str:
    """The same as Markdown; texts of models are code, so that nothing in them is markup."""
    lines = [
        f"# {text('compare.title', language)}",
        "",
        f"A: {code(comparison.first)}, B: {code(comparison.second)}",
        "",
        f"{inline(fact_line(comparison, language))}; {text('compare.units', language)}",
        *(
            line
            for words in comparison.allowed
            for line in ("", text("compare.allowed", language, words=code(said(words, language), _LINE)))
        ),
    ]
    if not comparison.one_family:
        lines += ["", text("compare.alone", language)]
    interval = "compare.interval" if comparison.one_family else "compare.interval-alone"
    headings = (
        text("compare.metric", language),
        *("A", "B"),
        *(text(key, language) for key in ("compare.difference", interval, "compare.p", "compare.outcome")),
    )
    for block in summary_blocks(comparison, language):
        lines += ["", f"## {inline(block.title)}", "", inline(block.counts, _LINE)]
        if block.rows:
            lines += ["", *_grid(headings, block.rows, (0, len(headings) - 1))]
        if block.moved:
            lines += ["", inline(block.moved, _LINE)]
    if full or every:
        for section in comparison.sections:
            lines += _whole(comparison, section, every, language)
    if comparison.notes:
        lines += ["", f"## {text('compare.notes', language)}", ""]
        lines += [f"- {code(said(note, language), _LINE)}" for note in comparison.notes]
    return "\n".join(lines) + "\n"


def _whole(comparison: Comparison, section: SectionComparison, every: bool, language: Language) -> list[str]:
    lines: list[str] = []
    for part in parts(comparison, section, every, language):
        lines += ["", f"## {inline(part.title)}", "", *_grid(part.headings, part.rows, WORDS)]
    if section.changed:
        lines += ["", f"## {_most_changed(section, language, inline(section.section))}"]
    for change in section.changed:
        lines += ["", *(f"- {code(line, _LINE)}" for line in changed_lines(section, change, language))]
    if section.why:
        lines += ["", _none_single(section, code(said(section.why, language), _LINE), language)]
    return lines


def _grid(headings: tuple[str, ...], rows: list[tuple[str, ...]], words: tuple[int, ...]) -> list[str]:
    return [
        "| " + " | ".join(headings) + " |",
        "|" + "|".join("---" if i in words else "---:" for i in range(len(headings))) + "|",
        *(
            "| " + " | ".join(inline(cell, 200) if i in words else cell for i, cell in enumerate(row)) + " |"
            for row in rows
        ),
    ]


def to_json(comparison: Comparison) -> str:
    """Everything, for programs; what is not known is ``null``.

    In a ``difference`` ``low`` and ``high`` are corrected and go with ``adjusted`` beside it; ``p`` is that of
    the one test alone.
    """
    content = asdict(comparison)
    for section, plain in zip(comparison.sections, content["sections"], strict=True):
        for delta, entry in zip(section.deltas, plain["deltas"], strict=True):
            entry["outcome"] = outcome(delta)
            entry["difference"] = named_difference(delta.difference)
        moved = (*section.strategies, *section.topics, *section.stages)
        entries = (*plain["strategies"], *plain["topics"], *plain["stages"])
        for each, entry in zip(moved, entries, strict=True):
            entry["difference"] = named_difference(each.difference)
    return json.dumps(finite(content), ensure_ascii=False, indent=2, allow_nan=False)


def named_difference(found: Difference | None) -> dict[str, float] | None:
    """A difference with the names of its numbers."""
    return None if found is None else found._asdict()

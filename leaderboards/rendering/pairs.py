"""Base and tuned models side by side, as text: for a terminal, Markdown and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from csc_tasks.leaderboards.board import BoardTable, Column, Row, Section
from csc_tasks.leaderboards.rendering.language import Language, column_text, said, section_text, text, value
from csc_tasks.leaderboards.rendering.numbers import ABSENT, difference_interval, number, p_value
from csc_tasks.leaderboards.rendering.report_lines import aligned
from csc_tasks.leaderboards.rendering.text import inline
from csc_tasks.leaderboards.tuned import PairedScore, TunedPair

__all__ = ["PairLine", "PairView", "pair_lines", "pair_markdown", "pair_views", "shown_on_page"]


class PairLine(NamedTuple):
    """A score of both in texts; ``real`` where the difference is told from chance."""

    column: Column
    base: str
    tuned: str
    difference: str
    interval: str
    p: str
    why: str
    real: bool


class PairView(NamedTuple):
    """A pair with its rows, and its lines by section, reference context before generated; ``base`` may be none."""

    pair: TunedPair
    tuned: Row
    base: Row | None
    sections: list[tuple[Section, list[PairLine]]]


def pair_views(table: BoardTable) -> list[PairView]:
    """The pairs of a table, ready to be shown."""
    rows, columns = {row.id: row for row in table.rows}, {column.id: column for column in table.columns}
    views = []
    for pair in table.pairs:
        lines = [(columns[score.column], _line(score, columns[score.column])) for score in pair.scores]
        grouped = [
            (section, own)
            for section in table.sections
            if (own := [line for column, line in lines if column.section == section.id])
        ]
        views.append(PairView(pair, rows[pair.tuned], rows.get(pair.base), grouped))
    return views


def _line(score: PairedScore, column: Column) -> PairLine:
    known = score.low is not None and score.high is not None
    return PairLine(
        column,
        number(score.base, column.percent),
        number(score.tuned, column.percent),
        number(score.difference, column.percent, signed=True),
        difference_interval(score.low or 0.0, score.high or 0.0, column.metric) if known else ABSENT,
        ABSENT if score.p is None else p_value(score.p),
        score.why,
        score.real,
    )


_HEADINGS = ("pairs.base", "pairs.tuned", "pairs.difference", "compare.interval", "compare.p")


def pair_lines(
    table: BoardTable,
    name: Callable[[Row], str],
    escape: Callable[[str], str],
    language: Language = Language.EN,
) -> Iterator[str]:
    """The pairs for a terminal, line by line; nothing where there are none.

    Args:
        table: the comparability class.
        name: of a row, fit for the terminal.
        escape: makes any other text fit for it.
        language: of the words.
    """
    views = pair_views(table)
    if not views:
        return
    yield text("pairs.title", language)
    yield text("pairs.about", language)
    for view in views:
        yield ""
        yield f"{name(view.tuned)} ← {name(view.base) if view.base else escape(view.pair.name)}"
        yield from (
            f"  {escape(said(words, language))}" for words in (view.pair.caution, view.pair.why) if words
        )
        for section, lines in view.sections:
            yield f"  {escape(value(section_text(section), language))}"
            rows = [("", *(text(key, language) for key in _HEADINGS), "")]
            rows += [
                (value(column_text(line.column), language), *line[1:6], said(line.why, language))
                for line in lines
            ]
            yield from aligned(rows, left=(0, 6), indent=4)
    yield ""


def pair_markdown(
    table: BoardTable, name: Callable[[Row], str], language: Language = Language.EN
) -> Iterator[str]:
    """The same as Markdown."""
    views = pair_views(table)
    if not views:
        return
    yield from ("", f"### {text('pairs.title', language)}", "", text("pairs.about", language), "")
    headings = [text(key, language) for key in ("pairs.model", "pairs.section", "compare.metric", *_HEADINGS)]
    yield "| " + " | ".join(headings) + " |"
    yield "|---|---|---|---:|---:|---:|---:|---:|"
    for view in views:
        title = f"{name(view.tuned)} ← {name(view.base) if view.base else inline(view.pair.name, 200)}"
        for section, lines in view.sections:
            where = inline(value(section_text(section), language))
            for line in lines:
                metric = inline(value(column_text(line.column), language), 300)
                yield "| " + " | ".join([title, where, metric, *line[1:6]]) + " |"
    yield ""
    for view in views:
        for words in (view.pair.caution, view.pair.why):
            if words:
                yield f"- {name(view.tuned)}: {inline(said(words, language), 400)}"


def shown_on_page(table: BoardTable) -> list[dict[str, Any]]:
    """The pairs in the paper's form: a group a pair with columns by section and metric, base above tuned."""
    views = pair_views(table)
    columns = {line.column.id: line.column for view in views for _, lines in view.sections for line in lines}
    ordered = [column for column in table.columns if column.id in columns]
    return [
        {
            "view": view,
            "cells": [
                next((line for _, lines in view.sections for line in lines if line.column is column), None)
                for column in ordered
            ],
            "columns": ordered,
        }
        for view in views
    ]

"""What stands beneath a table about values that are not there, other wordings of the prompt and other customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from csc_tasks.leaderboards.board import BoardTable, Row
from csc_tasks.leaderboards.rendering.grid import Grid, absences
from csc_tasks.leaderboards.rendering.labels import arrow
from csc_tasks.leaderboards.rendering.language import column_text, mapped, section_text, spec_of
from csc_tasks.leaderboards.rendering.numbers import number

__all__ = ["absence_notes", "spread_notes"]


def absence_notes(
    table: BoardTable, shown: Sequence[Grid], name: Callable[[Row], str], text: Callable[[str], str]
) -> Iterator[Any]:
    """Why values are not there, a line a reason, as :func:`~csc_tasks.leaderboards.rendering.language.value` reads it.

    Args:
        table: one comparability class.
        shown: the grids of it that are shown.
        name: writes a row's name as the rendering needs it.
        text: does so with any other text from outside.
    """
    for section, columns, why, rows in absences(table, shown):
        yield {
            "@": "page.absent",
            "section": mapped(section_text(section), text),
            "titles": [mapped(column_text(column), text) for column in columns],
            "rows": ", ".join(name(row) for row in rows),
            "why": mapped(spec_of(why), text),
        }


def spread_notes(table: BoardTable, text: Callable[[str], str]) -> Iterator[tuple[Row, Any]]:
    """Rows that were asked in several wordings or played with several customers, and how far their scores lie apart.

    Args:
        table: one comparability class.
        text: writes a text from outside as the rendering needs it.
    """
    yield from _wordings(table, text)
    yield from _customers(table, text)


def _wordings(table: BoardTable, text: Callable[[str], str]) -> Iterator[tuple[Row, Any]]:
    """The lowest and the highest score of each column."""
    columns = {column.id: column for column in table.columns}
    for row in table.rows:
        for section in table.sections:
            ranges: dict[tuple[str, ...], list[Any]] = {}
            for spread in table.wordings:
                column = columns[spread.column]
                if spread.row == row.id and column.section == section.id:
                    low, high = (number(f(spread.scores.values()), column.percent) for f in (min, max))
                    title = mapped(column_text(column), text)
                    ranges.setdefault(tuple(spread.scores), []).append(
                        {
                            "@": "spread.range",
                            "column": title,
                            "arrow": arrow(column),
                            "low": low,
                            "high": high,
                        }
                    )
            for prompts, scores in ranges.items():
                yield (
                    row,
                    {
                        "@": "spread.wordings",
                        "section": mapped(section_text(section), text),
                        "prompts": text(", ".join(prompts)),
                        "scores": scores,
                    },
                )


def _customers(table: BoardTable, text: Callable[[str], str]) -> Iterator[tuple[Row, Any]]:
    """The score with each customer, this table's last."""
    columns = {column.id: column for column in table.columns}
    rows = {row.id: row for row in table.rows}
    for spread in table.customers:
        column = columns[spread.column]
        (own, *others) = (
            {"@": "spread.of", "score": number(score, column.percent), "customer": text(customer)}
            for customer, score in spread.scores.items()
        )
        title = mapped(column_text(column), text)
        yield rows[spread.row], {"@": "spread.customers", "column": title, "others": others, "own": own}

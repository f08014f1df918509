"""How far a model's scores lie apart under several wordings of the prompt, in a line a row and section."""

from __future__ import annotations

from collections.abc import Iterator

from csc_tasks.leaderboards.board import BoardTable, Row
from csc_tasks.leaderboards.rendering.labels import arrow
from csc_tasks.leaderboards.rendering.numbers import number

__all__ = ["wording_lines"]


def wording_lines(table: BoardTable) -> Iterator[tuple[Row, str]]:
    """Each row that was asked in several wordings, and in words the lowest and highest of its scores.

    The words are not escaped.
    """
    columns = {column.id: column for column in table.columns}
    for row in table.rows:
        for section in table.sections:
            ranges: dict[tuple[str, ...], list[str]] = {}
            for spread in table.wordings:
                column = columns[spread.column]
                if spread.row == row.id and column.section == section.id:
                    low, high = (number(f(spread.scores.values()), column.percent) for f in (min, max))
                    shown = f"{column.title}{arrow(column)} {low} to {high}"
                    ranges.setdefault(tuple(spread.scores), []).append(shown)
            for prompts, told in ranges.items():
                yield row, f"{section.title}, by wording ({', '.join(prompts)}): {', '.join(told)}"

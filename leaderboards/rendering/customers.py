"""What a model's role-plays come to with other customers, in a line a row."""

from __future__ import annotations

from collections.abc import Iterator

from csc_tasks.leaderboards.board import BoardTable, Row
from csc_tasks.leaderboards.rendering.numbers import number

__all__ = ["customer_lines"]


def customer_lines(table: BoardTable) -> Iterator[tuple[Row, str]]:
    """Each row that was also played with other customers, and in words its score with each, this table's first.

    The words are not escaped.
    """
    columns = {column.id: column for column in table.columns}
    rows = {row.id: row for row in table.rows}
    for spread in table.customers:
        column = columns[spread.column]
        (own, *others) = (
            f"{number(score, column.percent)} ({customer})" for customer, score in spread.scores.items()
        )
        yield rows[spread.row], f"{column.title} with other customers: {', '.join(others)}; here {own}"

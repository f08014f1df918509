"""A section of a board's table as lines of texts: what the terminal and Markdown show alike, each in its own dress.

Nothing here is escaped: names are as the files say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from csc_tasks.leaderboards.board import BeatsFloor, BoardTable, Cell, Column, Row, Section
from csc_tasks.leaderboards.rendering.language import Language, column_text, text, value
from csc_tasks.leaderboards.rendering.numbers import ABSENT, NO_BETTER, interval, number

__all__ = ["Absence", "Grid", "Line", "Place", "absences", "cell_text", "grids", "losses", "ways"]


class Place(IntEnum):
    """Which rows stand beneath which."""

    MODEL = 0
    INCOMPLETE = 1
    FLOOR = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One model's line: ``rank`` in the column that the lines are sorted by, a text a column, and its turns.

    ``first`` says of each cell whether it is one of the best (:attr:`~csc_tasks.leaderboards.board.Cell.first`).
    """

    row: Row
    place: Place
    rank: str
    cells: tuple[str, ...]
    first: tuple[bool, ...]
    turns: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A section with its lines, the best first; ``key`` is the column that they are sorted and ranked by."""

    section: Section
    columns: tuple[Column, ...]
    key: Column | None
    lines: tuple[Line, ...]


class Absence(NamedTuple):
    """Values that are not there, in which columns of a section and of which rows, all for one reason."""

    section: Section
    columns: list[Column]
    why: str
    rows: list[Row]


def grids(
    table: BoardTable, every: bool = False, sort: str | None = None, language: Language = Language.EN
) -> Iterator[Grid]:
    """A grid for each section of the table.

    Args:
        table: one comparability class.
        every: all columns, not only the headline ones.
        sort: metric to sort by where a section has it; its column is shown in any case. By default the
            first column with ranks.
        language: of the words in cells.
    """
    for section in table.sections:
        columns = tuple(
            c for c in table.columns if c.section == section.id and (every or c.headline or c.metric == sort)
        )
        key = next((c for c in columns if c.metric == sort), None)
        key = key or next((c for c in columns if c.ranked), None)
        rows = [row for row in table.rows if section.id in row.figures]
        lines = [_line(row, section, columns, key, language) for row in rows]
        yield Grid(section, columns, key, tuple(sorted(lines, key=lambda line: _order(line, key))))


def _line(
    row: Row, section: Section, columns: Sequence[Column], key: Column | None, language: Language
) -> Line:
    figures = row.figures[section.id]
    cells = [row.cells.get(column.id) for column in columns]
    rank = row.cells[key.id].rank if key and key.id in row.cells else None
    place = Place.FLOOR if row.floor else Place.MODEL
    if place is Place.MODEL and rank is None and (row.incomplete or not figures.complete):
        place = Place.INCOMPLETE
    partial = place is Place.INCOMPLETE or not figures.complete
    return Line(
        row,
        place,
        str(rank or ABSENT),
        tuple(cell_text(column, cell, language) for column, cell in zip(columns, cells, strict=True)),
        tuple(cell is not None and cell.first for cell in cells),
        text("tag.incomplete", language, n=str(figures.turns)) if partial else str(figures.turns),
    )


def _order(line: Line, key: Column | None) -> tuple[Place, bool, float]:
    cell = line.row.cells.get(key.id) if key else None
    score = cell.value if cell else None
    unranked = key is not None and key.ranked and (cell is None or cell.rank is None)
    return line.place, unranked, math.inf if key is None or score is None else -(key.better or 1) * score


def cell_text(column: Column, cell: Cell | None, language: Language = Language.EN) -> str:
    """A score with its interval in brackets and the spread between seeds, as far as they are known.

    One that is not significantly above the best floor has :data:`NO_BETTER` behind it.
    """
    if cell is None or cell.value is None:
        return ABSENT
    parts = [number(cell.value, column.percent) + (NO_BETTER if cell.beats_floor is BeatsFloor.NO else "")]
    if cell.low is not None and cell.high is not None:
        parts.append(interval(cell.low, cell.high, column.percent))
    if cell.spread is not None:
        parts.append(text("tag.sd", language, value=number(cell.spread, column.percent)))
    return " ".join(parts)


def absences(table: BoardTable, shown: Sequence[Grid]) -> Iterator[Absence]:
    """Why values are not there that a file reports without a number; columns that lack them alike stand together."""
    for grid in shown:
        found: dict[tuple[str, tuple[str, ...]], Absence] = {}
        for column in grid.columns:
            reasons: dict[str, list[Row]] = {}
            for row in table.rows:
                cell = row.cells.get(column.id)
                if cell is not None and cell.value is None:
                    reasons.setdefault(cell.why, []).append(row)
            for why, rows in reasons.items():
                key = why, tuple(row.id for row in rows)
                found.setdefault(key, Absence(grid.section, [], why, rows)).columns.append(column)
        yield from found.values()


def ways(shown: Sequence[Grid], language: Language = Language.EN) -> dict[str, list[str]]:
    """How scores are computed: the titles of the columns by their signature, where it says more than the title."""
    found: dict[str, dict[str, None]] = {}
    for grid in shown:
        for column in grid.columns:
            if column.signature != "csconv":
                found.setdefault(column.signature, {})[value(column_text(column), language)] = None
    return {signature: list(titles) for signature, titles in found.items()}


def losses(table: BoardTable) -> Iterator[Grid]:
    """What generated context costs: a task's scores with the model's own history minus those with the gold history.

    Only headline scores of which one end is the better one, of rows that have both over as many turns. The
    difference carries no interval: the two scores are of the same conversations, so those of each do not add up.
    """
    for reference, generated in table.contexts():
        bases = {(c.metric, c.signature): c for c in table.columns if c.section == reference.id}
        pairs = [
            (column, bases[column.metric, column.signature])
            for column in table.columns
            if column.section == generated.id and column.headline and column.better
            if (column.metric, column.signature) in bases
        ]
        found = [(row, [_loss(row, *pair) for pair in pairs]) for row in table.rows]
        kept = [i for i in range(len(pairs)) if any(cells[i] != ABSENT for _, cells in found)]
        lines = [
            Line(
                row,
                Place.FLOOR if row.floor else Place.MODEL,
                "",
                tuple(cells[i] for i in kept),
                (False,) * len(kept),
                "",
            )
            for row, cells in found
            if set(cells) != {ABSENT}
        ]
        if kept:
            yield Grid(
                generated,
                tuple(pairs[i][0] for i in kept),
                None,
                tuple(sorted(lines, key=lambda line: line.place)),
            )


def _loss(row: Row, column: Column, base: Column) -> str:
    own, gold = row.cells.get(column.id), row.cells.get(base.id)
    if own is None or gold is None or own.value is None or gold.value is None or own.turns != gold.turns:
        return ABSENT
    return number(own.value - gold.value, column.percent, signed=True)

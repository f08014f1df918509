"""The leaderboard on a terminal: the same tables as on the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.board import Board, BoardTable, Row
from csc_tasks.leaderboards.rendering.customers import customer_lines
from csc_tasks.leaderboards.rendering.floor_notes import floor_notes
from csc_tasks.leaderboards.rendering.grid import Grid, absences, grids, losses, ways
from csc_tasks.leaderboards.rendering.labels import arrow, row_name
from csc_tasks.leaderboards.rendering.numbers import ABSENT
from csc_tasks.leaderboards.rendering.pairs import pair_lines
from csc_tasks.leaderboards.rendering.text import printable
from csc_tasks.leaderboards.rendering.wordings import wording_lines

__all__ = ["tables"]

_FRAME = 3
"""Cells that a column takes beside its text: a space on either side and a line."""
_NARROW, _NARROWEST = 24, 8
"""Cells that are left to names before columns go into a table of their own, and those that always are."""


class _Strip(NamedTuple):
    """A column of a terminal's table: its heading, its cells, and how it is set."""

    heading: str
    cells: list[Text]
    left: bool = False

    def width(self, folded: bool = False) -> int:
        """Cells that it takes, with its heading in one line or folded at spaces."""
        headings = self.heading.split() if folded else [self.heading]
        return max(map(cell_len, [*headings, *(cell.plain for cell in self.cells)]))


def tables(
    board: Board, every: bool = False, sort: str | None = None, width: int | None = None
) -> Iterator[RenderableType]:
    """A table for each section of each comparability class, with what it takes to read it.

    Args:
        board: what to show.
        every: all metrics, not only the headline ones.
        sort: metric to sort by; by default each section's first.
        width: of the terminal in cells: names are folded and columns laid out in several tables rather than
            anything cut. As wide as need be by default.

    Raises:
        ConfigError: no section has the metric to sort by; the message lists those that there are.
    """
    metrics = {column.metric: None for table in board.tables for column in table.columns}
    if sort is not None and sort not in metrics:
        raise ConfigError(f"--sort: no metric {sort!r}; there are {', '.join(map(printable, metrics))}")
    return (part for table in board.tables for part in _table(board, table, every, sort, width))


def _table(
    board: Board, table: BoardTable, every: bool, sort: str | None, width: int | None
) -> Iterator[RenderableType]:
    facts = ", ".join(f"{name} {value}" for name, value in table.facts.items())
    yield Text(printable(table.title), style="bold")
    seeds = ", sd between seeds" if any(row.seeds > 1 for row in table.rows) else ""
    yield Text(f"{printable(facts)}; shares in percent, {board.level:.0%} intervals{seeds}")
    if table.apart:
        yield Text(f"Not comparable with the first table: {printable(table.apart)}")
    if table.partial:
        yield Text(f"Partial: {printable(table.partial)}")
    if table.caution:
        yield Text(f"Smoke test: {printable(table.caution)}")
    yield Text()
    shown = [grid for grid in grids(table, every, sort) if grid.columns and grid.lines]
    for grid in shown:
        yield from _grid(grid, printable(grid.section.title), width)
    for grid in losses(table):
        yield from _grid(grid, f"{printable(grid.section.title)} minus reference context", width)
    notes = [*floor_notes(table, shown, _name, printable), *_notes(table, shown)]
    if every:
        notes += _signs(table)
    yield from map(Text, notes)
    if notes:
        yield Text()
    yield from map(Text, pair_lines(table, _name, printable))


def _grid(grid: Grid, title: str, width: int | None) -> Iterator[RenderableType]:
    names = _Strip("model", [Text(_name(line.row)) for line in grid.lines], left=True)
    ranks = [_Strip("#", [Text(line.rank) for line in grid.lines])] if grid.key else []
    scores = [
        _Strip(
            printable(column.title) + arrow(column),
            [Text(line.cells[i], style="bold" if line.first[i] else "") for line in grid.lines],
        )
        for i, column in enumerate(grid.columns)
    ]
    turns = (
        [_Strip(grid.section.counted, [Text(line.turns) for line in grid.lines])]
        if any(line.turns for line in grid.lines)
        else []
    )
    layout = _layout([*ranks, names], [*scores, *turns], names, width)
    for number, part in enumerate(layout.parts, 1):
        yield Text(title + (f" ({number} of {len(layout.parts)})" if len(layout.parts) > 1 else ""))
        strips = [*ranks, names, *part]
        widths = [layout.name if strip is names else strip.width(layout.folded) for strip in strips]
        # Told its width, a table does not squeeze columns to nothing where a terminal is narrower still.
        made = Table(width=sum(width + _FRAME for width in widths) + 1)
        for strip, cells in zip(strips, widths, strict=True):
            made.add_column(
                Text(strip.heading), justify="left" if strip.left else "right", overflow="fold", width=cells
            )
        for i, line in enumerate(grid.lines):
            if i and line.place is not grid.lines[i - 1].place:
                made.add_section()
            made.add_row(*(strip.cells[i] for strip in strips))
        yield made
        yield Text()


class _Layout(NamedTuple):
    """Which score columns share a table, the cells of a name in it, and whether headings are folded."""

    parts: list[list[_Strip]]
    name: int
    folded: bool


def _layout(fixed: Sequence[_Strip], movable: Sequence[_Strip], names: _Strip, width: int | None) -> _Layout:
    """The widest layout that fits: all in one line, else headings folded, else names too, else several tables."""
    whole = names.width()
    others = sum(strip.width() + _FRAME for strip in fixed if strip is not names) + _FRAME + 1
    if width is None or others + whole + sum(strip.width() + _FRAME for strip in movable) <= width:
        return _Layout([list(movable)], whole, False)
    needed = [strip.width(folded=True) + _FRAME for strip in movable]
    name = width - others - sum(needed)
    if name >= min(whole, _NARROW):
        return _Layout([list(movable)], min(whole, name), True)
    name = min(whole, max(_NARROWEST, min(_NARROW, width - others - max(needed))))
    parts: list[list[_Strip]] = []
    room = 0
    for strip, cells in zip(movable, needed, strict=True):
        if not parts or cells > room:
            parts.append([])
            room = width - others - name
        room -= cells
        parts[-1].append(strip)
    return _Layout(parts, name, True)


def _name(row: Row) -> str:
    return " ".join(part for part in map(printable, row_name(row)) if part)


def _signs(table: BoardTable) -> Iterator[str]:
    """What was wrong with how many replies, a line a model and section."""
    for row in table.rows:
        for section in table.sections:
            if section.id in row.figures and (signs := row.figures[section.id].signs):
                yield f"{_name(row)}, {printable(section.title)}: {printable('; '.join(signs))}"


def _notes(table: BoardTable, shown: Sequence[Grid]) -> Iterator[str]:
    for signature, titles in ways(shown).items():
        yield f"{'; '.join(map(printable, titles))}: {printable(signature)}"
    for section, columns, why, rows in absences(table, shown):
        where = f"{printable(section.title)}, {'; '.join(printable(column.title) for column in columns)}"
        yield f"{where}: {ABSENT} for {', '.join(map(_name, rows))} ({printable(why)})"
    spreads = (*wording_lines(table), *customer_lines(table))
    yield from (f"{_name(row)}: {printable(words)}" for row, words in spreads)
    for row in table.rows:
        if row.incomplete or row.notes:
            yield f"{_name(row)}: {printable('; '.join(part for part in (row.incomplete, *row.notes) if part))}"

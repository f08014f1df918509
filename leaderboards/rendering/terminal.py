"""The leaderboard on a terminal: the same tables as on the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.board import Board, BoardTable, Row
from csc_tasks.leaderboards.rendering.facts import fact_name, table_facts
from csc_tasks.leaderboards.rendering.floor_notes import floor_notes
from csc_tasks.leaderboards.rendering.grid import Grid, grids, losses, ways
from csc_tasks.leaderboards.rendering.labels import arrow, row_name
from csc_tasks.leaderboards.rendering.language import (
    Language,
    column_text,
    said,
    section_text,
    text,
    value,
)
from csc_tasks.leaderboards.rendering.pairs import pair_lines
from csc_tasks.leaderboards.rendering.table_notes import absence_notes, spread_notes
from csc_tasks.leaderboards.rendering.text import printable

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
    board: Board,
    every: bool = False,
    sort: str | None = None,
    width: int | None = None,
    language: Language = Language.EN,
) -> Iterator[RenderableType]:
    """A table for each section of each comparability class, with what it takes to read it.

    Args:
        board: what to show.
        every: all metrics, not only the headline ones.
        sort: metric to sort by; by default each section's first.
        width: of the terminal in cells: names are folded and columns laid out in several tables rather than
            anything cut. As wide as need be by default.
        language: of headings and notes.

    Raises:
        ConfigError: no section has the metric to sort by; the message lists those that there are.
    """
    metrics = {column.metric: None for table in board.tables for column in table.columns}
    if sort is not None and sort not in metrics:
        raise ConfigError(f"--sort: no metric {sort!r}; there are {', '.join(map(printable, metrics))}")
    said_in = _Terminal(board, every, sort, width, language)
    return (part for table in board.tables for part in said_in.table(table))


class _Terminal:
    def __init__(
        self, board: Board, every: bool, sort: str | None, width: int | None, language: Language
    ) -> None:
        self.board, self.every, self.sort, self.width = board, every, sort, width
        self.language = language

    def table(self, table: BoardTable) -> Iterator[RenderableType]:
        facts = ", ".join(f"{fact_name(name, self.language)} {fact}" for name, fact in table_facts(table))
        yield Text(printable(said(table.title, self.language)), style="bold")
        shares = "doc.shares-sd" if any(row.seeds > 1 for row in table.rows) else "doc.shares"
        level = f"{self.board.level:.0%}"
        yield Text(f"{printable(facts)}; {text(shares, self.language, level=level)}")
        remarks = (("doc.apart", table.apart), ("doc.partial", table.partial), ("doc.smoke", table.caution))
        for key, words in remarks:
            if words:
                yield Text(text(key, self.language, words=printable(said(words, self.language))))
        yield Text()
        found = grids(table, self.every, self.sort, self.language)
        shown = [grid for grid in found if grid.columns and grid.lines]
        for grid in shown:
            yield from self.grid(grid, self.section(grid))
        for grid in losses(table):
            yield from self.grid(grid, text("section.minus", self.language, section=self.section(grid)))
        notes = [
            *(value(spec, self.language) for spec in floor_notes(table, shown, self.name, printable)),
            *self.notes(table, shown),
        ]
        if self.every:
            notes += self.signs(table)
        yield from map(Text, notes)
        if notes:
            yield Text()
        yield from map(Text, pair_lines(table, self.name, printable, self.language))

    def section(self, grid: Grid) -> str:
        return printable(value(section_text(grid.section), self.language))

    def grid(self, grid: Grid, title: str) -> Iterator[RenderableType]:
        lines = grid.lines
        names = _Strip(
            text("doc.model", self.language), [Text(self.name(line.row)) for line in lines], left=True
        )
        ranks = [_Strip("#", [Text(line.rank) for line in lines])] if grid.key else []
        scores = [
            _Strip(
                printable(value(column_text(column), self.language)) + arrow(column),
                [Text(line.cells[i], style="bold" if line.first[i] else "") for line in lines],
            )
            for i, column in enumerate(grid.columns)
        ]
        counted = said(grid.section.counted, self.language)
        turns = [_Strip(counted, [Text(line.turns) for line in lines])] if any(x.turns for x in lines) else []
        layout = _layout([*ranks, names], [*scores, *turns], names, self.width)
        all_parts = len(layout.parts)
        for number, part in enumerate(layout.parts, 1):
            several = text("doc.part", self.language, title=title, n=number, all=all_parts)
            yield Text(several if all_parts > 1 else title)
            strips = [*ranks, names, *part]
            widths = [layout.name if strip is names else strip.width(layout.folded) for strip in strips]
            # Told its width, a table does not squeeze columns to nothing where a terminal is narrower still.
            made = Table(width=sum(width + _FRAME for width in widths) + 1)
            for strip, cells in zip(strips, widths, strict=True):
                side: Literal["left", "right"] = "left" if strip.left else "right"
                made.add_column(Text(strip.heading), justify=side, overflow="fold", width=cells)
            for i, line in enumerate(lines):
                if i and line.place is not lines[i - 1].place:
                    made.add_section()
                made.add_row(*(strip.cells[i] for strip in strips))
            yield made
            yield Text()

    def name(self, row: Row) -> str:
        return " ".join(part for part in map(printable, row_name(row, self.language)) if part)

    def signs(self, table: BoardTable) -> Iterator[str]:
        """What was wrong with how many replies, a line a model and section."""
        for row in table.rows:
            for section in table.sections:
                if section.id in row.figures and (signs := row.figures[section.id].signs):
                    where = printable(value(section_text(section), self.language))
                    yield f"{self.name(row)}, {where}: {printable(value(signs, self.language))}"

    def notes(self, table: BoardTable, shown: Sequence[Grid]) -> Iterator[str]:
        for signature, titles in ways(shown, self.language).items():
            yield f"{'; '.join(map(printable, titles))}: {printable(signature)}"
        for spec in absence_notes(table, shown, self.name, printable):
            yield value(spec, self.language)
        for row, spec in spread_notes(table, printable):
            yield self.line(row, value(spec, self.language))
        for row in table.rows:
            own = [said(words, self.language) for words in (row.incomplete, *row.notes) if words]
            if own:
                yield self.line(row, printable(text("list.between", self.language).join(own)))

    def line(self, row: Row, words: str) -> str:
        return text("spread.line", self.language, model=self.name(row), words=words)


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

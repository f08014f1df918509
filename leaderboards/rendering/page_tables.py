"""What the page shows of a table: its groups of rows, its cells in texts, and the notes at its foot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from csc_tasks.leaderboards.board import BeatsFloor, BoardTable, Cell, Column, Row, Section
from csc_tasks.leaderboards.rendering.charts import Chart
from csc_tasks.leaderboards.rendering.facts import table_facts
from csc_tasks.leaderboards.rendering.floor_notes import floor_notes
from csc_tasks.leaderboards.rendering.grid import grids
from csc_tasks.leaderboards.rendering.labels import row_labels
from csc_tasks.leaderboards.rendering.language import has, section_text, spec_of
from csc_tasks.leaderboards.rendering.numbers import NO_BETTER, number
from csc_tasks.leaderboards.rendering.table_notes import absence_notes, spread_notes

__all__ = ["page_cell", "page_table", "section_of"]


class _Group(NamedTuple):
    """Rows that are sorted among themselves: models, incomplete ones, floors."""

    name: str
    title: str
    rows: list[tuple[int, Row, str]]
    """Number in the table, the row, and where it stands in a tie: ``""``, ``first``, ``inner`` or ``last``."""


def page_table(number: int, table: BoardTable, drawn: Sequence[Chart], packed: Any) -> dict[str, Any]:
    """What the page shows of a table, by the names of its template.

    Args:
        number: of the table on the page, from 0.
        table: one comparability class.
        drawn: its charts.
        packed: the same as the page's script reads them; '' for none.
    """
    labels = row_labels(table.rows)
    shown = list(grids(table, every=True))

    def name(row: Row) -> str:
        return labels[row.id]

    order = next((column for column in table.columns if column.id == table.order), None)
    return {
        "id": f"t{number}",
        "table": table,
        "sections": [s for s in _sections(table) if s[1]],
        "order": order,
        "groups": list(_groups(table, order)),
        "facts": [({"@": f"fact.{k}"} if has(f"fact.{k}") else k, v) for k, v in table_facts(table)],
        "absent": list(absence_notes(table, shown, name, str)),
        "spreads": list(spread_notes(table, str)),
        "floors": list(floor_notes(table, shown, name, str)),
        "counted": {column.id: _of_fewer(table, column) for column in table.columns},
        "kinds": list(dict.fromkeys(chart.kind.value for chart in drawn)),
        "charts": packed,
    }


def _of_fewer(table: BoardTable, column: Column) -> Any:
    """Of how many turns the scores of a judge or of people are, where that is a sample; ``None`` for all others."""
    if not column.metric.startswith(("judge_", "human_")):
        return None
    cells = [row.cells[column.id] for row in table.rows if column.id in row.cells]
    n = max((cell.turns for cell in cells if cell.value is not None), default=0)
    figures = [row.figures[column.section] for row in table.rows if column.section in row.figures]
    every = max((f.expected_turns or f.turns for f in figures), default=0)
    if not 0 < n < every:
        return None
    units = spec_of(next(s.counted for s in table.sections if s.id == column.section))
    return {"@": "page.judged-of", "n": n, "all": every, "units": units}


def _sections(table: BoardTable) -> Iterator[tuple[Section, list[Column]]]:
    for section in table.sections:
        yield section, [column for column in table.columns if column.section == section.id]


def _groups(table: BoardTable, order: Column | None) -> Iterator[_Group]:
    names = {
        "models": "",
        "incomplete": "page.group-incomplete",
        "floors": "page.group-floors",
    }

    def kind(entry: tuple[int, Row]) -> str:
        return "floors" if entry[1].floor else "incomplete" if entry[1].incomplete else "models"

    entries = sorted(enumerate(table.rows), key=lambda entry: list(names).index(kind(entry)))
    for name, members in groupby(entries, kind):
        rows: list[tuple[int, Row, str]] = []
        for _, tied in groupby(members, lambda entry: _rank(entry[1], order) or -1 - entry[0]):
            run = list(tied)
            places = ["first", *["inner"] * (len(run) - 2), "last"] if len(run) > 1 else [""]
            rows += [(i, row, place) for (i, row), place in zip(run, places, strict=True)]
        yield _Group(name, names[name], rows)


def section_of(table: BoardTable, column: Column) -> Any:
    """The title of a column's section, for a template."""
    return next(section_text(section) for section in table.sections if section.id == column.section)


def _rank(row: Row, column: Column | None) -> int | None:
    cell = row.cells.get(column.id) if column else None
    return cell.rank if cell else None


def page_cell(row: Row, column: Column | None) -> dict[str, Any]:
    """A cell's texts: value, interval, rank, the span of ranks, and why one of them is absent."""
    cell = row.cells.get(column.id, Cell(None)) if column else Cell(None)
    percent = column is not None and column.percent
    span = ""
    if cell.rank_low is not None and cell.rank_high is not None and cell.rank_low != cell.rank_high:
        span = f"{cell.rank_low}–{cell.rank_high}"
    interval = ""
    if cell.low is not None and cell.high is not None:
        between = " – " if cell.low < 0 else "–"
        interval = f"{number(cell.low, percent)}{between}{number(cell.high, percent)}"
    return {
        "cell": cell,
        "value": number(cell.value, percent),
        "interval": interval,
        "spread": number(cell.spread, percent) if cell.spread is not None else "",
        "rank": cell.rank,
        "span": span,
        "why": cell.why,
        "no_better": NO_BETTER if cell.beats_floor is BeatsFloor.NO else "",
    }

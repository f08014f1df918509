"""What stands beneath a table about its floors: what the mark means, and of which scores nothing is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from csc_tasks.leaderboards.board import BeatsFloor, BoardTable, Cell, Column, Row
from csc_tasks.leaderboards.rendering.grid import Grid
from csc_tasks.leaderboards.rendering.language import column_text, mapped, section_text, spec_of

__all__ = ["floor_notes"]


def floor_notes(
    table: BoardTable,
    shown: Sequence[Grid],
    name: Callable[[Row], str],
    text: Callable[[str], str],
) -> Iterator[Any]:
    """Lines for the foot of a table; none where there is no model whose scores could be marked.

    Args:
        table: one comparability class.
        shown: the grids of it that are shown.
        name: writes a row's name as the rendering needs it.
        text: does so with any other text from outside.

    Returns:
        Texts as :func:`~csc_tasks.leaderboards.rendering.language.value` reads them.
    """
    # Nobody plays role-plays without a model.
    marked = [grid for grid in shown if not grid.section.is_role_play or _has_floor(grid)]
    grids = [grid for grid in marked if any(column.better for column in grid.columns)]
    if not any(not line.row.floor for grid in grids for line in grid.lines):
        return
    if not any(row.floor for row in table.rows):
        yield {"@": "floors.none"}
        return
    yield {"@": "floors.legend"}
    for grid in grids:
        columns = [column for column in grid.columns if column.better]
        models, floors = (
            [line.row for line in grid.lines if line.row.floor is kind] for kind in (False, True)
        )
        without = [column for column in columns if _scored(column, models) and not _scored(column, floors)]
        if without:
            yield {"@": "floors.without", "where": _where(grid, without, columns, text)}
        for (why, rows), those in _unknown(columns, models).items():
            told = {"where": _where(grid, those, columns, text), "why": mapped(spec_of(why), text)}
            if rows:
                whose = ", ".join(name(row) for row in models if row.id in rows)
                yield {"@": "floors.unknown-for", "rows": whose, **told}
            else:
                yield {"@": "floors.unknown", **told}


def _has_floor(grid: Grid) -> bool:
    return any(line.row.floor for line in grid.lines)


def _scored(column: Column, rows: Sequence[Row]) -> list[Cell]:
    """The cells of a column that have a value."""
    cells = [row.cells[column.id] for row in rows if column.id in row.cells]
    return [cell for cell in cells if cell.value is not None]


def _unknown(
    columns: Sequence[Column], models: Sequence[Row]
) -> dict[tuple[str, tuple[str, ...]], list[Column]]:
    """The columns by why nothing is known in them, and by the ids of the rows that this is about; () for all."""
    found: dict[tuple[str, tuple[str, ...]], list[Column]] = {}
    for column in columns:
        rows: dict[str, list[str]] = {}
        for row in models:
            cell = row.cells.get(column.id)
            if cell is not None and cell.beats_floor is BeatsFloor.UNKNOWN:
                rows.setdefault(cell.floor_why, []).append(row.id)
        for why, ids in rows.items():
            found.setdefault(
                (why, () if len(ids) == len(_scored(column, models)) else tuple(ids)), []
            ).append(column)
    return found


def _where(grid: Grid, columns: Sequence[Column], among: Sequence[Column], text: Callable[[str], str]) -> Any:
    """The section, and the columns' titles where they are not all of it."""
    section = mapped(section_text(grid.section), text)
    if len(columns) == len(among):
        return section
    titles = [mapped(column_text(column), text) for column in columns]
    return {"@": "floors.columns", "section": section, "titles": titles}

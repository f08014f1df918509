"""The leaderboard as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from csc_tasks.leaderboards.board import Board, BoardTable, Cell, Column, Row, Section
from csc_tasks.leaderboards.rendering.escaping import code, text
from csc_tasks.leaderboards.rendering.numbers import number

__all__ = ["markdown"]


def markdown(board: Board) -> str:
    """Headline columns of every table: score, interval, and the rank that ties share."""
    lines = [
        "# CSConv leaderboard",
        "",
        f"Built {board.built} by csconv {board.package}. Shares in percent. In brackets the {board.level:.0%} interval "
        f"({board.resamples} resamples of conversations, seed {board.seed}). # is 1 + the number of models that are "
        "significantly better (paired, Holm-corrected): models of one rank cannot be told apart from the best of them "
        "with these data.",
    ]
    for table in board.tables:
        lines += [
            "",
            f"## {code(table.title)}",
            "",
            ", ".join(f"{k} {code(v)}" for k, v in table.facts.items()),
        ]
        if table.apart:
            lines += ["", f"Not comparable with the first table: {code(table.apart, 300)}."]
        if table.partial:
            lines += ["", f"Incomplete: {text(table.partial, 400)}."]
        for section in table.sections:
            lines += ["", f"### {text(section.title)}", "", *_section(table, section)]
        lines += _notes(table)
    lines += ["", "## Reported, not measured here", "", *_reported(board)]
    if board.problems or board.ignored:
        lines += ["", "## What could not be used", ""]
        if board.ignored:
            lines.append(f"- {board.ignored} results of tasks that are not csconv's")
        lines += [f"- {code(problem.path, 200)}: {code(problem.message, 400)}" for problem in board.problems]
    return "\n".join(lines) + "\n"


def _section(table: BoardTable, section: Section) -> Iterator[str]:
    columns = [c for c in table.columns if c.section == section.id and c.headline]
    rows = [row for row in table.rows if section.id in row.figures]
    first = next((c for c in columns if c.ranked), None)
    yield (
        "| # | model | "
        + " | ".join(text(c.title, 300) + {1: " ↑", -1: " ↓"}.get(c.better, "") for c in columns)
        + " | turns |"
    )
    yield "|---:|---|" + "---:|" * (len(columns) + 1)
    for row in sorted(rows, key=lambda row: _place(row, first)):
        cells = [_cell(column, row.cells.get(column.id)) for column in columns]
        rank = row.cells[first.id].rank if first and first.id in row.cells else None
        turns = row.figures[section.id]
        note = "" if turns.complete else " (incomplete)"
        yield "| " + " | ".join([str(rank or "–"), name(row), *cells, f"{turns.turns}{note}"]) + " |"


def _place(row: Row, column: Column | None) -> tuple[bool, bool, float]:
    cell = row.cells.get(column.id) if column else None
    value = cell.value if cell else None
    better = column.better if column else 1
    return row.floor, cell is None or cell.rank is None, float("inf") if value is None else -better * value


def name(row: Row) -> str:
    """A model's name for a Markdown cell."""
    revision = f" {code('@' + row.revision)}" if row.revision else ""
    step = "" if row.step is None else f" step {row.step:,}"
    shots = f" {row.shots}-shot" if row.shots else ""
    return (
        code(row.model.removeprefix("csconv-") if row.floor else row.model)
        + revision
        + step
        + shots
        + (" (floor)" if row.floor else "")
    )


def _cell(column: Column, cell: Cell | None) -> str:
    if cell is None or cell.value is None:
        return "n/a" if cell else "–"
    value = number(column.metric, cell.value)
    if cell.low is None or cell.high is None:
        return value
    return f"{value} [{number(column.metric, cell.low)}, {number(column.metric, cell.high)}]"


def _notes(table: BoardTable) -> list[str]:
    titles = {section.id: section.title for section in table.sections}
    absent: dict[str, list[str]] = {}
    for column in table.columns:
        for row in table.rows:
            cell = row.cells.get(column.id)
            if column.headline and cell is not None and cell.value is None:
                place = (
                    f"{text(titles[column.section])}, {text(column.title, 300)}: n/a ({code(cell.why, 400)})"
                )
                absent.setdefault(place, []).append(name(row))
    notes = [f"- {place} for {', '.join(names)}" for place, names in absent.items()]
    notes += [
        f"- {name(row)}: {code('; '.join((row.incomplete, *row.notes)).strip('; '), 400)}"
        for row in table.rows
        if row.notes or row.incomplete
    ]
    signatures = [
        f"- {text(c.title, 300)}: {code(c.signature, 300)}"
        for c in table.columns
        if c.headline and c.signature != "csconv"
    ]
    lines = ["", "How scores are computed:", "", *dict.fromkeys(signatures)] if signatures else []
    return lines + (["", "Notes:", "", *notes] if notes else [])


def _reported(board: Board) -> Iterator[str]:
    names: Sequence[str] = board.reported["columns"]
    yield f"From the {board.reported['source']}. In percent, as published; how they were computed is not known in full."
    for context in ("reference", "generated"):
        yield from ("", f"{context.capitalize()} context:", "")
        yield "| model | " + " | ".join(names) + " |"
        yield "|---|" + "---:|" * len(names)
        for row in board.reported["rows"]:
            label = row["model"] + (" + RoleCS" if row["rolecs"] else "")
            yield f"| {code(label)} | " + " | ".join(f"{value:.2f}" for value in row[context]) + " |"

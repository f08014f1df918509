"""The leaderboard as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from csc_tasks.leaderboards.board import Board, BoardTable, Row
from csc_tasks.leaderboards.rendering.customers import customer_lines
from csc_tasks.leaderboards.rendering.floor_notes import floor_notes
from csc_tasks.leaderboards.rendering.grid import Grid, absences, grids, ways
from csc_tasks.leaderboards.rendering.labels import arrow, row_name
from csc_tasks.leaderboards.rendering.numbers import ABSENT, fixed
from csc_tasks.leaderboards.rendering.pairs import pair_markdown
from csc_tasks.leaderboards.rendering.text import code, inline
from csc_tasks.leaderboards.rendering.wordings import wording_lines

__all__ = ["markdown"]


def markdown(board: Board) -> str:
    """Headline columns of every table: score, interval, and the rank that ties share."""
    lines = [
        "# CSConv leaderboard",
        "",
        f"Built {board.built} by csconv {board.package}. Shares in percent. In brackets the {board.level:.0%} interval "
        f"({board.resamples} resamples of conversations, seed {board.seed}). # is 1 + the number of models that are "
        "significantly better (paired, Holm-corrected): models of one rank cannot be told apart from the best of them "
        f"with these data.{_of_seeds(board)} {ABSENT} stands for what was not measured or has no value.",
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
            lines += ["", f"Incomplete: {inline(table.partial, 400)}."]
        if table.caution:
            lines += ["", f"Smoke test: {inline(table.caution, 400)}."]
        shown = list(grids(table))
        for grid in shown:
            lines += ["", f"### {inline(grid.section.title)}", "", *_section(grid)]
        lines += pair_markdown(table, _name)
        lines += _notes(table, shown)
    lines += ["", "## Reported, not measured here", "", *_reported(board)]
    if board.problems or board.ignored:
        lines += ["", "## What could not be used", ""]
        if board.ignored:
            lines.append(
                f"- {board.ignored} result{'s' * (board.ignored != 1)} of tasks that are not csconv's"
            )
        lines += [f"- {code(problem.path, 200)}: {code(problem.message, 400)}" for problem in board.problems]
    return "\n".join(lines) + "\n"


def _of_seeds(board: Board) -> str:
    """What sd stands for, where there is one."""
    if all(row.seeds == 1 for table in board.tables for row in table.rows):
        return ""
    return " After sd stands the standard deviation between seeds, where a score is the mean of several."


def _section(grid: Grid) -> Iterator[str]:
    titles = "".join(f"{inline(c.title, 300)}{arrow(c)} | " for c in grid.columns)
    yield f"| # | model | {titles}{grid.section.counted} |"
    yield "|---:|---|" + "---:|" * (len(grid.columns) + 1)
    for line in grid.lines:
        yield "| " + " | ".join([line.rank, _name(line.row), *line.cells, line.turns]) + " |"


def _name(row: Row) -> str:
    name = row_name(row)
    revision = code(name.revision) if name.revision else ""
    parts = [code(name.model), revision, inline(name.words, 200) if name.words else "", name.tags]
    return " ".join(part for part in parts if part)


def _notes(table: BoardTable, shown: Sequence[Grid]) -> list[str]:
    notes = [f"- {line}" for line in floor_notes(table, shown, _name, lambda text: inline(text, 400))]
    notes += [
        f"- {inline(section.title)}, {'; '.join(inline(column.title, 300) for column in columns)}: {ABSENT} for "
        f"{', '.join(map(_name, rows))} ({code(why, 400)})"
        for section, columns, why, rows in absences(table, shown)
    ]
    spreads = (*wording_lines(table), *customer_lines(table))
    notes += [f"- {_name(row)}: {inline(words, 600)}" for row, words in spreads]
    notes += [
        f"- {_name(row)}: {code('; '.join((row.incomplete, *row.notes)).strip('; '), 400)}"
        for row in table.rows
        if row.notes or row.incomplete
    ]
    computed = [
        f"- {'; '.join(inline(title, 300) for title in titles)}: {code(signature, 300)}"
        for signature, titles in ways(shown).items()
    ]
    notes += [
        f"- {_name(row)}, {inline(section.title)}: {code('; '.join(signs), 400)}"
        for row in table.rows
        for section in table.sections
        if section.id in row.figures and (signs := row.figures[section.id].signs)
    ]
    lines = ["", "How scores are computed:", "", *computed] if computed else []
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
            yield f"| {code(label)} | " + " | ".join(fixed(value, 2) for value in row[context]) + " |"

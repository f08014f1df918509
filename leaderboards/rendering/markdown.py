"""The leaderboard as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from csc_tasks.leaderboards.board import Board, BoardTable, Row
from csc_tasks.leaderboards.rendering.facts import fact_name, table_facts
from csc_tasks.leaderboards.rendering.floor_notes import floor_notes
from csc_tasks.leaderboards.rendering.grid import Grid, grids, ways
from csc_tasks.leaderboards.rendering.labels import arrow, row_name
from csc_tasks.leaderboards.rendering.language import (
    Language,
    column_text,
    said,
    section_text,
    text,
    value,
)
from csc_tasks.leaderboards.rendering.numbers import fixed
from csc_tasks.leaderboards.rendering.pairs import pair_markdown
from csc_tasks.leaderboards.rendering.table_notes import absence_notes, spread_notes
from csc_tasks.leaderboards.rendering.text import code, inline

__all__ = ["markdown"]


def markdown(board: Board, language: Language = Language.EN) -> str:
    """Headline columns of every table: score, interval, and the rank that ties share."""
    return "\n".join(_Document(board, language).lines()) + "\n"


class _Document:
    def __init__(self, board: Board, language: Language) -> None:
        self.board = board
        self.language = language

    def t(self, key: str, **values: Any) -> str:
        return text(key, self.language, **values)

    def lines(self) -> Iterator[str]:
        board = self.board
        told = {"built": board.built, "package": board.package, "level": f"{board.level:.0%}"}
        about = [self.t("doc.about", **told, resamples=board.resamples, seed=str(board.seed))]
        if any(row.seeds > 1 for table in board.tables for row in table.rows):
            about.append(self.t("doc.sd"))
        about.append(self.t("doc.absent"))
        yield from (f"# {self.t('page.title')}", "", " ".join(about))
        for table in board.tables:
            yield from self.table(table)
        yield from ("", f"## {self.t('doc.reported')}", "", *self.reported())
        if board.problems or board.ignored:
            yield from ("", f"## {self.t('doc.unused')}", "")
            if board.ignored:
                yield f"- {self.t('page.ignored', n=board.ignored)}"
            for problem in board.problems:
                yield f"- {code(problem.path, 200)}: {code(said(problem.message, self.language), 400)}"

    def table(self, table: BoardTable) -> Iterator[str]:
        yield from ("", f"## {code(said(table.title, self.language))}", "")
        yield ", ".join(f"{fact_name(k, self.language)} {code(v)}" for k, v in table_facts(table))
        if table.apart:
            yield from ("", self.t("doc.apart", words=code(said(table.apart, self.language), 300)))
        if table.partial:
            yield from ("", self.t("doc.incomplete", words=inline(said(table.partial, self.language), 400)))
        if table.caution:
            yield from ("", self.t("doc.smoke", words=inline(said(table.caution, self.language), 400)))
        shown = list(grids(table, language=self.language))
        for grid in shown:
            title = inline(value(section_text(grid.section), self.language))
            yield from ("", f"### {title}", "", *self.section(grid))
        yield from pair_markdown(table, self.name, self.language)
        yield from self.notes(table, shown)

    def section(self, grid: Grid) -> Iterator[str]:
        titles = "".join(
            f"{inline(value(column_text(c), self.language), 300)}{arrow(c)} | " for c in grid.columns
        )
        yield f"| # | {self.t('doc.model')} | {titles}{said(grid.section.counted, self.language)} |"
        yield "|---:|---|" + "---:|" * (len(grid.columns) + 1)
        for line in grid.lines:
            yield "| " + " | ".join([line.rank, self.name(line.row), *line.cells, line.turns]) + " |"

    def name(self, row: Row) -> str:
        name = row_name(row, self.language)
        revision = code(name.revision) if name.revision else ""
        parts = [code(name.model), revision, inline(name.words, 200) if name.words else "", name.tags]
        return " ".join(part for part in parts if part)

    def notes(self, table: BoardTable, shown: Sequence[Grid]) -> Iterator[str]:
        def plain(words: str) -> str:
            return inline(words, 600)

        found = [*floor_notes(table, shown, self.name, plain)]
        found += absence_notes(table, shown, self.name, lambda words: code(words, 400))
        notes = [f"- {value(spec, self.language)}" for spec in found]
        for row, spec in spread_notes(table, plain):
            words = value(spec, self.language)
            notes.append(f"- {self.t('spread.line', model=self.name(row), words=words)}")
        for row in table.rows:
            own = [said(words, self.language) for words in (row.incomplete, *row.notes) if words]
            if own:
                words = code(self.t("list.between").join(own), 400)
                notes.append(f"- {self.t('spread.line', model=self.name(row), words=words)}")
        for row in table.rows:
            for section in table.sections:
                if section.id in row.figures and (signs := row.figures[section.id].signs):
                    where = inline(value(section_text(section), self.language))
                    words = code(value(signs, self.language), 400)
                    notes.append(f"- {self.name(row)}, {where}: {words}")
        computed = [
            f"- {'; '.join(inline(title, 300) for title in titles)}: {code(signature, 300)}"
            for signature, titles in ways(shown, self.language).items()
        ]
        if computed:
            yield from ("", self.t("doc.computed"), "", *computed)
        if notes:
            yield from ("", self.t("doc.notes"), "", *notes)

    def reported(self) -> Iterator[str]:
        told = self.board.reported
        names = [self.t(f"metric.{name}") for name in told["columns"]]
        yield self.t("doc.reported-about", source=said(told["source"], self.language))
        for context in ("reference", "generated"):
            title = self.t("page.reported-context", context=self.t(f"section.context.{context}"))
            yield from ("", f"{title[0].upper()}{title[1:]}:", "")
            yield f"| {self.t('doc.model')} | " + " | ".join(names) + " |"
            yield "|---|" + "---:|" * len(names)
            for row in told["rows"]:
                label = row["model"] + (" + RoleCS" if row["rolecs"] else "")
                yield f"| {code(label)} | " + " | ".join(fixed(score, 2) for score in row[context]) + " |"

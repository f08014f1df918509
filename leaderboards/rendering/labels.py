"""What rows and columns are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from csc_tasks.leaderboards.board import Column, Row
from csc_tasks.leaderboards.names import shorten, without_revision
from csc_tasks.leaderboards.rendering.language import Language, said, text
from csc_tasks.leaderboards.rendering.text import printable

__all__ = ["RowName", "arrow", "row_labels", "row_name", "telling"]

LONGEST = 44
"""Characters of a model's name in a chart; tables show all of it."""


class RowName(NamedTuple):
    """A row's name in full; all but ``tags`` come from outside. ``revision`` is ``@v2`` or ''."""

    model: str
    revision: str
    words: str
    tags: str


def row_name(row: Row, language: Language = Language.EN) -> RowName:
    """The name in its parts, each to be escaped as the rendering needs it; nothing stands in two of them."""
    tags = [
        "" if row.step is None else text("tag.step", language, n=row.step),
        text("tag.shots", language, n=row.shots) if row.shots else "",
        text("tag.floor", language) if row.floor else "",
        text("tag.seeds-of", language, n=row.seeds) if row.seeds > 1 else "",
    ]
    shown = [said(word, language) for word in telling(row)]
    return RowName(
        row.model.removeprefix("csconv-") if row.floor else row.model,
        f"@{row.revision}" if row.revision else "",
        " ".join(shown),
        " ".join(tag for tag in tags if tag),
    )


def telling(row: Row) -> list[str]:
    """The words that tell a row from others of its name, but for what stands beside a name in any case."""
    beside = {f"step {row.step:,}" if row.step is not None else "", f"{row.shots}-shot" if row.shots else ""}
    return [word for word in without_revision(row.revision, row.words) if word not in beside]


def row_labels(rows: Sequence[Row]) -> dict[str, str]:
    """A short name a row, by row id, no two alike: the model's, and what tells it from others of that name."""
    labels: dict[str, str] = {}
    for row in rows:
        name = printable(row.model) or "(no name)"
        parts = [shorten(name, LONGEST), *(printable(word) for word in row.words)]
        if row.floor:
            parts.append("(floor)")
        label, number = " ".join(parts), 2
        while label in labels.values():
            label, number = f"{' '.join(parts)} #{number}", number + 1
        labels[row.id] = label
    return labels


def arrow(column: Column) -> str:
    """Which way is better."""
    return {1: " ↑", -1: " ↓"}.get(column.better, "")

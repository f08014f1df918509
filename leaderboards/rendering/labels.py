"""What rows and columns are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from csc_tasks.leaderboards.board import Column, Row
from csc_tasks.leaderboards.rendering.text import printable, shorten

__all__ = ["RowName", "arrow", "row_labels", "row_name"]

LONGEST = 44
"""Characters of a model's name in a chart; tables show all of it."""


class RowName(NamedTuple):
    """A row's name in full: ``model`` and ``revision`` (``@main`` or '') come from outside, ``tags`` do not."""

    model: str
    revision: str
    tags: str


def row_name(row: Row) -> RowName:
    """The name in its parts, each to be escaped as the rendering needs it."""
    tags = [
        "" if row.step is None else f"step {row.step:,}",
        f"{row.shots}-shot" if row.shots else "",
        "(floor)" if row.floor else "",
    ]
    return RowName(
        row.model.removeprefix("csconv-") if row.floor else row.model,
        f"@{row.revision}" if row.revision else "",
        " ".join(tag for tag in tags if tag),
    )


def row_labels(rows: Sequence[Row]) -> dict[str, str]:
    """A short name a row, by row id, no two alike: with step, revision or shots where the model's is not enough."""
    models = Counter(printable(row.model) for row in rows)
    labels: dict[str, str] = {}
    for row in rows:
        name = printable(row.model) or "(no name)"
        parts = [shorten(name, LONGEST)]
        if models[name] > 1:
            same = [other for other in rows if printable(other.model) == name]
            if row.step is not None:
                parts.append(f"step {row.step:,}")
            elif len({other.revision for other in same}) > 1 and row.revision:
                parts.append(shorten(printable(row.revision), 12))
            if len({other.shots for other in same}) > 1:
                parts.append(f"{row.shots}-shot")
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

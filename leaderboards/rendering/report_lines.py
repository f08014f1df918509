"""What reports on a terminal have in common: columns that line up without a frame, names of sections and metrics."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.cells import cell_len

from csc_tasks.leaderboards.columns import heading, sections_in_order
from csc_tasks.leaderboards.rendering.language import Language, has, section_text, text, value
from csc_tasks.leaderboards.rendering.text import printable
from csc_tasks.metrics import metric_named

__all__ = ["aligned", "metric_title", "section_title"]


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,), indent: int = 2) -> list[str]:
    """Rows as lines whose cells stand beneath each other, fit for a terminal, in as few of its columns as they need.

    Args:
        rows: of as many cells each.
        left: numbers of the columns that are words; the others are set to the right.
        indent: spaces before each line.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (width - cell_len(cell)) if i in left else " " * (width - cell_len(cell)) + cell
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return lines


def section_title(section: str, language: Language) -> str:
    """What a section, named by task and context, is called."""
    (found,) = sections_in_order([section])
    return value(section_text(found), language)


def metric_title(name: str, language: Language) -> str:
    """What a score reported under this name is called; the name itself where nobody knows it."""
    metric = metric_named(name)
    if metric is None:
        return name
    title = heading(name, metric)
    key = f"metric.{metric.info.name}"
    if language is Language.EN or not has(key):
        return title
    return text(key, language) + title.removeprefix(metric.info.title)

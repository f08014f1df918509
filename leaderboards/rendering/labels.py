"""Names and numbers as people read them: what a model is called, how a score is written, safe file names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from csc_tasks.leaderboards.board import Row

__all__ = ["clean", "file_stem", "row_labels", "score", "shorten"]

LONGEST = 44
"""Characters of a model's name in a chart; the page's table shows all of it."""


def clean(text: str) -> str:
    """The text without control and bidirectional marks, which could re-order or hide what stands around it."""
    visible = (" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join("".join(visible).split())


def shorten(text: str, limit: int = LONGEST) -> str:
    """The text, its middle left out where it is longer than ``limit``: names differ at their ends."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def row_labels(rows: Sequence[Row]) -> dict[str, str]:
    """A short name a row, by row id, no two alike: with step, revision or shots where the model's is not enough."""
    models = Counter(clean(row.model) for row in rows)
    labels: dict[str, str] = {}
    for row in rows:
        name = clean(row.model) or "(no name)"
        parts = [shorten(name)]
        if models[name] > 1:
            same = [other for other in rows if clean(other.model) == name]
            if row.step is not None:
                parts.append(f"step {row.step:,}")
            elif len({other.revision for other in same}) > 1 and row.revision:
                parts.append(shorten(clean(row.revision), 12))
            if len({other.shots for other in same}) > 1:
                parts.append(f"{row.shots}-shot")
        if row.floor:
            parts.append("(floor)")
        label, number = " ".join(parts), 2
        while label in labels.values():
            label, number = f"{' '.join(parts)} #{number}", number + 1
        labels[row.id] = label
    return labels


def score(value: float | None, percent: bool) -> str:
    """The value with the digits that its unit deserves: one of a percentage, two of a grade."""
    if value is None:
        return "–"
    text = f"{100 * value:.1f}" if percent else f"{value:.2f}"
    return text.replace("-", "−")


def file_stem(*parts: str, taken: set[str] | None = None) -> str:
    """A short file name without suffix that is safe on every system.

    Args:
        parts: what it is made of, joined by ``_``.
        taken: names that are in use, folded in case; the new one differs from all of them and joins them.
    """
    plain = [re.sub(r"[^\w.+-]+|\.{2,}", "-", clean(part)).strip("-.") for part in parts]
    # 150 bytes leave room for a number and a suffix, which a name of 255 may end in.
    whole = "_".join(part for part in plain if part) or "figure"
    stem = whole.encode()[:150].decode(errors="ignore")
    taken = set() if taken is None else taken
    name, number = stem, 2
    while name.casefold() in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name.casefold())
    return name

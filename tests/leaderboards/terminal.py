"""Reading what `csconv table` prints back into cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Shown:
    """One printed table: its title without "(1 of 2)", headings, and rows in the groups that lines part."""

    title: str
    headings: list[str] = field(default_factory=list)
    groups: list[list[list[str]]] = field(default_factory=lambda: [[]])

    @property
    def rows(self) -> list[list[str]]:
        """All rows."""
        return [row for rows in self.groups for row in rows]

    def row(self, model: str) -> dict[str, str]:
        """The only row of this name, by heading."""
        (row,) = (row for row in self.rows if row[self.headings.index("model")] == model)
        return dict(zip(self.headings, row, strict=True))


def shown_tables(text: str) -> list[Shown]:
    """Every table of a text, cells of several lines joined by spaces."""
    found: list[Shown] = []
    before: list[str] = []
    for line in text.splitlines():
        if line.startswith("┏"):
            title = " ".join(" ".join(before).split())
            found.append(Shown(re.sub(r" \(\d+ of \d+\)$", "", title)))
        elif line.startswith("┃"):
            cells = [cell.strip() for cell in line.strip("┃").split("┃")]
            old = found[-1].headings or [""] * len(cells)
            found[-1].headings = [f"{a} {b}".strip() for a, b in zip(old, cells, strict=True)]
        elif line.startswith("├"):
            found[-1].groups.append([])
        elif line.startswith("│"):
            _add(found[-1], [cell.strip() for cell in line[1:-1].split(" │ ")])
        before = [*before, line] if line.strip() and not line.startswith("└") else []
    return found


def _add(table: Shown, cells: list[str]) -> None:
    # A line without rank and number goes on with the row above.
    last = table.headings.index("model")
    if table.groups[-1] and not any(cell for i, cell in enumerate(cells) if i != last):
        row = table.groups[-1][-1]
        row[last] = f"{row[last]} {cells[last]}"
    else:
        table.groups[-1].append(cells)

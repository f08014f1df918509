"""The defects of a file as mistakes: what was done wrong once for each distinct way, however often it was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from csc_tasks.data.files import Located

__all__ = ["Mistake", "distinct_mistakes"]

PLACES = 3
"""Places that are named of each."""


class Mistake(NamedTuple):
    """Defects of one kind and value: the first of them, how many there are, and where the next ones are."""

    first: Located
    times: int
    others: tuple[str, ...]

    def __str__(self) -> str:
        if self.times == 1:
            return str(self.first)
        more = "" if self.times <= len(self.others) + 1 else ", …"
        return f"{self.first} ({self.times:,} times, also at {', '.join(self.others)}{more})"


def distinct_mistakes(defects: Sequence[Located]) -> list[Mistake]:
    """Group defects by kind and value: those that keep the file from being used first, then the most frequent."""
    groups: dict[tuple[bool, str, str], list[Located]] = {}
    for located in defects:
        defect = located.defect
        groups.setdefault((not defect.fatal, defect.kind, defect.value), []).append(located)
    order = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1])))
    return [
        Mistake(group[0], len(group), tuple(d.where or "the file" for d in group[1:PLACES]))
        for _, group in order
    ]

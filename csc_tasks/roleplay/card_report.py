"""Everything that is wrong with a file of cards, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csc_tasks.errors import DataError
from csc_tasks.outside import read_file
from csc_tasks.printable import printable
from csc_tasks.roleplay.card_sets import CardSet
from csc_tasks.roleplay.cards import ExaminedCards, UnsoundCard, examined_cards
from csc_tasks.roleplay.soundness import unplayable_cards

__all__ = ["CARDS_FILE", "CardReport", "examine_file", "file_of_cards", "report_on_cards"]

CARDS_FILE = "cards.json"
"""What ``csconv cards build`` writes into its folder."""


@dataclass(frozen=True, slots=True)
class CardReport:
    """What was found.

    Attributes:
        path: of the file.
        count: cards in it.
        unsound: those that cannot be read or played.
        fingerprint: of the set, where every card is sound; else ''.
    """

    path: Path
    count: int
    unsound: tuple[UnsoundCard, ...]
    fingerprint: str = ""

    def lines(self) -> list[str]:
        """A line a fault, and one that says what it comes to; fit for a terminal."""
        lines = [printable(f"{each.name}: {fault}") for each in self.unsound for fault in each.faults]
        where = printable(str(self.path))
        if not self.unsound:
            return [f"{where}: {_cards(self.count)}, every one sound; fingerprint {self.fingerprint[:16]}"]
        total = f"{where}: {len(self.unsound):,} of {_cards(self.count)} cannot be played"
        return [*lines, f"{total}; {len(lines):,} {'fault' if len(lines) == 1 else 'faults'}"]

    def record(self) -> Mapping[str, Any]:
        """As a JSON object."""
        return {
            "file": str(self.path),
            "cards": self.count,
            "sound": not self.unsound,
            "fingerprint": self.fingerprint,
            "faults": [
                {"card": each.name, "field": fault.field, "fault": str(fault)}
                for each in self.unsound
                for fault in each.faults
            ],
        }


def _cards(count: int) -> str:
    return "1 card" if count == 1 else f"{count:,} cards"


def file_of_cards(path: Path) -> Path:
    """A file of cards, or that in a folder of ``csconv cards build``."""
    return path / CARDS_FILE if path.is_dir() else path


def examine_file(path: Path) -> ExaminedCards:
    """Read a file of cards, or a folder of ``csconv cards build``.

    Raises:
        DataError: it cannot be read, or holds no cards.
    """
    file = file_of_cards(path)
    try:
        raw = read_file(file)
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}") from None
    return examined_cards(raw, str(file))


def report_on_cards(path: Path) -> CardReport:
    """Find all faults of all cards.

    Raises:
        DataError: it cannot be read, or holds no cards.
    """
    examined = examine_file(path)
    unplayable = [
        UnsoundCard(f"card {name}", faults) for name, faults in unplayable_cards(examined.cards).items()
    ]
    unsound = (*examined.unsound, *unplayable)
    file = file_of_cards(path)
    fingerprint = "" if unsound else CardSet.of(file.stem, examined.cards).fingerprint
    return CardReport(file, len(examined.cards) + len(examined.unsound), unsound, fingerprint)

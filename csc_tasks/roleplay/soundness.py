"""Which of many cards cannot be played. What was found sound once is known again by its content, in the cache folder.

Playing a card out takes some hundredths of a second; of the 1,855 cards that CSConv would give that is a minute before
every evaluation. What is kept holds for these checks alone: the file's name is a digest of all that they consist of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from csc_tasks.errors import ConfigError
from csc_tasks.outside import read_file
from csc_tasks.roleplay.card_faults import CardFault
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.playable import playing_faults
from csc_tasks.storage import cache_folder

__all__ = ["unplayable_cards"]


def unplayable_cards(cards: Iterable[CaseCard]) -> Mapping[str, tuple[CardFault, ...]]:
    """The ids of the cards that cannot be played, each with what is wrong with it."""
    sound = _Sound()
    wrong: dict[str, tuple[CardFault, ...]] = {}
    for card in cards:
        digest = hashlib.sha256(card.model_dump_json().encode()).hexdigest()
        if digest in sound.known:
            continue
        if faults := playing_faults(card):
            wrong[card.id] = tuple(faults)
        else:
            sound.new.append(digest)
    sound.keep()
    return wrong


class _Sound:
    """Digests of cards that were found sound; where nothing can be kept, every card is checked each time."""

    def __init__(self) -> None:
        self.new: list[str] = []
        self.known: frozenset[str] = frozenset()
        self._path: Path | None = None
        with suppress(ConfigError):  # no home folder
            self._path = cache_folder() / "cards" / f"sound-{_checks()}.txt"
        if self._path is not None:
            with suppress(OSError):
                self.known = frozenset(read_file(self._path).decode("ascii", "replace").split())

    def keep(self) -> None:
        """Add what is new, in one piece: another process may do the same."""
        if self._path is None or not self.new:
            return
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="ascii") as file:
                file.write("".join(f"\n{digest}" for digest in self.new))


@cache
def _checks() -> str:
    """16 hex digits of everything that decides whether a card is sound: code, rules, phrases."""
    found = hashlib.sha256()
    for file in _files(resources.files("csc_tasks.roleplay")):
        found.update(f"{file.name}\0".encode() + file.read_bytes())
    return found.hexdigest()[:16]


def _files(folder: Traversable) -> Iterator[Traversable]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir() and each.name in ("rules", "scripts"):
            yield from _files(each)
        elif each.name.endswith((".py", ".toml")):
            yield each

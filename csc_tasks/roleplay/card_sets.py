"""Sets of case cards to evaluate with: the shipped one, or a file of one's own. Known by name and by content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from csc_tasks.data.sampling import stratified
from csc_tasks.data.sources import LITE_SALT, LITE_SIZE
from csc_tasks.data.splits import Subset
from csc_tasks.errors import DataError
from csc_tasks.outside import read_file
from csc_tasks.roleplay.cards import CaseCard, cards_in
from csc_tasks.roleplay.soundness import unplayable_cards

__all__ = [
    "EVALUATION_CARDS",
    "CardSet",
    "cards_of_subset",
    "chosen_card_set",
    "read_card_set",
    "shipped_card_set",
]

EVALUATION_CARDS = "cards-zh-2"
"""The shipped version: 24 cards, three on each of CSConv's domains. None of them is played in training data."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CardSet:
    """Cards that are evaluated together.

    Attributes:
        name: the version that is shipped, or the file's name.
        cards: in the order of their ids.
        fingerprint: SHA-256 over every card in this order, whatever the form of the file.
    """

    name: str
    cards: tuple[CaseCard, ...]
    fingerprint: str

    @classmethod
    def of(cls, name: str, cards: Sequence[CaseCard]) -> CardSet:
        """A set of cards; the order in a file is nobody's business."""
        ordered = tuple(sorted(cards, key=lambda card: card.id))
        digest = hashlib.sha256("\n".join(card.model_dump_json() for card in ordered).encode())
        return cls(name, ordered, digest.hexdigest())


def read_card_set(path: Path) -> CardSet:
    """Read one's own cards, each of which must be playable.

    Raises:
        DataError: the file cannot be read, a card is not sound, or cannot be played: the message names card and field.
    """
    try:
        raw = read_file(path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    cards = cards_in(raw, str(path))
    if wrong := unplayable_cards(cards):
        shown = "; ".join(f"card {name}: {faults[0]}" for name, faults in list(wrong.items())[:_SHOWN])
        more = f"; and {len(wrong) - _SHOWN} more cards" if len(wrong) > _SHOWN else ""
        raise DataError(f"{path}: {shown}{more}; csconv cards validate lists everything")
    return CardSet.of(path.stem, cards)


def chosen_card_set(path: Path | None) -> CardSet:
    """One's own cards, or the shipped ones.

    Raises:
        DataError: as :func:`read_card_set`.
    """
    return shipped_card_set() if path is None else read_card_set(path)


def cards_of_subset(cards: CardSet, subset: Subset) -> tuple[CaseCard, ...]:
    """The cards of a subset: of ``lite`` at most 128, chosen by topic and content as conversations are."""
    if subset is not Subset.LITE or len(cards.cards) <= LITE_SIZE:
        return cards.cards

    def rank(name: str) -> str:
        return hashlib.sha256(f"{LITE_SALT}{name}".encode()).hexdigest()

    chosen = stratified(((card.id, card.topic) for card in cards.cards), LITE_SIZE, rank, tie=str)
    return tuple(card for card in cards.cards if card.id in chosen)


def _files(folder: Traversable) -> list[Traversable]:
    return sorted((p for p in folder.iterdir() if p.name.endswith(".toml")), key=lambda p: p.name)


@cache
def shipped_card_set() -> CardSet:
    """The shipped cards for evaluation; a file a topic."""
    folder = resources.files("csc_tasks.roleplay") / "cards" / EVALUATION_CARDS
    cards = [card for file in _files(folder) for card in cards_in(file.read_bytes(), file.name)]
    return CardSet.of(EVALUATION_CARDS, cards)

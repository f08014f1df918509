"""A review of cards in a spreadsheet: one row a field, written for Excel and read back whatever it made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from csc_tasks.errors import DataError
from csc_tasks.human.spreadsheet import (
    FILE_MARK,
    Word,
    guarded,
    loosely,
    one_reviewer,
    require_file,
    sheet_bytes,
    sheet_rows,
    unguarded,
    words_of,
)
from csc_tasks.printable import printable
from csc_tasks.roleplay.card_report import examine_file, file_of_cards
from csc_tasks.roleplay.card_sets import CardSet
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.synthesis.cards.fields import fields_of
from csc_tasks.synthesis.review.decisions import Decision
from csc_tasks.synthesis.review.sheet import DECISION_WORDS

__all__ = [
    "CARD_COLUMNS",
    "CardOpinion",
    "CardReason",
    "CardsUnderReview",
    "cards_under_review",
    "read_card_sheet",
    "write_card_sheet",
]

CARD_COLUMNS = ("card", "field", "text", "new_text", "verdict", "comment", "reviewer", "file")
_COMMENT = 2000


class CardReason(StrEnum):
    """Why a card is rejected."""

    UNREAL = "unreal"
    """No call centre has such a case, or nobody talks like that."""
    CONTRADICTORY = "contradictory"
    WORDS = "words"
    """Good supporters would say what the words do not find, or the words find what is not meant."""
    DEMAND = "demand"
    """The demand need not be refused."""
    LEAKS = "leaks"
    """It gives away what is to be found out."""
    PRIVATE = "private"
    REPEATED = "repeated"
    OTHER = "other"


_REASONS: Mapping[str, CardReason] = {
    **{reason.value: reason for reason in CardReason},
    "不真实": CardReason.UNREAL,
    "前后矛盾": CardReason.CONTRADICTORY,
    "词语不准": CardReason.WORDS,
    "要求合理": CardReason.DEMAND,
    "泄露答案": CardReason.LEAKS,
    "个人信息": CardReason.PRIVATE,
    "重复": CardReason.REPEATED,
    "其他": CardReason.OTHER,
}


@dataclass(frozen=True, slots=True)
class CardsUnderReview:
    """Cards of a file that are reviewed: those that can be read, for others have no fields."""

    path: Path
    cards: tuple[CaseCard, ...]
    fingerprint: str


@dataclass(slots=True)
class CardOpinion:
    """What one reviewer says of a card; ``changes`` are new texts by field, without what only says again."""

    decision: Decision | None = None
    reason: CardReason | None = None
    changes: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


def cards_under_review(path: Path) -> CardsUnderReview:
    """Read a file of cards, or a folder of ``csconv cards build``.

    Raises:
        DataError: it cannot be read, or a card of it cannot.
    """
    examined, file = examine_file(path), file_of_cards(path)
    if examined.unsound:
        first = examined.unsound[0]
        raise DataError(
            f"{file}: {first.name}: {first.faults[0]}; csconv cards validate lists everything: mend it first"
        )
    return CardsUnderReview(file, examined.cards, CardSet.of(file.stem, examined.cards).fingerprint[:16])


def write_card_sheet(review: CardsUnderReview, shown: Sequence[CaseCard]) -> bytes:
    """The sheet of these cards, in UTF-8 with the mark by which Excel knows it."""
    return sheet_bytes(CARD_COLUMNS, _rows(review, shown))


def _rows(review: CardsUnderReview, shown: Sequence[CaseCard]) -> Iterator[dict[str, str]]:
    for card in shown:
        for place, text in fields_of(card).items():
            yield {
                "card": card.id,
                "field": place,
                "text": guarded(text),
                "file": FILE_MARK + review.fingerprint,
            }


def read_card_sheet(path: Path, review: CardsUnderReview) -> tuple[str, dict[str, CardOpinion]]:
    """Who filled in a sheet, and what they say of each card in it.

    Who reviewed stands in the column ``reviewer``, else in the file's name.

    Raises:
        DataError: with the line: a row that is not of this file, one twice, an unknown verdict, or a text that was
            changed in its own column, where nobody would find the change.
    """
    known = {card.id: fields_of(card) for card in review.cards}
    said: dict[str, CardOpinion] = {}
    seen: set[tuple[str, str]] = set()
    people: list[str] = []
    for place, row in sheet_rows(path, ("card", "field", "file"), "csconv cards review --out"):
        require_file(row["file"], review.fingerprint, review.path, place)
        card, name = row["card"].strip(), row["field"].strip()
        text = known.get(card, {}).get(name)
        if text is None:
            what = f"card {printable(card, 40)}" + (
                f" has no field {printable(name, 40)}" if card in known else ""
            )
            raise DataError(f"{place}: {what}{'' if card in known else f' is not in {review.path}'}")
        if (card, name) in seen:
            raise DataError(f"{place}: {name} of card {card} stands there twice")
        seen.add((card, name))
        _read_row(row, name, text, said.setdefault(card, CardOpinion()), f"{place}: card {card}")
        people.append(row.get("reviewer", ""))
    return one_reviewer(path, people), said


def _read_row(row: Mapping[str, str], name: str, text: str, said: CardOpinion, place: str) -> None:
    if "text" in row and _by_line(unguarded(row["text"])) != _by_line(text):
        raise DataError(
            f"{place}: the text of {name} was changed: put the old one back, and a correction into new_text"
        )
    new = _by_line(unguarded(row.get("new_text", "")))
    if new and new != _by_line(text):
        said.changes[name] = new
    if comment := unguarded(row.get("comment", "").strip()):
        said.comments.append(printable(f"{name}: {comment}", _COMMENT))
    expected = f"accept (通过), reject (退回) or reject: REASON (of {', '.join(_REASONS)})"
    for found in words_of(row.get("verdict", ""), _is_verdict, expected, f"{place}: verdict"):
        decision = Decision(DECISION_WORDS[found.word])
        if said.decision not in (None, decision):
            raise DataError(f"{place}: accepted in one row and rejected in another")
        said.decision = decision
        said.reason = said.reason or _REASONS.get(found.why)


def _is_verdict(found: Word) -> bool:
    return DECISION_WORDS.get(found.word) in tuple(Decision) and (not found.why or found.why in _REASONS)


def _by_line(text: str) -> str:
    """Loosely, and without the blanks around each line of a list."""
    return "\n".join(map(str.strip, loosely(text).split("\n")))

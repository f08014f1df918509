"""A review of cards in a spreadsheet: one row a field, written for Excel and read back whatever it made of it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from csc_tasks.data.tables import table_rows
from csc_tasks.errors import DataError
from csc_tasks.printable import printable
from csc_tasks.roleplay.card_report import examine_file, file_of_cards
from csc_tasks.roleplay.card_sets import CardSet
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.synthesis.cards.fields import fields_of
from csc_tasks.synthesis.review.decisions import Decision
from csc_tasks.synthesis.review.sheet import DECISION_WORDS, guarded, unguarded

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
_FILE = "f_"
"""What stands before the fingerprint: sixteen digits alone would come back from Excel as a number, rounded."""
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
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CARD_COLUMNS)
    for card in shown:
        for place, text in fields_of(card).items():
            row = {"card": card.id, "field": place, "text": guarded(text), "file": _FILE + review.fingerprint}
            writer.writerow([row.get(name, "") for name in CARD_COLUMNS])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def read_card_sheet(path: Path, review: CardsUnderReview) -> tuple[str, dict[str, CardOpinion]]:
    """Who filled in a sheet, and what they say of each card in it.

    Rows may be sorted otherwise, and rows and columns that are not needed be gone. Who reviewed stands in the column
    ``reviewer``, else in the file's name.

    Raises:
        DataError: with the line: a row that is not of this file, one twice, an unknown verdict, or a text that was
            changed in its own column, where nobody would find the change.
    """
    known = {card.id: fields_of(card) for card in review.cards}
    said: dict[str, CardOpinion] = {}
    seen: set[tuple[str, str]] = set()
    people: set[str] = set()
    for where, row in table_rows(path):
        place = f"{path}: {where}"
        if missing := [name for name in ("card", "field", "file") if name not in row]:
            raise DataError(
                f"{place}: no column {missing[0]}; write the sheet with `csconv cards review --out`"
            )
        _require_file(row["file"], review, place)
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
        people |= {who} if (who := printable(row.get("reviewer", ""), 80)) else set()
    if not said:
        raise DataError(f"{path}: no rows beneath the header")
    if len(people) > 1:
        raise DataError(
            f"{path}: of {len(people)} reviewers ({', '.join(sorted(people)[:3])}); give each a sheet"
        )
    return (people.pop() if people else printable(path.stem, 80) or "sheet"), said


def _require_file(cell: str, review: CardsUnderReview, place: str) -> None:
    given = cell.strip().removeprefix(_FILE)
    if given != review.fingerprint:
        raise DataError(
            f"{place}: made on a file with fingerprint {printable(given, 40) or '(none)'}, and {review.path} has "
            f"{review.fingerprint}; name the file that the sheet was made of"
        )


def _read_row(row: Mapping[str, str], name: str, text: str, said: CardOpinion, place: str) -> None:
    if "text" in row and _loosely(unguarded(row["text"])) != _loosely(text):
        raise DataError(
            f"{place}: the text of {name} was changed: put the old one back, and a correction into new_text"
        )
    new = _loosely(unguarded(row.get("new_text", "")))
    if new and new != _loosely(text):
        said.changes[name] = new
    if comment := unguarded(row.get("comment", "").strip()):
        said.comments.append(printable(f"{name}: {comment}", _COMMENT))
    for part in re.split(r"[;；\n]", row.get("verdict", "")):
        # As people type it: in full width, with a full stop, the reason in brackets.
        plain = unicodedata.normalize("NFKC", part).strip(" 。.!)")
        word, _, why = plain.replace("(", ":", 1).partition(":")
        if word.strip():
            _decide(said, word.strip().lower(), why.strip().lower(), part, place)


def _decide(said: CardOpinion, word: str, why: str, part: str, place: str) -> None:
    decided = DECISION_WORDS.get(word)
    reason = _REASONS.get(why)
    if decided not in tuple(Decision) or (why and reason is None):
        raise DataError(
            f"{place}: verdict {printable(part, 40)!r}: must be accept (通过), reject (退回) or reject: REASON (of "
            f"{', '.join(_REASONS)})"
        )
    if said.decision not in (None, Decision(decided)):
        raise DataError(f"{place}: accepted in one row and rejected in another")
    said.decision = Decision(decided)
    said.reason = said.reason or reason


def _loosely(text: str) -> str:
    """Without what saving a sheet changes: kinds of line ends, blanks around lines."""
    return "\n".join(
        line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ).strip()

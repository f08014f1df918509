"""The same review in a spreadsheet: one row an utterance, written for Excel and read back whatever it made of it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csc_tasks.data.conversations import Conversation
from csc_tasks.data.tables import table_rows
from csc_tasks.errors import DataError
from csc_tasks.human.answers_file import AnswersFile
from csc_tasks.labels import read_strategy
from csc_tasks.outside import MAX_FILE, require_regular
from csc_tasks.printable import printable
from csc_tasks.synthesis.review.decisions import MAX_COMMENT, REVIEW_FORMAT, Decision, Reason
from csc_tasks.synthesis.review.form import ReviewFile

__all__ = ["DECISION_WORDS", "SHEET_COLUMNS", "guarded", "read_sheet", "unguarded", "write_sheet"]

SHEET_COLUMNS = (
    *("conversation", "number", "speaker", "strategy", "text"),
    *("new_strategy", "new_text", "decision", "comment", "reviewer", "file"),
)
_IDS = {"conversation": "c_", "file": "f_"}
"""What stands before an id: sixteen digits alone would come back from Excel as a number, rounded."""
_RISKY = re.compile(r"[=+\-@'\t\r\n＝＋－＠]|[\s0-9A-Za-z.,:/%()$¥_-]*\Z")
"""What Excel takes for a formula, a number, a date or a truth."""
DECISION_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("accept", "accepted", "ok", "通过", "接受"), "accept"),
    **dict.fromkeys(("reject", "rejected", "拒绝", "退回", "不通过"), "reject"),
    **dict.fromkeys(("cut", "delete", "截断", "删除"), "cut"),
}
_REASONS: Mapping[str, Reason] = {
    **{reason.value: reason for reason in Reason},
    "不自然": Reason.UNNATURAL,
    "前后矛盾": Reason.INCOHERENT,
    "内容有误": Reason.WRONG,
    "角色错乱": Reason.ROLE,
    "策略不当": Reason.STRATEGIES,
    "没有结束": Reason.ENDING,
    "个人信息": Reason.PRIVATE,
    "重复": Reason.REPEATED,
    "其他": Reason.OTHER,
}


def guarded(text: str) -> str:
    """A cell that no spreadsheet computes or rounds; :func:`unguarded` is its inverse."""
    return f"'{text}" if text and _RISKY.match(text) else text


def unguarded(cell: str) -> str:
    """The text of a cell, without the mark that :func:`guarded` put before it."""
    return cell[1:] if cell.startswith("'") and len(cell) > 1 and _RISKY.match(cell[1:]) else cell


def write_sheet(file: ReviewFile, shown: Sequence[Conversation]) -> bytes:
    """The sheet of these conversations, in UTF-8 with the mark by which Excel knows it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(SHEET_COLUMNS)
    for conversation in shown:
        for number, said in enumerate(conversation.utterances, start=1):
            strategy = f"{said.strategy.number} {said.strategy.zh}" if said.strategy else ""
            row = {
                "conversation": _IDS["conversation"] + conversation.id,
                "number": str(number),
                "speaker": said.speaker.value,
                "strategy": strategy,
                "text": guarded(said.text.replace("\0", "")),
                "file": _IDS["file"] + file.fingerprint,
            }
            writer.writerow([row.get(name, "") for name in SHEET_COLUMNS])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


@dataclass(slots=True)
class _OfTheSheet:
    """What a sheet says of a conversation so far."""

    numbers: set[int] = field(default_factory=set)
    decision: Decision | None = None
    reason: Reason | None = None
    keep: int | None = None
    labels: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        return {
            "decision": self.decision,
            "reason": self.reason,
            "comment": "\n".join(self.comments)[:MAX_COMMENT],
            "labels": self.labels,
            "texts": self.texts,
            "keep": self.keep,
        }


def read_sheet(path: Path, file: ReviewFile) -> AnswersFile:
    """Read a sheet that has been filled in, as if a page had exported it.

    Rows may be sorted otherwise, and rows and columns that are not needed be gone. Who reviewed stands in the column
    ``reviewer``, else in the file's name.

    Raises:
        DataError: with the line: a row that is not of this file, one twice, an unknown decision or label, or a text
            that was changed in its own column, where nobody would find the change.
    """
    try:
        if require_regular(path) > MAX_FILE:
            raise DataError(f"{path}: larger than {MAX_FILE // 2**20} MB, which no such sheet is")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    known = {c.id: c for c in file.conversations}
    said: dict[str, _OfTheSheet] = {}
    people: set[str] = set()
    for where, row in table_rows(path):
        place = f"{path}: {where}"
        if missing := [name for name in ("conversation", "number", "file") if name not in row]:
            raise DataError(
                f"{place}: no column {missing[0]}; write the sheet with `csconv synthesize review --sheet`"
            )
        _require_file(row["file"], file, place)
        conversation = known.get(row["conversation"].strip().removeprefix(_IDS["conversation"]))
        if conversation is None:
            raise DataError(
                f"{place}: conversation {printable(row['conversation'], 40)} is not in {file.path}"
            )
        _read_row(row, conversation, said.setdefault(conversation.id, _OfTheSheet()), place)
        people |= {name} if (name := printable(row.get("reviewer", ""), 80)) else set()
    if not said:
        raise DataError(f"{path}: no rows beneath the header")
    if len(people) > 1:
        raise DataError(
            f"{path}: of {len(people)} reviewers ({', '.join(sorted(people)[:3])}); give each a sheet"
        )
    return AnswersFile(
        format=REVIEW_FORMAT,
        file=file.path.name[:1000],
        fingerprint=file.fingerprint,
        person=people.pop() if people else printable(path.stem, 80) or "sheet",
        exported="",
        shown=list(said),
        items={key: answer for key, each in said.items() if _says(answer := each.answer())},
    )


def _says(answer: Mapping[str, Any]) -> bool:
    return any(value for value in answer.values())


def _require_file(cell: str, file: ReviewFile, place: str) -> None:
    given = cell.strip().removeprefix(_IDS["file"])
    if given != file.fingerprint:
        raise DataError(
            f"{place}: made on a file with fingerprint {printable(given, 40) or '(none)'}, and {file.path} has "
            f"{file.fingerprint}; name the file that the sheet was made of"
        )


def _read_row(row: Mapping[str, str], conversation: Conversation, said: _OfTheSheet, place: str) -> None:
    cell = row["number"].strip().removesuffix(".0")
    number = int(cell) if cell.isascii() and cell.isdecimal() and len(cell) < 6 else 0
    if not 1 <= number <= len(conversation.utterances):
        raise DataError(
            f"{place}: utterance {printable(cell, 20) or '(none)'}: conversation {conversation.id} has "
            f"{len(conversation.utterances)}"
        )
    if number in said.numbers:
        raise DataError(f"{place}: utterance {number} of conversation {conversation.id} stands there twice")
    said.numbers.add(number)
    utterance = conversation.utterances[number - 1]
    if "text" in row and _loosely(unguarded(row["text"])) != _loosely(utterance.text):
        raise DataError(
            f"{place}: the text is not the one of utterance {number} of conversation {conversation.id}: put the old "
            "one back, and a correction into new_text"
        )
    if label := row.get("new_strategy", "").strip():
        strategy = read_strategy(unguarded(label).removesuffix(".0"))
        if strategy is None:
            raise DataError(f"{place}: new_strategy {printable(label, 40)!r} is none of the twelve")
        said.labels[str(number)] = strategy.number
    if text := row.get("new_text", ""):
        said.texts[str(number)] = unguarded(text).replace("\r\n", "\n")
    if comment := unguarded(row.get("comment", "").strip()):
        said.comments.append(f"#{number} {comment}")
    for word, reason in _decisions(row.get("decision", ""), place):
        _decide(said, word, reason, number, f"{place}: conversation {conversation.id}")


def _decisions(cell: str, place: str) -> Iterator[tuple[str, Reason | None]]:
    for part in re.split(r"[;；\n]", cell):
        # As people type it: in full width, with a full stop, the reason in brackets.
        plain = unicodedata.normalize("NFKC", part).strip(" 。.!)")
        name, _, given = plain.replace("(", ":", 1).partition(":")
        if not name.strip():
            continue
        word = DECISION_WORDS.get(name.strip().lower())
        reason = _REASONS.get(given.strip().lower()) if given.strip() else None
        if word is None or (given.strip() and reason is None):
            raise DataError(
                f"{place}: decision {printable(part, 40)!r}: must be accept (通过), reject (退回), reject: REASON (of "
                f"{', '.join(_REASONS)}) or cut (截断)"
            )
        yield word, reason


def _decide(said: _OfTheSheet, word: str, reason: Reason | None, number: int, place: str) -> None:
    if word == "cut":
        said.keep = min(number - 1, said.keep or number)
        if said.keep < 1:
            raise DataError(f"{place}: cut at utterance 1 leaves nothing; reject it")
        return
    decision = Decision(word)
    if said.decision not in (None, decision):
        raise DataError(f"{place}: accepted in one row and rejected in another")
    said.decision = decision
    said.reason = said.reason or reason


def _loosely(text: str) -> str:
    """Without what a sheet cannot hold, or saving it changes: zero bytes, kinds of line ends, blanks around."""
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").strip()

"""The same review in a spreadsheet: one row an utterance, written for Excel and read back whatever it made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csc_tasks.data.conversations import Conversation
from csc_tasks.errors import DataError
from csc_tasks.human.answers_file import AnswersFile
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
from csc_tasks.labels import read_strategy
from csc_tasks.printable import printable
from csc_tasks.synthesis.review.decisions import MAX_COMMENT, REVIEW_FORMAT, Decision, Reason
from csc_tasks.synthesis.review.form import ReviewFile

__all__ = ["DECISION_WORDS", "SHEET_COLUMNS", "read_sheet", "write_sheet"]

SHEET_COLUMNS = (
    *("conversation", "number", "speaker", "strategy", "text"),
    *("new_strategy", "new_text", "decision", "comment", "reviewer", "file"),
)
_ID_MARK = "c_"
"""Before a conversation's id, as ``FILE_MARK`` before the file's."""
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


def write_sheet(file: ReviewFile, shown: Sequence[Conversation]) -> bytes:
    """The sheet of these conversations, in UTF-8 with the mark by which Excel knows it."""
    return sheet_bytes(SHEET_COLUMNS, _rows(file, shown))


def _rows(file: ReviewFile, shown: Sequence[Conversation]) -> Iterator[dict[str, str]]:
    for conversation in shown:
        for number, said in enumerate(conversation.utterances, start=1):
            yield {
                "conversation": _ID_MARK + conversation.id,
                "number": str(number),
                "speaker": said.speaker.value,
                "strategy": f"{said.strategy.number} {said.strategy.zh}" if said.strategy else "",
                "text": guarded(said.text.replace("\0", "")),
                "file": FILE_MARK + file.fingerprint,
            }


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

    Who reviewed stands in the column
    ``reviewer``, else in the file's name.

    Raises:
        DataError: with the line: a row that is not of this file, one twice, an unknown decision or label, or a text
            that was changed in its own column, where nobody would find the change.
    """
    known = {c.id: c for c in file.conversations}
    said: dict[str, _OfTheSheet] = {}
    people: list[str] = []
    for place, row in sheet_rows(
        path, ("conversation", "number", "file"), "csconv synthesize review --sheet"
    ):
        require_file(row["file"], file.fingerprint, file.path, place)
        conversation = known.get(row["conversation"].strip().removeprefix(_ID_MARK))
        if conversation is None:
            raise DataError(
                f"{place}: conversation {printable(row['conversation'], 40)} is not in {file.path}"
            )
        _read_row(row, conversation, said.setdefault(conversation.id, _OfTheSheet()), place)
        people.append(row.get("reviewer", ""))
    return AnswersFile(
        format=REVIEW_FORMAT,
        file=file.path.name[:1000],
        fingerprint=file.fingerprint,
        person=one_reviewer(path, people),
        exported="",
        shown=list(said),
        items={key: answer for key, each in said.items() if _says(answer := each.answer())},
    )


def _says(answer: Mapping[str, Any]) -> bool:
    return any(value for value in answer.values())


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
    if "text" in row and loosely(unguarded(row["text"])) != loosely(utterance.text):
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
    expected = f"accept (通过), reject (退回), reject: REASON (of {', '.join(_REASONS)}) or cut (截断)"
    for found in words_of(row.get("decision", ""), _is_decision, expected, f"{place}: decision"):
        word, reason = DECISION_WORDS[found.word], _REASONS.get(found.why)
        _decide(said, word, reason, number, f"{place}: conversation {conversation.id}")


def _is_decision(found: Word) -> bool:
    return found.word in DECISION_WORDS and (not found.why or found.why in _REASONS)


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

"""Reviewers' decisions, settled and applied to the file that they were made on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from csc_tasks.data.conversations import Conversation
from csc_tasks.data.tables import TABLE_SUFFIXES
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.human.answers_file import AnswersFile, read_answers
from csc_tasks.printable import printable
from csc_tasks.synthesis.review.decisions import (
    REVIEW_FORMAT,
    Corrections,
    Decision,
    Reason,
    ReviewAnswer,
    corrected,
    read_answer,
)
from csc_tasks.synthesis.review.form import ReviewFile
from csc_tasks.synthesis.review.sheet import read_sheet

__all__ = ["Fate", "Review", "Reviewed", "Settled", "read_reviews", "reasons", "settle"]

_NAMED = 10
"""Conflicts that are named in a message."""


class Fate(StrEnum):
    """What became of a conversation."""

    AS_IT_WAS = "accepted as it was"
    CORRECTED = "accepted with corrections"
    REJECTED = "rejected"
    KEPT_UNDECIDED = "undecided, kept"
    UNDECIDED = "undecided, left out"
    REPEATED = "the same as another one after correction, left out"

    @property
    def kept(self) -> bool:
        """Whether it is in the file that is written."""
        return self in (Fate.AS_IT_WAS, Fate.CORRECTED, Fate.KEPT_UNDECIDED)


class Reviewed(NamedTuple):
    """One reviewer's answer about a conversation, and what it changes."""

    person: str
    answer: ReviewAnswer
    corrections: Corrections

    def same_as(self, other: Reviewed) -> bool:
        """Whether the same becomes of the conversation: of two rejections only the reasons differ."""
        if self.answer.decision is not other.answer.decision:
            return False
        if self.answer.decision is Decision.REJECT:
            return True
        return self.corrections.conversation == other.corrections.conversation


@dataclass(frozen=True, slots=True)
class Review:
    """All that was decided about a file.

    Attributes:
        people: the reviewers, each with the files that have their answers.
        shown: the conversations that anybody was shown.
        answers: of each conversation that anybody answered about, in the order of the reviewers.
    """

    people: Mapping[str, tuple[str, ...]]
    shown: frozenset[str]
    answers: Mapping[str, tuple[Reviewed, ...]]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one conversation.

    Attributes:
        was: the conversation in the file.
        fate: of it.
        by: the reviewers whose decision holds.
        corrections: that were made in it; none of a rejected one.
        reason: of a rejection, if one was given.
        comments: by reviewer.
        decided_by: whom ``--prefer`` chose where reviewers differed, else empty.
        shown: whether any reviewer was shown it.
    """

    was: Conversation
    fate: Fate
    by: tuple[str, ...]
    corrections: Corrections
    reason: Reason | None
    comments: Mapping[str, str]
    decided_by: str
    shown: bool

    @property
    def conversation(self) -> Conversation:
        """As it is now."""
        return self.corrections.conversation or self.was


def read_reviews(paths: Sequence[Path], file: ReviewFile) -> Review:
    """Read pages' exports and sheets.

    Args:
        paths: of them; a table's name says that it is one.
        file: that they are about.

    Raises:
        DataError: one cannot be read, is about another file, has an answer that cannot be applied, or contradicts
            another one of the same reviewer.
    """
    known = {c.id: c for c in file.conversations}
    people: dict[str, list[str]] = {}
    found: dict[str, dict[str, tuple[Path, Reviewed]]] = {}
    shown: set[str] = set()
    for path in paths:
        read = _read(path, file)
        people.setdefault(read.person, []).append(path.name)
        for key in (*read.items, *read.shown):
            if key not in known:
                raise DataError(f"{path}: conversation {key} is not in {file.path}")
        shown.update(read.shown, read.items)
        for key, raw in read.items.items():
            where = f"{path}: conversation {key}"
            answer = read_answer(raw, where)
            each = Reviewed(read.person, answer, corrected(known[key], answer, where))
            before = found.setdefault(key, {}).setdefault(read.person, (path, each))
            if not before[1].same_as(each):
                raise DataError(
                    f"{where}: {read.person} decided otherwise in {before[0]}; name only the file exported last"
                )
    order = list(people)
    answers = {
        key: tuple(each for _, each in sorted(by.values(), key=lambda pair: order.index(pair[1].person)))
        for key, by in found.items()
    }
    return Review({name: tuple(files) for name, files in people.items()}, frozenset(shown), answers)


def _read(path: Path, file: ReviewFile) -> AnswersFile:
    if path.suffix.lower() in TABLE_SUFFIXES:
        return read_sheet(path, file)
    return read_answers(path, REVIEW_FORMAT, file.fingerprint, str(file.path))


def settle(file: ReviewFile, review: Review, prefer: Sequence[str], keep_undecided: bool) -> list[Settled]:
    """Decide what becomes of each conversation, in the order of the file.

    Where several reviewers decided, those who only corrected do not count. Where they differ, the first of ``prefer``
    counts who decided.

    Raises:
        ConfigError: ``prefer`` names nobody who reviewed.
        DataError: reviewers differ, and nobody who is preferred has decided; the conversations are named.
    """
    if unknown := [name for name in prefer if name not in review.people]:
        raise ConfigError(
            f"--prefer {unknown[0]}: reviewed nothing here; there are {', '.join(review.people)}"
        )
    conflicts: list[str] = []
    settled: list[Settled] = []
    written: set[str] = set()
    for conversation in file.conversations:
        answers = review.answers.get(conversation.id, ())
        deciding = [a for a in answers if a.answer.decision] or [a for a in answers if a.corrections]
        chosen = ""
        if any(not deciding[0].same_as(other) for other in deciding[1:]):
            preferred = next((a for name in prefer for a in deciding if a.person == name), None)
            if preferred is None:
                conflicts.append(_conflict(conversation, deciding))
                continue
            chosen, deciding = preferred.person, [preferred]
        one = _settled(conversation, answers, deciding, chosen, review, keep_undecided)
        if one.fate.kept and one.conversation.id in written:
            one = replace(one, fate=Fate.REPEATED)
        elif one.fate.kept:
            written.add(one.conversation.id)
        settled.append(one)
    if conflicts:
        more = f"\n… and {len(conflicts) - _NAMED:,} more" if len(conflicts) > _NAMED else ""
        raise DataError(
            f"reviewers differ about {len(conflicts):,} conversations; say whose word holds with --prefer NAME:\n"
            + "\n".join(conflicts[:_NAMED])
            + more
        )
    return settled


def _settled(
    conversation: Conversation,
    answers: Sequence[Reviewed],
    deciding: Sequence[Reviewed],
    chosen: str,
    review: Review,
    keep_undecided: bool,
) -> Settled:
    first = deciding[0] if deciding else None
    decision = first.answer.decision if first else None
    corrections = first.corrections if first else Corrections()
    if decision is Decision.REJECT:
        fate, corrections = Fate.REJECTED, Corrections()
    elif decision is Decision.ACCEPT:
        fate = Fate.CORRECTED if corrections else Fate.AS_IT_WAS
    else:
        fate = Fate.KEPT_UNDECIDED if keep_undecided else Fate.UNDECIDED
    return Settled(
        was=conversation,
        fate=fate,
        by=tuple(each.person for each in deciding),
        corrections=corrections,
        reason=next((a.answer.reason for a in deciding if a.answer.reason), None)
        if fate is Fate.REJECTED
        else None,
        comments={a.person: a.answer.comment for a in answers if a.answer.comment.strip()},
        decided_by=chosen,
        shown=conversation.id in review.shown,
    )


def _conflict(conversation: Conversation, deciding: Sequence[Reviewed]) -> str:
    """One line: ``0123…: 王敏 accepts, label of utterance 3 is 6 提供建议; 李华 rejects``."""
    return f"  {conversation.id}: " + "; ".join(f"{each.person} {_said(each)}" for each in deciding)


def _said(each: Reviewed) -> str:
    if each.answer.decision is Decision.REJECT:
        return f"rejects ({each.answer.reason or 'no reason given'})"
    found = each.corrections
    parts = [f"utterance {n} {new.number} {new.zh}" for n, (_, new) in found.labels.items()]
    parts += [f"utterance {n} {printable(new, 30)!r}" for n, (_, new) in found.texts.items()]
    parts += [f"{found.deleted} deleted at the end"] if found.deleted else []
    shown = ", ".join(parts[:3]) + (f" and {len(parts) - 3} more" if len(parts) > 3 else "")
    verb = "accepts" if each.answer.decision else "corrects"
    return f"{verb} with {shown}" if parts else f"{verb} it as it is"


def reasons(settled: Sequence[Settled]) -> Counter[str]:
    """How often each reason was given for a rejection."""
    return Counter(s.reason or "no reason given" for s in settled if s.fate is Fate.REJECTED)

"""What a reviewer decides about a conversation, and what becomes of the conversation by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from csc_tasks.data.conversations import MAX_UTTERANCE, Conversation, Speaker, check_record
from csc_tasks.errors import DataError, first_fault
from csc_tasks.framework import Strategy
from csc_tasks.printable import printable

__all__ = [
    "MAX_COMMENT",
    "REVIEW_FORMAT",
    "Corrections",
    "Decision",
    "Reason",
    "ReviewAnswer",
    "corrected",
    "read_answer",
]

REVIEW_FORMAT = "csconv-review-1"
MAX_COMMENT = 2000
"""Characters of a comment."""

_Number = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}$")]
"""Of an utterance, from 1, as people count."""


class Decision(StrEnum):
    """What becomes of a conversation."""

    ACCEPT = "accept"
    REJECT = "reject"


class Reason(StrEnum):
    """Why a conversation is rejected."""

    UNNATURAL = "unnatural"
    """Nobody talks like that."""
    INCOHERENT = "incoherent"
    """It contradicts itself, or an answer does not belong to what was said."""
    WRONG = "wrong"
    """What the supporter says or does cannot be so."""
    ROLE = "role"
    """Somebody leaves their role, or the roles are swapped."""
    STRATEGIES = "strategies"
    """The supporter's conduct is not mended by other labels."""
    ENDING = "ending"
    """It does not come to an end."""
    PRIVATE = "private"
    """It holds personal data."""
    REPEATED = "repeated"
    """It says what another one says."""
    OTHER = "other"


class ReviewAnswer(BaseModel):
    """One reviewer's decision about one conversation. Utterances have numbers from 1.

    Attributes:
        decision: ``None`` where there is none yet.
        reason: of a rejection.
        comment: whatever the reviewer wants to say.
        labels: new strategies, 1–12, by utterance.
        texts: new texts by utterance.
        keep: how many utterances are kept; those after them are deleted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Decision | None = None
    reason: Reason | None = None
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] = ""
    labels: dict[_Number, Annotated[int, Field(strict=True, ge=1, le=12)]] = Field(default_factory=dict)
    texts: dict[_Number, str] = Field(default_factory=dict)
    keep: Annotated[int, Field(strict=True, ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class Corrections:
    """What one answer changes in its conversation, without what it only says again.

    Attributes:
        labels: old and new strategy by utterance, from 1, of those that are kept.
        texts: old and new text likewise.
        deleted: utterances taken from the end.
        conversation: as it is then.
    """

    labels: Mapping[int, tuple[Strategy, Strategy]] = field(default_factory=dict)
    texts: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    deleted: int = 0
    conversation: Conversation | None = None

    def __bool__(self) -> bool:
        return bool(self.labels or self.texts or self.deleted)


def read_answer(raw: Mapping[str, Any], where: str) -> ReviewAnswer:
    """Read an answer.

    Args:
        raw: as it stands in a file.
        where: it stands, for the message: file and conversation.

    Raises:
        DataError: it is none.
    """
    try:
        return ReviewAnswer.model_validate(raw)
    except ValidationError as error:
        raise DataError(f"{where}: {printable(_by_utterance(first_fault(error)), 300)}") from None


def _by_utterance(fault: str) -> str:
    """``labels.3: …`` as ``utterance 3: the label: …``."""
    for kind, name in (("labels", "label"), ("texts", "text")):
        head, _, rest = fault.partition(": ")
        if head.startswith(f"{kind}.") and head.removeprefix(f"{kind}.").isdecimal():
            return f"utterance {head.removeprefix(f'{kind}.')}: the {name}: {rest}"
    return fault


def corrected(conversation: Conversation, answer: ReviewAnswer, where: str) -> Corrections:
    """A conversation with a reviewer's corrections.

    Args:
        conversation: as it was.
        answer: the corrections; its decision has no part in it.
        where: it stands, for the message: file and conversation.

    Raises:
        DataError: what comes out breaks the schema, a corrected text is longer than the construction rules allow, or
            there is no such utterance to correct; the message names it.
    """
    record = conversation.record()
    utterances = record["dialogue"]
    keep = len(utterances) if answer.keep is None else answer.keep
    if keep > len(utterances):
        raise DataError(f"{where}: {keep} utterances are kept, and there are {len(utterances)}")
    labels: dict[int, tuple[Strategy, Strategy]] = {}
    texts: dict[int, tuple[str, str]] = {}
    for number, strategy, old in _named(answer.labels, conversation, where):
        was = old.strategy
        if old.speaker is not Speaker.SUPPORTER or was is None:
            raise DataError(f"{where}, utterance {number}: a label for an utterance that has none")
        new = Strategy.from_index(strategy - 1)
        if new is not was and number <= keep:
            labels[number] = was, new
            utterances[number - 1]["strategy"] = f"策略{new.number} {new.zh}"
    for number, text, old in _named(answer.texts, conversation, where):
        if text != old.text and number <= keep:
            if len(text) > MAX_UTTERANCE:
                raise DataError(
                    f"{where}, utterance {number}: the new text has {len(text):,} characters, over {MAX_UTTERANCE}"
                )
            texts[number] = old.text, text
            utterances[number - 1]["text"] = text
    deleted = len(utterances) - keep
    del utterances[keep:]
    checked = check_record(record)
    if checked.conversation is None:
        defect = next(d for d in checked.defects if d.fatal)
        raise DataError(f"{where}{_utterance_of(defect.place)}: {defect.message}")
    return Corrections(labels, texts, deleted, checked.conversation)


def _named(changes: Mapping[str, Any], conversation: Conversation, where: str) -> list[tuple[int, Any, Any]]:
    """Number, change and utterance of each, in order."""
    found = []
    for number, change in sorted((int(number), change) for number, change in changes.items()):
        if number > len(conversation.utterances):
            raise DataError(
                f"{where}, utterance {number}: there is none; the conversation has {len(conversation.utterances)}"
            )
        found.append((number, change, conversation.utterances[number - 1]))
    return found


def _utterance_of(place: str) -> str:
    """``, utterance 4`` of ``dialogue[3].text``."""
    index = place.partition("[")[2].partition("]")[0]
    return f", utterance {int(index) + 1}" if index.isdecimal() else ""

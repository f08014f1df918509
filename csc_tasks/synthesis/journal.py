"""Journals of a run: every answer before the next request is sent, and every case that is over, one JSON line each.

A folder ``journals`` has one file for each process that ever wrote; all of them are read. Lines are of three forms::

    {"format": 1, "run": {…}}                       what must be the same for the run to go on
    {"format": 1, "case": "…", "step": 3, …}        an answer
    {"format": 1, "ended": {"case": "…", …}}        a case that is over

What was begun is kept in memory only while it is being made: what is over is found again by its place in the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.chat.journal import FORMAT, Journal
from csc_tasks.errors import ChatError, DataError
from csc_tasks.outside import lines_of, open_regular, parse_json
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.steps import Step

__all__ = [
    "JOURNALS",
    "Answered",
    "Index",
    "answers_in",
    "ended_in",
    "head_of",
    "heads_of",
    "index_of",
    "open_journal",
]

JOURNALS = "journals"
_ENDED = b'{"format": 1, "ended": {"case": "'
_CASE = b'{"format": 1, "case": "'
_ID = 16


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that came, usable or not.

    Attributes:
        case: its id.
        step: which question of the case it answers, from 0.
        role: who answered.
        request: a digest of what was asked, 16 hex digits.
        usable: whether the machine was sent it.
        reason: why not.
        text: the answer.
        model: the one that the server says it answered with.
        id: what the server calls the answer.
        prompt_tokens, completion_tokens: that were paid for.
        cost: in the configuration's currency.
    """

    case: str
    step: int
    role: str
    request: str
    usable: bool
    reason: str
    text: str
    model: str
    id: str
    prompt_tokens: int
    completion_tokens: int
    cost: float

    def record(self) -> dict[str, Any]:
        """As a line of a journal."""
        return {"format": FORMAT, **{name: getattr(self, name) for name in self.__slots__}}

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Answered:
        """Read one.

        Raises:
            KeyError, TypeError: it is none.
        """
        answered = cls(**{name: line[name] for name in cls.__slots__})
        if not isinstance(answered.text, str) or not isinstance(answered.step, int):
            raise TypeError("text or step")
        return answered


class _EndedAt(NamedTuple):
    number: int
    path: Path
    offset: int


class Index(NamedTuple):
    """Where each case that is over stands, by its id."""

    places: Mapping[str, _EndedAt]

    @property
    def cases(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(self.places)


def open_journal(folder: Path, writer: str, run: Mapping[str, Any]) -> Journal:
    """The journal of a writer; a new one begins with what the run is.

    Raises:
        ChatError: it cannot be opened.
    """
    path = folder / JOURNALS / f"{writer}.jsonl"
    new = not path.exists() or _head_in(path) is None
    journal = Journal(path)
    if new:
        try:
            journal.append({"format": FORMAT, "run": dict(run)})
        except OSError as error:
            raise ChatError(f"{path}: cannot be written ({error.strerror})") from None
    return journal


def _files(folder: Path) -> list[Path]:
    return sorted((folder / JOURNALS).glob("*.jsonl"))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their offsets, as far as it can be read."""
    offset = 0
    try:
        with open_regular(path) as file:
            for line in lines_of(file):
                yield offset, line
                offset += len(line)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); what stands in it was paid for: mend it or move it away"
        ) from None


def _parsed(path: Path, line: bytes) -> Mapping[str, Any]:
    """A line's object; an empty one for a line that was cut off."""
    record: Any = None
    with suppress(ValueError):
        record = parse_json(line)
    if not isinstance(record, dict):
        return {}
    version = record.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise ChatError(
            f"{path}: a journal of a newer csconv, which this one cannot read and leaves as it is; install that csconv"
        )
    return record


def heads_of(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """What each journal of a folder says the run is, in the order in which they are read.

    Raises:
        DataError, ChatError: a journal cannot be read.
    """
    for path in _files(folder):
        head = _head_in(path)
        if head is not None:
            yield path, head


def head_of(folder: Path) -> Mapping[str, Any] | None:
    """What the run in a folder is, as the first of its journals says; ``None`` if none does.

    Raises:
        DataError, ChatError: a journal cannot be read.
    """
    return next((head for _, head in heads_of(folder)), None)


def _head_in(path: Path) -> Mapping[str, Any] | None:
    """What a journal begins with, behind lines that were cut off."""
    for _, line in _lines(path):
        if record := _parsed(path, line):
            return dict(record["run"]) if isinstance(record.get("run"), dict) else None
    return None


def index_of(folder: Path) -> Index:
    """Where every case that is over stands; of two lines for one case the first counts.

    Raises:
        DataError, ChatError: a journal cannot be read.
    """
    places: dict[str, _EndedAt] = {}
    for path in _files(folder):
        for offset, line in _lines(path):
            if line.startswith(_CASE) or b'"ended"' not in line[:64]:
                continue
            with suppress(ValueError, KeyError, TypeError):
                ended = _parsed(path, line)["ended"]
                places.setdefault(str(ended["case"]), _EndedAt(int(ended["number"]), path, offset))
    return Index(places)


def ended_in(folder: Path, index: Index | None = None) -> Iterator[Ended]:
    """Every case that is over, in the order of their numbers; one at a time is in memory.

    Raises:
        DataError, ChatError: a journal cannot be read.
    """
    index = index or index_of(folder)
    for place in sorted(index.places.values(), key=lambda each: each.number):
        with place.path.open("rb") as file:
            file.seek(place.offset)
            line = file.readline()
        try:
            yield Ended.of(_parsed(place.path, line)["ended"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DataError(
                f"{place.path}: the line at byte {place.offset:,} is no case that this csconv could have written"
            ) from None


def answers_in(folder: Path, over: frozenset[str] = frozenset()) -> Iterator[Answered]:
    """Every answer, in the order in which they came, but those of cases that are ``over``.

    Raises:
        DataError, ChatError: a journal cannot be read.
    """
    start = len(_CASE)
    for path in _files(folder):
        for _, line in _lines(path):
            if line.startswith(_CASE) and line[start : start + _ID].decode("ascii", "replace") in over:
                continue
            if line.startswith(_ENDED):
                continue
            record = _parsed(path, line)
            if "case" not in record or record["case"] in over:
                continue
            with suppress(KeyError, TypeError):
                yield Answered.of(record)


def ended_line(ended: Ended) -> dict[str, Any]:
    """A case that is over as a line of a journal."""
    return {"format": FORMAT, "ended": ended.record()}


def digest_of(*parts: Any) -> str:
    """64 hex digits of JSON values."""
    return hashlib.sha256(
        json.dumps(parts, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
    ).hexdigest()


def request_digest(step: Step) -> str:
    """16 hex digits of what a step asks whom."""
    found = hashlib.sha256(step.role.encode())
    for message in step.messages:
        found.update(f"\0{message.role}\0{message.content}".encode("utf-8", "replace"))
    return found.hexdigest()[:16]

"""Real calls as they are read from a file: without personal data, and nothing of them in a message or an id."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.data.conversations import Utterance
from csc_tasks.data.domains import Domain
from csc_tasks.data.files import SUFFIXES
from csc_tasks.data.formats import SPEAKERS
from csc_tasks.data.importing import ImportOptions, import_each
from csc_tasks.data.tables import TABLE_SUFFIXES
from csc_tasks.errors import DataError
from csc_tasks.storage import at_home
from csc_tasks.synthesis.journal import digest_of
from csc_tasks.synthesis.own_calls.redaction import REDACTION, redact_call

__all__ = ["CallFile", "RealCall", "Survey", "survey_of"]

_PLACES = 3
"""Places that are named of what is left out for one reason."""
_PIECE = 2**20
_DOMAINS = frozenset(map(str, Domain))
_APART = 6
"""Empty utterances between a call and its topic, so that none is taken for an answer to the last question."""


class RealCall(NamedTuple):
    """A call without personal data.

    ``id`` is of its content without personal data and its place; ``place`` like ``line 7``; ``replaced`` counts what
    was personal by kind.
    """

    id: str
    place: str
    topic: str
    utterances: tuple[Utterance, ...]
    replaced: Mapping[str, int]


class _LeftOut(NamedTuple):
    """A record that is no call, and why, in few words and at length; nothing of it is in either."""

    place: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class CallFile:
    """A file of calls and how it is to be read.

    Attributes:
        path: of the file.
        names, speakers, topic, encoding, merge: as of :class:`~csc_tasks.data.importing.ImportOptions`.
        redacted: whether personal data is taken out.
    """

    path: Path
    names: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, str] = field(default_factory=dict)
    topic: str = ""
    encoding: str | None = None
    merge: bool = False
    redacted: bool = True

    def each(self, left_out: Callable[[_LeftOut], None] = lambda _: None) -> Iterator[RealCall]:
        """The calls, in the file's order; what is none goes to ``left_out``.

        Raises:
            DataError: the file cannot be read at all; the message says what to do.
            ConfigError: the options name a field or a speaker that does not exist.
        """
        if self.path.suffix.lower() not in (*SUFFIXES, *TABLE_SUFFIXES) and self.path.is_file():
            raise DataError(
                f"{self.path}: calls are read from {', '.join((*SUFFIXES, *TABLE_SUFFIXES))} files"
            )
        options = ImportOptions(
            names=self.names,
            speakers=self.speakers,
            merge=self.merge,
            unlabelled=True,
            topic=self.topic or Domain.OTHER,
            encoding=self.encoding,
            private=True,
        )
        named = [name for name in self.speakers if name.casefold() not in SPEAKERS]
        number = 0
        for record in import_each(at_home(str(self.path)), options):
            if record.conversation is None:
                left_out(_LeftOut(record.place, record.kind or record.message, record.message))
                continue
            yield self._call(
                number, record.place, record.conversation.topic, record.conversation.utterances, named
            )
            number += 1

    def _call(
        self, number: int, place: str, topic: str, utterances: Sequence[Utterance], names: Sequence[str]
    ) -> RealCall:
        counts: Mapping[Any, int] = {}
        if self.redacted:
            said = (
                [] if topic in _DOMAINS else [*[""] * _APART, topic]
            )  # a topic may hold what the call holds
            texts, counts = redact_call([*(u.text for u in utterances), *said], names)
            topic = texts[-1] if said else topic
            utterances = [
                Utterance(u.speaker, None, text) for u, text in zip(utterances, texts, strict=False)
            ]
        identity = digest_of(number, topic, [[u.speaker.value, u.text] for u in utterances])[:16]
        return RealCall(
            identity, place, topic, tuple(utterances), {str(kind): n for kind, n in counts.items()}
        )

    def identity(self) -> dict[str, Any]:
        """What must be the same for the same calls to be read, as JSON values; nothing of it is personal.

        Raises:
            DataError: the file cannot be read.
        """
        digest = hashlib.sha256()
        try:
            with at_home(str(self.path)).open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror})") from None
        how = digest_of(dict(self.names), dict(self.speakers), self.topic, self.encoding, self.merge)
        return {
            "source": f"real calls, file with SHA-256 {digest.hexdigest()[:16]}…",
            "read_as": how[:16],
            "redaction": REDACTION if self.redacted else None,
        }


@dataclass(slots=True)
class Survey:
    """What a file holds: calls, what is left out by reason with its first places, what was personal by kind."""

    calls: int = 0
    utterances: int = 0
    unnamed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    replaced: Counter[str] = field(default_factory=Counter)

    def leave_out(self, kind: str, place: str, message: str = "") -> None:
        """Count something that is not used."""
        self.left_out[kind] += 1
        self.messages.setdefault(kind, message)
        places = self.places.setdefault(kind, [])
        if len(places) < _PLACES:
            places.append(place)


def survey_of(file: CallFile, broken: Callable[[Sequence[Utterance]], str]) -> Survey:
    """Read a file once and say what is in it.

    Args:
        file: of calls.
        broken: the rule of the filter that a call breaks, empty for a good one.

    Raises:
        DataError: it cannot be read, or no call in it can be used; the message says what to do.
    """
    survey = Survey()
    for call in file.each(lambda out: survey.leave_out(out.kind, out.place, out.message)):
        survey.calls += 1
        survey.utterances += len(call.utterances)
        survey.unnamed += call.topic == Domain.OTHER
        survey.replaced.update(call.replaced)
        if rule := broken(call.utterances):
            survey.leave_out(f"filter: {rule}", call.place)
    if not survey.calls:
        if not survey.left_out:
            raise DataError(f"{file.path}: no conversations in it")
        (kind, count), *_ = survey.left_out.most_common(1)
        at = survey.places[kind][0]
        why = survey.messages[kind] or kind
        raise DataError(
            f"{file.path}: no call in it can be used; {count:,} of {survey.left_out.total():,}: {at}: {why}"
        )
    return survey

"""Conversations in other people's formats, made into those of the published schema, with nothing lost in silence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.data.conversations import Conversation, Defect, Speaker, check_record
from csc_tasks.data.files import BrokenRecord
from csc_tasks.data.find_format import find_format, names_of
from csc_tasks.data.formats import DROPPED, FIELDS, SPEAKERS, Format
from csc_tasks.data.import_lines import (
    LineReader,
    TalkLine,
    WrongRecord,
    joined,
    picked,
    quoted_privately,
)
from csc_tasks.data.streaming import each_record
from csc_tasks.data.tables import TABLE_SUFFIXES, each_row
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.labels import read_strategy

__all__ = [
    "ImportOptions",
    "Imported",
    "ImportedRecord",
    "import_each",
    "import_file",
    "read_pairs",
]

_STRANGER = "an unknown speaker"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a file.

    ``names`` has the field's name in the file by ours, ``speakers`` who a name is (``客服``, ``客户``, ``drop`` or
    another known name); ``merge`` makes consecutive lines of one speaker one utterance, ``unlabelled`` drops
    all strategies, ``skip_broken`` leaves out conversations that cannot be used; ``topic`` is that of conversations
    that say none; ``private`` quotes nothing of the file in messages, which may be personal.
    """

    format: Format | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, str] = field(default_factory=dict)
    merge: bool = False
    unlabelled: bool = False
    skip_broken: bool = False
    topic: str = ""
    encoding: str | None = None
    private: bool = False


class Imported(NamedTuple):
    """The conversations, what they were read as, and how often something was left out or changed, in words."""

    conversations: tuple[Conversation, ...]
    format: Format
    counts: Counter[str]


class ImportedRecord(NamedTuple):
    """What one conversation of a file came to: itself, or why it cannot be used, in a message and in few words."""

    place: str
    conversation: Conversation | None
    message: str = ""
    kind: str = ""


def read_pairs(option: str, value: str, private: bool = False) -> dict[str, str]:
    """``NAME=VALUE,…`` of a command line; ``private`` quotes nothing of it.

    Raises:
        ConfigError: a part has no ``=``.
    """
    pairs: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, equals, given = part.partition("=")
        if not (equals and name.strip() and given.strip()):
            shown = quoted_privately(part) if private else repr(part)
            raise ConfigError(f"{option} {shown}: must be NAME=VALUE, several with commas")
        pairs[name.strip()] = given.strip()
    return pairs


def import_file(path: Path, options: ImportOptions) -> Imported:
    """Read a file of whatever format.

    Raises:
        DataError: something in it cannot be mapped; the message names the first place, the cure, and how many more
            there are.
        ConfigError: the options name a field or a speaker that does not exist.
    """
    return _importer(path, options).read()


def import_each(path: Path, options: ImportOptions) -> Iterator[ImportedRecord]:
    """The conversations of a file one after the other, what cannot be used among them; nothing of one ends the file.

    A conversation of which a line cannot be used cannot be used either. In the memory of one conversation, but a file
    with a record a line of talk (a table) is read whole.

    Raises:
        DataError: the file cannot be opened, is none that is known, or (not JSON lines) stops being readable.
        ConfigError: the options name a field or a speaker that does not exist.
    """
    return _importer(path, options).each(tolerant=True)


def _importer(path: Path, options: ImportOptions) -> _Importer:
    if unknown := [name for name in options.names if name not in FIELDS]:
        raise ConfigError(f"--map {unknown[0]}: no such field; there are {', '.join(FIELDS)}")
    speakers = _speakers(options.speakers, options.private)
    form = options.format or find_format(path, options.names, options.private)
    return _Importer(path, form, names_of(form, options.names), speakers, options)


def _speakers(named: Mapping[str, str], private: bool) -> dict[str, Speaker | None]:
    speakers = dict(SPEAKERS)
    for name, who in named.items():
        if who.casefold() not in SPEAKERS:
            shown = [quoted_privately(each) if private else each for each in (name, who)]
            raise ConfigError(f"--speaker {'='.join(shown)}: must be 客服, 客户 or {DROPPED}")
        speakers[name.casefold()] = SPEAKERS[who.casefold()]
    return speakers


class _Record(NamedTuple):
    """A conversation's place, topic and lines; or what is wrong with it or with a line of it."""

    where: str
    topic: Any = None
    lines: Sequence[TalkLine] = ()
    wrong: WrongRecord | None = None


class _Importer:
    """Reads one file; what is wrong is collected, so that one message can say how much there is."""

    def __init__(
        self,
        path: Path,
        form: Format,
        names: Mapping[str, tuple[str, ...]],
        speakers: Mapping[str, Speaker | None],
        options: ImportOptions,
    ) -> None:
        self.path, self.form, self.names, self.speakers, self.options = path, form, names, speakers, options
        self.lines = LineReader(names, speakers, options.private)
        self.counts: Counter[str] = Counter()
        self.strangers: Counter[str] = Counter()
        self.wrong: list[str] = []

    def each(self, tolerant: bool) -> Iterator[ImportedRecord]:
        """All of it, one after the other; unless ``tolerant`` a line that is no record ends it."""
        records = self._grouped(tolerant) if self.form is Format.ROWS else self._records(tolerant)
        for where, topic, lines, wrong in records:
            if wrong is not None:
                yield ImportedRecord(joined(where, wrong.place), None, str(wrong), wrong.kind)
            else:
                yield self._conversation(where, topic, lines)

    def read(self) -> Imported:
        """All of it at once."""
        found = []
        for record in self.each(tolerant=False):
            if record.conversation is not None:
                found.append(record.conversation)
            elif record.message and (record.kind != _STRANGER or self.options.skip_broken):
                self._note(f"{record.place}: {record.message}")
        if self.strangers and not self.options.skip_broken:
            listed = ", ".join(
                f"{name!r} ({count:,} lines)" for name, count in self.strangers.most_common(10)
            )
            self.wrong.insert(
                0,
                f"who is {listed}? Say it: --speaker {next(iter(self.strangers))}=客服, =客户 or ={DROPPED}",
            )
        if self.wrong and not self.options.skip_broken:
            more = f" ({len(self.wrong) - 1:,} more mistakes)" if len(self.wrong) > 1 else ""
            raise DataError(f"{self.path}: {self.wrong[0]}{more}")
        if not found:
            reason = f"; the first: {self.wrong[0]}" if self.wrong else ""
            raise DataError(f"{self.path}: no conversations in it{reason}")
        labelled = sum(c.labelled for c in found)
        if 0 < labelled < len(found):
            raise DataError(
                f"{self.path}: {len(found) - labelled:,} of {len(found):,} conversations have no strategies and the "
                "others have; label them, or pass --unlabelled, which drops the strategies that there are"
            )
        return Imported(tuple(found), self.form, self.counts)

    def _broken(self, where: str, record: BrokenRecord, tolerant: bool) -> WrongRecord:
        if not tolerant:
            raise DataError(f"{self.path}: {where}{record.within}: {record.message}")
        return WrongRecord("", record.message, record.kind)

    def _records(self, tolerant: bool) -> Iterator[_Record]:
        """The conversations of a file with one a record."""
        for where, record in each_record(self.path):
            try:
                if isinstance(record, BrokenRecord):
                    raise self._broken(where, record, tolerant)
                name, dialogue = self.lines.dialogue(record)
                lines = [self.lines.line(f"{name}[{i}]", item) for i, item in enumerate(dialogue)]
            except WrongRecord as error:
                yield _Record(where, wrong=error)
                continue
            topic = picked(record, self.names["source"]) if isinstance(record, Mapping) else None
            yield _Record(where, topic, lines)

    def _grouped(self, tolerant: bool) -> Iterator[_Record]:
        """The conversations of a file with one utterance a record, in the order of their first lines.

        Tolerant, a line that cannot be used spoils its conversation, and one that is no row at all those beside it,
        for nobody knows whose it was.
        """
        table = self.path.suffix.lower() in TABLE_SUFFIXES
        rows: Iterable[tuple[str, object]] = (
            each_row(self.path, self.options.encoding) if table else each_record(self.path)
        )
        groups: dict[str, list[TalkLine]] = {}
        places: dict[str, str] = {}
        topics: dict[str, Any] = {}
        spoilt: dict[str, WrongRecord] = {}
        before, lost = "", None
        for number, (where, row) in enumerate(rows):
            if number == 0 and isinstance(row, Mapping):
                self._require_columns(row, "column" if table else "field")
            try:
                if isinstance(row, BrokenRecord):
                    raise self._broken(where, row, tolerant)
                line = self.lines.line(where, row)
                key = str(found) if (found := picked(row, self.names["conversation"])) is not None else ""
                if not key.strip():
                    raise WrongRecord(where, "no conversation id; fill that cell on every line")
            except WrongRecord as error:
                found = picked(row, self.names["conversation"])
                if tolerant and found is not None and str(found).strip():
                    spoilt.setdefault(str(found), error)
                    places.setdefault(str(found), where)
                    groups.setdefault(str(found), [])
                else:
                    lost = error
                    spoilt.setdefault(before, error)
                    yield _Record("" if error.place else where, wrong=error)
                continue
            if lost is not None:
                spoilt.setdefault(key, lost)
                lost = None
            before = key
            places.setdefault(key, where if self.options.private else f"conversation {key}")
            groups.setdefault(key, []).append(line)
            topics[key] = topics.get(key) or picked(row, self.names["source"])
        for key, lines in groups.items():
            wrong = spoilt.get(key) if tolerant else None
            yield _Record(
                places[key], topics.get(key), lines, wrong and WrongRecord("", str(wrong), wrong.kind)
            )

    def _require_columns(self, row: Mapping[Any, Any], what: str) -> None:
        for needed in ("conversation", "speaker", "text"):
            if not any(name in row for name in self.names[needed]):
                raise DataError(
                    f"{self.path}: no {what} {' or '.join(self.names[needed][:3])} "
                    f"(there are: {self.lines.listed(row)}); say which it is: --map {needed}=NAME"
                )

    def _conversation(self, where: str, topic: Any, lines: Sequence[TalkLine]) -> ImportedRecord:
        kept: list[tuple[TalkLine, dict[str, Any]]] = []
        texts: list[list[str]] = []
        strange: list[str] = []
        for line in lines:
            if line.speaker.casefold() not in self.speakers:
                self.strangers[line.speaker] += 1
                strange.append(line.speaker)
                continue
            who = self.speakers[line.speaker.casefold()]
            if who is None:
                self.counts["lines of the system, left out"] += 1
                continue
            if not line.text.strip():
                self.counts["empty lines, left out"] += 1
                continue
            utterance = {"speaker": who.value, "text": line.text.strip(), "strategy": line.strategy or None}
            if self.options.unlabelled and utterance["strategy"]:
                self.counts["strategies, dropped"] += 1
                utterance["strategy"] = None
            if who is Speaker.CUSTOMER and utterance["strategy"]:
                self.counts["strategies of the customer, dropped"] += 1
                utterance["strategy"] = None
            if self.options.merge and kept and _mergeable(kept[-1][1], utterance):
                before = kept[-1][1]
                texts[-1].append(line.text.strip())
                before["strategy"] = before["strategy"] or utterance["strategy"]
                self.counts["lines, merged with the line before"] += 1
                continue
            kept.append((line, utterance))
            texts.append([line.text.strip()])
        if strange:
            who_is = f": who is {quoted_privately(strange[0])}? --speaker NAME=客服, =客户 or ={DROPPED}"
            message = "a speaker that is not known" + (who_is if self.options.private else "")
            return ImportedRecord(where, None, message, _STRANGER)
        if not kept:
            self.counts["conversations without a line, left out"] += 1
            return ImportedRecord(where, None, kind="no line of the two speakers")
        for (_, utterance), said in zip(kept, texts, strict=True):
            utterance["text"] = " ".join(said)
        record = {"dialogue": [u for _, u in kept], "source": str(topic or self.options.topic)}
        conversation, defects = check_record(record)
        if conversation is None:
            first = next(d for d in defects if d.fatal)
            place = self._place(where, first, [line for line, _ in kept])
            message = first.kind if self.options.private else first.message
            return ImportedRecord(place, None, message, first.kind)
        return ImportedRecord(where, conversation)

    def _place(self, where: str, defect: Defect, lines: Sequence[TalkLine]) -> str:
        """Where in the file the defect of a made record is."""
        match = re.match(r"dialogue\[(\d+)\](?:\.(\w+))?", defect.place)
        if match is None:
            return where
        line = lines[int(match[1])]
        place = line.where if self.form is Format.ROWS else joined(where, line.where)
        return f"{place}, {match[2]}" if match[2] else place

    def _note(self, wrong: str) -> None:
        self.wrong.append(wrong)
        if self.options.skip_broken:
            self.counts["conversations or lines that cannot be used, left out"] += 1


def _mergeable(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two consecutive utterances are of one speaker, and of one strategy where both have one."""
    labels = [read_strategy(u["strategy"]) or u["strategy"] for u in (before, after) if u["strategy"]]
    return bool(before["speaker"] == after["speaker"] and (len(labels) < 2 or labels[0] == labels[1]))

"""Conversations in other people's formats, made into those of the published schema, with nothing lost in silence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.data.conversations import Conversation, Defect, Speaker, check_record
from csc_tasks.data.files import raw_records
from csc_tasks.data.formats import DROPPED, FIELDS, FORMATS, SPEAKERS, Format
from csc_tasks.data.tables import TABLE_SUFFIXES, table_rows
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.labels import read_strategy

__all__ = ["ImportOptions", "Imported", "find_format", "import_file", "read_pairs"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a file.

    ``names`` has the field's name in the file by ours, ``speakers`` who a name is (``客服``, ``客户``, ``drop`` or
    another known name); ``merge`` makes consecutive lines of one speaker one utterance, ``unlabelled`` drops
    all strategies, ``skip_broken`` leaves out conversations that cannot be used; ``topic`` is that of conversations
    that say none.
    """

    format: Format | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, str] = field(default_factory=dict)
    merge: bool = False
    unlabelled: bool = False
    skip_broken: bool = False
    topic: str = ""
    encoding: str | None = None


class Imported(NamedTuple):
    """The conversations, what they were read as, and how often something was left out or changed, in words."""

    conversations: tuple[Conversation, ...]
    format: Format
    counts: Counter[str]


class _Line(NamedTuple):
    """One utterance as it stands in a file; ``where`` is its place within the record, or in a table its line."""

    where: str
    speaker: str
    text: str
    strategy: Any


class _Wrong(Exception):
    """A record that cannot be mapped: its place within, and what is wrong with it."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


def read_pairs(option: str, value: str) -> dict[str, str]:
    """``NAME=VALUE,…`` of a command line.

    Raises:
        ConfigError: a part has no ``=``.
    """
    pairs: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, equals, given = part.partition("=")
        if not (equals and name.strip() and given.strip()):
            raise ConfigError(f"{option} {part!r}: must be NAME=VALUE, several with commas")
        pairs[name.strip()] = given.strip()
    return pairs


def find_format(path: Path, named: Mapping[str, str]) -> Format:
    """What a file looks like, by its suffix and its first record, where some fields have been ``named``.

    Raises:
        DataError: it cannot be read, or its first record looks like nothing that is known.
    """
    if path.suffix.lower() in TABLE_SUFFIXES:
        return Format.ROWS
    first = next(iter(raw_records(path)), None)
    if first is None:
        raise DataError(f"{path}: no conversations in it")
    where, record = first
    if isinstance(record, list):
        return Format.TURNS
    if isinstance(record, Mapping):
        for form in (Format.CSCONV, Format.MESSAGES, Format.SHAREGPT):
            dialogue = _pick(record, FORMATS[form]["dialogue"])
            if isinstance(dialogue, list) and (not dialogue or _has(dialogue[0], FORMATS[form])):
                return form
        if isinstance(_pick(record, _names(Format.TURNS, named)["dialogue"]), list):
            return Format.TURNS
        if _has(record, _names(Format.ROWS, named)):
            return Format.ROWS
    raise DataError(f"{path}: {where}: {_unknown(record)}")


def _names(form: Format, named: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {**FORMATS[form], **{ours: (theirs,) for ours, theirs in named.items()}}


def _has(item: object, names: Mapping[str, Sequence[str]]) -> bool:
    return isinstance(item, Mapping) and all(
        _present(item, names[f]) is not None for f in ("speaker", "text")
    )


def _unknown(record: object) -> str:
    fields = ", ".join(map(str, list(record)[:12])) if isinstance(record, Mapping) else type(record).__name__
    return (
        f"no list of utterances and no utterance under a known name (there is: {fields}); say where they are: "
        "--map dialogue=NAME,speaker=NAME,text=NAME, for one utterance a record without dialogue"
    )


def import_file(path: Path, options: ImportOptions) -> Imported:
    """Read a file of whatever format.

    Raises:
        DataError: something in it cannot be mapped; the message names the first place, the cure, and how many more
            there are.
        ConfigError: the options name a field or a speaker that does not exist.
    """
    if unknown := [name for name in options.names if name not in FIELDS]:
        raise ConfigError(f"--map {unknown[0]}: no such field; there are {', '.join(FIELDS)}")
    form = options.format or find_format(path, options.names)
    return _Importer(path, form, _names(form, options.names), _speakers(options.speakers), options).read()


def _speakers(named: Mapping[str, str]) -> dict[str, Speaker | None]:
    speakers = dict(SPEAKERS)
    for name, who in named.items():
        if who.casefold() not in SPEAKERS:
            raise ConfigError(f"--speaker {name}={who}: must be 客服, 客户 or {DROPPED}")
        speakers[name.casefold()] = SPEAKERS[who.casefold()]
    return speakers


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
        self.counts: Counter[str] = Counter()
        self.strangers: Counter[str] = Counter()
        self.wrong: list[str] = []

    def read(self) -> Imported:
        """All of it."""
        found = [
            c for where, topic, lines in self._records() if (c := self._conversation(where, topic, lines))
        ]
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

    def _records(self) -> Iterator[tuple[str, Any, Sequence[_Line]]]:
        """Each conversation's place, topic and lines."""
        if self.form is Format.ROWS:
            yield from self._grouped()
            return
        for where, record in raw_records(self.path):
            try:
                name, dialogue = self._dialogue(record)
                lines = [self._line(f"{name}[{i}]", item) for i, item in enumerate(dialogue)]
            except _Wrong as error:
                self._note(f"{_joined(where, error.place)}: {error}")
                continue
            yield where, _pick(record, self.names["source"]) if isinstance(record, Mapping) else None, lines

    def _grouped(self) -> Iterator[tuple[str, Any, Sequence[_Line]]]:
        """The conversations of a file with one utterance a record, in the order of their first lines."""
        table = self.path.suffix.lower() in TABLE_SUFFIXES
        rows: Iterable[tuple[str, object]] = (
            table_rows(self.path, self.options.encoding) if table else raw_records(self.path)
        )
        groups: dict[str, list[_Line]] = {}
        topics: dict[str, Any] = {}
        for number, (where, row) in enumerate(rows):
            if number == 0 and isinstance(row, Mapping):
                for needed in ("conversation", "speaker", "text"):
                    if not any(name in row for name in self.names[needed]):
                        raise DataError(
                            f"{self.path}: no {'column' if table else 'field'} {' or '.join(self.names[needed][:3])} "
                            f"(there are: {', '.join(map(str, row))}); say which it is: --map {needed}=NAME"
                        )
            try:
                line = self._line(where, row)
                key = _pick(row, self.names["conversation"]) if isinstance(row, Mapping) else None
                if key is None or not str(key).strip():
                    raise _Wrong(where, "no conversation id; fill that cell on every line")
            except _Wrong as error:
                self._note(f"{error.place}: {error}")
                continue
            groups.setdefault(str(key), []).append(line)
            topics[str(key)] = topics.get(str(key)) or _pick(row, self.names["source"])
        for key, lines in groups.items():
            yield f"conversation {key}", topics[key], lines

    def _dialogue(self, record: object) -> tuple[str, Sequence[Any]]:
        if isinstance(record, list):
            return "", record
        if not isinstance(record, Mapping):
            raise _Wrong("", f"a conversation must be an object or a list, not {record!r:.60}")
        for name in self.names["dialogue"]:
            if isinstance(record.get(name), list):
                return name, record[name]
        raise _Wrong("", _unknown(record))

    def _line(self, where: str, item: object) -> _Line:
        """One utterance: an object with its parts, ``{"agent": "…"}``, or a text that begins with its speaker."""
        if isinstance(item, str):
            match = re.match(r"([^:：]{1,20})[:：](.*)", item, re.DOTALL)
            if match is None:
                raise _Wrong(where, f"an utterance that does not say who speaks: {item!r:.60}")
            return _Line(where, match[1].strip(), match[2].strip(), None)
        if not isinstance(item, Mapping):
            raise _Wrong(where, f"an utterance must be an object or a text, not {item!r:.60}")
        strategy = _pick(item, self.names["strategy"])
        speaker, text = (_present(item, self.names[name]) for name in ("speaker", "text"))
        if speaker is None or text is None:
            spoken = [key for key in item if str(key).casefold() in self.speakers]
            if len(spoken) != 1:
                lacking = "speaker" if speaker is None else "text"
                raise _Wrong(
                    where,
                    f"no {lacking} (there are: {', '.join(map(str, item))}); say which it is: --map {lacking}=NAME",
                )
            return _Line(f"{where}.{spoken[0]}", str(spoken[0]), _text(where, item[spoken[0]]), strategy)
        return _Line(where, str(item[speaker]).strip(), _text(f"{where}.{text}", item[text]), strategy)

    def _conversation(self, where: str, topic: Any, lines: Sequence[_Line]) -> Conversation | None:
        kept: list[tuple[_Line, dict[str, Any]]] = []
        texts: list[list[str]] = []
        strange = False
        for line in lines:
            if line.speaker.casefold() not in self.speakers:
                self.strangers[line.speaker] += 1
                strange = True
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
            if self.options.skip_broken:
                self._note(f"{where}: a speaker that is not known")
            return None
        if not kept:
            self.counts["conversations without a line, left out"] += 1
            return None
        for (_, utterance), said in zip(kept, texts, strict=True):
            utterance["text"] = " ".join(said)
        record = {"dialogue": [u for _, u in kept], "source": str(topic or self.options.topic)}
        conversation, defects = check_record(record)
        if conversation is None:
            first = next(d for d in defects if d.fatal)
            self._note(f"{self._place(where, first, [line for line, _ in kept])}: {first.message}")
        return conversation

    def _place(self, where: str, defect: Defect, lines: Sequence[_Line]) -> str:
        """Where in the file the defect of a made record is."""
        match = re.match(r"dialogue\[(\d+)\](?:\.(\w+))?", defect.place)
        if match is None:
            return where
        line = lines[int(match[1])]
        place = line.where if self.form is Format.ROWS else _joined(where, line.where)
        return f"{place}, {match[2]}" if match[2] else place

    def _note(self, wrong: str) -> None:
        self.wrong.append(wrong)
        if self.options.skip_broken:
            self.counts["conversations or lines that cannot be used, left out"] += 1


def _mergeable(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two consecutive utterances are of one speaker, and of one strategy where both have one."""
    labels = [read_strategy(u["strategy"]) or u["strategy"] for u in (before, after) if u["strategy"]]
    return bool(before["speaker"] == after["speaker"] and (len(labels) < 2 or labels[0] == labels[1]))


def _text(where: str, value: object) -> str:
    """The text of an utterance: a string, nothing, or the text parts of a message."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(
        isinstance(p, Mapping) and isinstance(p.get("text"), str) for p in value
    ):
        return "".join(part["text"] for part in value)
    raise _Wrong(where, f"the text must be a text, not {value!r:.60}")


def _present(item: Mapping[Any, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in item), None)


def _pick(item: object, names: Sequence[str]) -> Any:
    """The value under the first of these names that is there."""
    if not isinstance(item, Mapping):
        return None
    name = _present(item, names)
    return None if name is None else item[name]


def _joined(where: str, place: str) -> str:
    if not place:
        return where
    return where + place if place.startswith("[") else f"{where}.{place}"

"""One utterance of other people's formats: who speaks, what, under which names; and what may be quoted of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from csc_tasks.data.formats import FIELDS, FORMATS, SPEAKERS

__all__ = ["LineReader", "TalkLine", "WrongRecord", "joined", "picked", "present", "quoted_privately"]

_KNOWN = frozenset(
    [*FIELDS, *SPEAKERS, *(name for form in FORMATS.values() for names in form.values() for name in names)]
)


class TalkLine(NamedTuple):
    """One utterance as it stands in a file; ``where`` is its place within the record, or in a table its line."""

    where: str
    speaker: str
    text: str
    strategy: Any


class WrongRecord(Exception):
    """A record that cannot be mapped: its place within, what is wrong with it, and that in few words (``kind``)."""

    def __init__(self, place: str, message: str, kind: str = "not a conversation") -> None:
        super().__init__(message)
        self.place, self.kind = place, kind


def quoted_privately(value: object) -> str:
    """A value that may be anybody's name: its first character and its length, whole where it is one of our words."""
    text = str(value)
    if text.casefold() in _KNOWN:
        return text
    return f"{text[:1]}… ({len(text)} characters)" if isinstance(value, str) else type(value).__name__


class LineReader:
    """Finds the utterances of a record, and in each who speaks and what.

    Args:
        names: for each field the names under which it may stand.
        speakers: the names that say who speaks, in lower case.
        private: quote nothing of the file's content in a message.
    """

    def __init__(self, names: Mapping[str, Sequence[str]], speakers: Collection[str], private: bool) -> None:
        self._names, self._speakers, self._private = names, speakers, private

    def dialogue(self, record: object) -> tuple[str, Sequence[Any]]:
        """The list of a record's utterances, and its name.

        Raises:
            WrongRecord: there is none.
        """
        if isinstance(record, list):
            return "", record
        if not isinstance(record, Mapping):
            raise WrongRecord("", f"a conversation must be an object or a list, not {self._value(record)}")
        for name in self._names["dialogue"]:
            if isinstance(record.get(name), list):
                return name, record[name]
        raise WrongRecord("", self.unknown(record))

    def unknown(self, record: object) -> str:
        """That a record has no utterances under a known name, and the cure."""
        fields = self.listed(list(record)[:12]) if isinstance(record, Mapping) else type(record).__name__
        return (
            f"no list of utterances and no utterance under a known name (there is: {fields}); say where they are: "
            "--map dialogue=NAME,speaker=NAME,text=NAME, for one utterance a record without dialogue"
        )

    def listed(self, names: Collection[object]) -> str:
        """Names of fields, for a message."""
        return ", ".join(quoted_privately(name) if self._private else str(name) for name in names)

    def line(self, where: str, item: object) -> TalkLine:
        """One utterance: an object with its parts, ``{"agent": "…"}``, or a text that begins with its speaker.

        Raises:
            WrongRecord: it is none of these.
        """
        if isinstance(item, str):
            match = re.match(r"([^:：]{1,20})[:：](.*)", item, re.DOTALL)
            if match is None:
                raise WrongRecord(where, f"an utterance that does not say who speaks: {self._value(item)}")
            return TalkLine(where, match[1].strip(), match[2].strip(), None)
        if not isinstance(item, Mapping):
            raise WrongRecord(where, f"an utterance must be an object or a text, not {self._value(item)}")
        strategy = picked(item, self._names["strategy"])
        speaker, text = (present(item, self._names[name]) for name in ("speaker", "text"))
        if speaker is None or text is None:
            spoken = [key for key in item if str(key).casefold() in self._speakers]
            if len(spoken) != 1:
                lacking = "speaker" if speaker is None else "text"
                raise WrongRecord(
                    where,
                    f"no {lacking} (there are: {self.listed(item)}); say which it is: --map {lacking}=NAME",
                )
            return TalkLine(
                f"{where}.{spoken[0]}", str(spoken[0]), self._text(where, item[spoken[0]]), strategy
            )
        return TalkLine(
            where, str(item[speaker]).strip(), self._text(f"{where}.{text}", item[text]), strategy
        )

    def _text(self, where: str, value: object) -> str:
        """The text of an utterance: a string, nothing, or the text parts of a message."""
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, list) and all(
            isinstance(p, Mapping) and isinstance(p.get("text"), str) for p in value
        ):
            return "".join(part["text"] for part in value)
        raise WrongRecord(where, f"the text must be a text, not {self._value(value)}")

    def _value(self, value: object) -> str:
        return quoted_privately(value) if self._private else f"{value!r:.60}"


def present(item: Mapping[Any, Any], names: Sequence[str]) -> str | None:
    """The first of these names that is there."""
    return next((name for name in names if name in item), None)


def picked(item: object, names: Sequence[str]) -> Any:
    """The value under the first of these names that is there."""
    if not isinstance(item, Mapping):
        return None
    name = present(item, names)
    return None if name is None else item[name]


def joined(where: str, place: str) -> str:
    """The place of something within a record."""
    if not place:
        return where
    return where + place if place.startswith("[") else f"{where}.{place}"

"""Conversations as typed objects, and the check that turns a raw record into one.

The raw record is the upstream schema::

    {"dialogue": [{"speaker": "客服", "strategy": "策略1 礼貌问候", "text": "…"},
                  {"speaker": "客户", "text": "…"}],
     "source": "产品咨询"}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from csc_tasks.framework import Strategy
from csc_tasks.labels import read_strategy

__all__ = [
    "MAX_UTTERANCE",
    "MISSING_STRATEGY",
    "Checked",
    "Conversation",
    "Defect",
    "Speaker",
    "Utterance",
    "check_record",
]

MISSING_STRATEGY = (
    "no strategy, and other 客服 utterances of the file have one; label it, or drop all labels with "
    "`csconv data convert FILE NEW.json --unlabelled`"
)
CONVERT = "; `csconv data convert FILE NEW.json` reads other formats"
MAX_UTTERANCE = 500
"""Longest utterance that the upstream construction rules allow, in characters."""


class Speaker(Enum):
    """Who says an utterance; the value is the name in the files and in the prompts."""

    SUPPORTER = "客服"
    CUSTOMER = "客户"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance; ``strategy`` is set for the supporter's utterances alone, and only where they are labelled."""

    speaker: Speaker
    strategy: Strategy | None
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation. ``id`` is derived from the content, so it survives reordering and conversion."""

    id: str
    topic: str
    utterances: tuple[Utterance, ...]

    @classmethod
    def of(cls, topic: str, utterances: Iterable[Utterance]) -> Conversation:
        """Build a conversation and derive its id: 16 hex digits of the content's SHA-256."""
        utterances = tuple(utterances)
        content = json.dumps(
            [topic, *([u.speaker.value, u.strategy.number if u.strategy else 0, u.text] for u in utterances)],
            separators=(",", ":"),
        )
        return cls(hashlib.sha256(content.encode()).hexdigest()[:16], topic, utterances)

    @property
    def labelled(self) -> bool:
        """Whether each of the supporter's utterances has a strategy; a file's conversations all have, or none."""
        return all(u.strategy is not None for u in self.utterances if u.speaker is Speaker.SUPPORTER)

    @property
    def supporter_turns(self) -> tuple[int, ...]:
        """Positions in ``utterances`` of the supporter's utterances: the turns to predict."""
        return tuple(i for i, u in enumerate(self.utterances) if u.speaker is Speaker.SUPPORTER)

    def record(self) -> dict[str, Any]:
        """The conversation in the upstream schema."""
        return {
            "dialogue": [
                {
                    "speaker": u.speaker.value,
                    **({"strategy": f"策略{u.strategy.number} {u.strategy.zh}"} if u.strategy else {}),
                    "text": u.text,
                }
                for u in self.utterances
            ],
            "source": self.topic,
        }


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing wrong with a record. ``place`` is a path within it, like ``dialogue[3].strategy``.

    ``value`` is what stands there, where the same mistake can be made with another value: defects of one kind and
    value are one mistake, made often. A fatal defect keeps the file from being used; the others break a
    construction rule only.
    """

    place: str
    kind: str
    message: str
    fatal: bool = True
    value: str = ""


class Checked(NamedTuple):
    """What :func:`check_record` found: a conversation if nothing fatal, and every defect."""

    conversation: Conversation | None
    defects: list[Defect]


def _shown(value: object, limit: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    # A lone surrogate in the text would make the message itself unprintable.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _check_utterance(raw: object, place: str, defects: list[Defect], labelled: bool) -> Utterance | None:
    if not isinstance(raw, Mapping):
        defects.append(Defect(place, "not-an-object", f"an utterance must be an object, not {_shown(raw)}"))
        return None
    before = len(defects)
    speaker = None
    try:
        speaker = Speaker(raw["speaker"])
    except KeyError:
        defects.append(Defect(f"{place}.speaker", "missing-field", "the field 'speaker' is missing"))
    except ValueError:
        defects.append(
            Defect(
                f"{place}.speaker",
                "wrong-speaker",
                f"speaker must be 客服 or 客户, not {_shown(raw['speaker'])}",
                value=_shown(raw["speaker"]),
            )
        )
    text = raw.get("text")
    if "text" not in raw:
        defects.append(Defect(f"{place}.text", "missing-field", "the field 'text' is missing"))
    elif not isinstance(text, str):
        defects.append(Defect(f"{place}.text", "wrong-type", f"text must be a string, not {_shown(text)}"))
    elif not text.strip():
        defects.append(Defect(f"{place}.text", "empty-text", "text is empty"))
    else:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            defects.append(
                Defect(
                    f"{place}.text",
                    "lone-surrogate",
                    f"half a character (a lone surrogate) at offset {error.start}",
                )
            )
        if len(text) > MAX_UTTERANCE:
            defects.append(
                Defect(
                    f"{place}.text", "long-text", f"{len(text)} characters, over {MAX_UTTERANCE}", fatal=False
                )
            )
    label = raw.get("strategy")
    strategy = None
    if speaker is Speaker.SUPPORTER:
        if label is None or label == "":
            if labelled:
                defects.append(Defect(f"{place}.strategy", "missing-strategy", MISSING_STRATEGY))
        elif (strategy := read_strategy(label)) is None:
            defects.append(
                Defect(
                    f"{place}.strategy",
                    "unknown-strategy",
                    f"{_shown(label)} is none of the twelve strategies ({'、'.join(s.zh for s in Strategy)})",
                    value=_shown(label),
                )
            )
    elif speaker is Speaker.CUSTOMER and label:
        defects.append(
            Defect(
                f"{place}.strategy",
                "customer-strategy",
                f"a 客户 utterance has strategy {_shown(label)}",
                fatal=False,
                value=_shown(label),
            )
        )
    if speaker is None or not isinstance(text, str) or any(d.fatal for d in defects[before:]):
        return None
    return Utterance(speaker, strategy, text)


def check_record(record: object) -> Checked:
    """Check one raw record against the schema and the construction rules; never raises.

    Every defect is listed, not only the first. The conversation is returned only if none is fatal. None of its
    supporter's utterances has a strategy, or all must have one.
    """
    if not isinstance(record, Mapping):
        return Checked(
            None, [Defect("", "not-an-object", f"a conversation must be an object, not {_shown(record)}")]
        )
    defects: list[Defect] = []
    dialogue = record.get("dialogue")
    topic = record.get("source")
    if topic is None or topic == "":
        defects.append(Defect("source", "missing-topic", "no topic ('source')", fatal=False))
        topic = ""
    elif not isinstance(topic, str):
        defects.append(Defect("source", "wrong-type", f"source must be a string, not {_shown(topic)}"))
    if "dialogue" not in record:
        names = ", ".join(map(str, list(record)[:8])) or "none"
        defects.append(
            Defect("dialogue", "missing-field", f"the field 'dialogue' is missing (fields: {names}){CONVERT}")
        )
    elif not isinstance(dialogue, (list, tuple)):
        defects.append(Defect("dialogue", "wrong-type", f"dialogue must be a list, not {_shown(dialogue)}"))
    elif not dialogue:
        defects.append(Defect("dialogue", "empty-dialogue", "the dialogue has no utterances"))
    if any(d.fatal for d in defects):
        return Checked(None, defects)
    assert isinstance(dialogue, (list, tuple))
    assert isinstance(topic, str)
    labelled = any(
        isinstance(u, Mapping) and u.get("speaker") == "客服" and u.get("strategy") for u in dialogue
    )
    utterances = [_check_utterance(u, f"dialogue[{i}]", defects, labelled) for i, u in enumerate(dialogue)]
    speakers = [raw.get("speaker") if isinstance(raw, Mapping) else None for raw in dialogue]
    # With an unreadable speaker among them, nobody knows who is missing.
    if all(speaker in ("客服", "客户") for speaker in speakers) and len(set(speakers)) == 1:
        missing = "客户" if speakers[0] == "客服" else "客服"
        defects.append(Defect("dialogue", "one-sided", f"only {speakers[0]} speaks; {missing} never does"))
    defects.extend(
        Defect(
            f"dialogue[{i}].speaker", "not-alternating", f"{speakers[i]} speaks twice in a row", fatal=False
        )
        for i in range(1, len(speakers))
        if speakers[i] == speakers[i - 1] and speakers[i] in ("客服", "客户")
    )
    if any(d.fatal for d in defects):
        return Checked(None, defects)
    return Checked(Conversation.of(topic, (u for u in utterances if u is not None)), defects)

"""The review of conversations: what an expert is shown of each, on a page or in a sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csc_tasks.data.conversations import MAX_UTTERANCE, Conversation, check_record
from csc_tasks.data.files import read_file
from csc_tasks.data.sources import fingerprint
from csc_tasks.errors import DataError
from csc_tasks.human.page import Form, HumanPage, render_page
from csc_tasks.human.shares import Share, share_of
from csc_tasks.human.strategies import strategies_on_page
from csc_tasks.synthesis.construction import broken_rules
from csc_tasks.synthesis.output.provenance_file import read_provenance
from csc_tasks.synthesis.review.decisions import MAX_COMMENT, REVIEW_FORMAT, Reason

__all__ = ["LARGEST", "ReviewFile", "read_review_file", "review_page", "shown_conversations"]

LARGEST = 5_000
"""Conversations of a page; one of them has some 15 MB, which a phone still opens."""
_LONGEST = 20_000
"""Characters that are shown of a text that came with a conversation, such as the call that it was made of."""


_MARK = 100
"""Characters of a mark in words."""


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """A file that is reviewed.

    Attributes:
        path: of it.
        fingerprint: of its content.
        conversations: each once, in order.
        repeated: how many more of them stand in it a second time.
        provenance: the line of each that has one, by id.
    """

    path: Path
    fingerprint: str
    conversations: tuple[Conversation, ...]
    repeated: int
    provenance: Mapping[str, dict[str, Any]]


def read_review_file(path: Path) -> ReviewFile:
    """Read a file of conversations and the ``provenance.jsonl`` beside it, if there is one.

    Raises:
        DataError: it breaks the schema, or is empty.
    """
    report = read_file(path)
    once = {c.id: c for c in report.conversations}
    return ReviewFile(
        path,
        fingerprint(c.id for c in report.conversations),
        tuple(once.values()),
        len(report.conversations) - len(once),
        {key: line for key, line in read_provenance(path.parent).items() if key in once},
    )


def shown_conversations(file: ReviewFile, share: Share) -> list[Conversation]:
    """The conversations of a share, in the order of the file."""
    wanted = set(share_of([(c.id, c.topic) for c in file.conversations], share))
    return [c for c in file.conversations if c.id in wanted]


def review_page(file: ReviewFile, share: Share) -> bytes:
    """The page on which a share of a file is reviewed.

    Raises:
        DataError: it would be too large for a browser.
    """
    shown = shown_conversations(file, share)
    if len(shown) > LARGEST:
        raise DataError(
            f"{file.path}: {len(shown):,} conversations, and a page holds {LARGEST:,}: pass --sample N or --part I/N"
        )
    return render_page(
        HumanPage(
            Form("review", REVIEW_FORMAT),
            file.path.name,
            file.fingerprint,
            share,
            [_item(c, file.provenance.get(c.id, {})) for c in shown],
            {
                "strategies": strategies_on_page(),
                "reasons": [reason.value for reason in Reason],
                "longest": MAX_UTTERANCE,
                "comment": MAX_COMMENT,
            },
        )
    )


def _item(conversation: Conversation, line: Mapping[str, Any]) -> dict[str, Any]:
    told = line.get("provenance")
    told = {**line, **told} if isinstance(told, Mapping) else line
    return {
        "id": conversation.id,
        "topic": conversation.topic,
        "turns": [
            [u.speaker.value, u.strategy.number if u.strategy else 0, u.text] for u in conversation.utterances
        ],
        "about": dict(_about(told)),
        "marks": [
            *_marks(told.get("marks")),
            *_marks(told.get("flags")),
            *([f"invented {name}", count] for name, count in _marks(told.get("invented"))),
        ],
        "rules": [list(rule) for rule in _rules(conversation)],
    }


def _rules(conversation: Conversation) -> Iterator[tuple[str, int]]:
    """The name of each rule that is broken, and the number of the utterance that breaks it, 0 for the whole."""
    for defect in check_record(conversation.record()).defects:
        if not defect.fatal:
            index = defect.place.partition("[")[2].partition("]")[0]
            yield defect.kind, int(index) + 1 if index else 0
    for broken in broken_rules(conversation):
        yield broken.rule.name.lower(), 0 if broken.utterance is None else broken.utterance + 1


def _about(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is shown under which name; a call in one line is its id, not what was said in it."""
    for name in ("scenario", "goal", "profile", "ended", "call"):
        if text := _text(told.get(name))[:_LONGEST]:
            yield "call_id" if name == "call" and "\n" not in text else name, text


def _text(value: object) -> str:
    """A text, or a call as a list of utterances, as lines; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return "\n".join(filter(None, map(_line, value)))
    return ""


def _line(said: object) -> str:
    if isinstance(said, Mapping):
        return "：".join(str(said[name]) for name in ("speaker", "text") if isinstance(said.get(name), str))
    return said if isinstance(said, str) else ""


def _marks(value: object) -> list[list[Any]]:
    """Name and value of each mark that a machine gave: a number, a truth or a word; of a list its words."""
    if isinstance(value, Mapping):
        short = ((str(k), v[:_MARK] if isinstance(v, str) else v) for k, v in value.items())
        return [[k, v] for k, v in short if isinstance(v, (str, int, float))]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [[str(each), True] for each in value if isinstance(each, str)]
    return []

"""A file to review and what reviewers export of it, for the tests of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.data.files import read_file, write_conversations
from csc_tasks.data.shipped import mini_file
from csc_tasks.data.sources import fingerprint
from csc_tasks.synthesis.review.decisions import REVIEW_FORMAT

HOSTILE = "</script><img src=x onerror=alert('evil')>\u202egnp.exe\u202c{{data}}"


def conversations(count: int = 4) -> list[Conversation]:
    """Some of the mini set; the first has a hostile text, and a customer who answers a number."""
    first, *others = read_file(mini_file()).conversations[:count]
    said = list(first.utterances)
    said[1] = Utterance(Speaker.CUSTOMER, None, HOSTILE)
    said[3] = Utterance(Speaker.CUSTOMER, None, "6222020200112233445")
    return [Conversation.of(first.topic, said), *others]


def review_folder(folder: Path, count: int = 4, provenance: bool = False) -> Path:
    """A file of these in a folder, and their provenance beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    talks = conversations(count)
    write_conversations(folder / "talks.json", talks)
    if provenance:
        lines = [
            {
                "id": c.id,
                "scenario": f"场景 {HOSTILE}",
                "goal": "目的",
                "marks": {"natural": True, "varied": False},
            }
            for c in talks[:-1]
        ]
        (folder / "provenance.jsonl").write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
        )
    return folder / "talks.json"


def exported(path: Path, person: str, answers: dict[int, dict[str, Any]], **other: Any) -> Path:
    """Write what the page exports, with the answers by the conversation's place; ``other`` replaces parts of it."""
    talks = conversations()
    ids = [c.id for c in talks]
    content = {
        "format": REVIEW_FORMAT,
        "file": "talks.json",
        "fingerprint": fingerprint(ids),
        "person": person,
        "exported": "2026-11-27T20:00:00Z",
        "share": {"sample": None, "seed": 0, "part": 1, "parts": 1, "overlap": 0},
        "shown": ids,
        "items": {ids[at]: answer for at, answer in answers.items()},
    }
    path.write_text(json.dumps(content | other, ensure_ascii=False), encoding="utf-8")
    return path

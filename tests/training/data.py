"""Training data as tests make and read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.framework import Strategy
from tests.door import Done, csconv

TRAINING = load("mini", Split.TRAINING)
EVALUATION = load("mini")
A, B = Speaker.SUPPORTER, Speaker.CUSTOMER
GREET, ADVISE, OTHER = (
    Strategy.from_name("礼貌问候"),
    Strategy.from_name("提供建议"),
    Strategy.from_name("其它"),
)


def said(*spoken: tuple[Strategy | None, str], topic: str = "产品咨询") -> Conversation:
    """A conversation: the supporter's utterances have a strategy, the customer's ``None``."""
    utterances = (Utterance(A if strategy else B, strategy, text) for strategy, text in spoken)
    return Conversation.of(topic, utterances)


def many(count: int, topics: Sequence[str] = ("产品咨询", "其他")) -> list[Conversation]:
    """Short conversations, no two alike."""
    return [
        said((None, f"我要办第{n}号业务。"), (ADVISE, f"请到第{n}号窗口。"), topic=topics[n % len(topics)])
        for n in range(count)
    ]


def file_of(path: Path, conversations: Sequence[Conversation]) -> Path:
    """A file of conversations."""
    write_conversations(path, conversations)
    return path


def train_data(*arguments: str | Path) -> Done:
    """``csconv train-data``, which must do it."""
    done = csconv("train-data", *arguments)
    assert done.code == 0, done.err
    return done


def lines_of(folder: Path, name: str = "train.jsonl") -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]


def card_of(folder: Path) -> dict[str, Any]:
    """The card for machines."""
    card: dict[str, Any] = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    return card


def answers_of(record: dict[str, Any]) -> list[str]:
    """What the model is to say in a record of any format."""
    if "completion" in record:
        return [record["completion"][0]["content"]]
    if "conversations" in record:
        return [m["value"] for m in record["conversations"] if m["from"] == "gpt"]
    return [m["content"] for m in record["messages"] if m["role"] == "assistant"]

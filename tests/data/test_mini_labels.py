"""The labels of the shipped conversations: what two passes gave, and what became of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split

ROOT = Path(__file__).parents[2]
PASSES = json.loads((ROOT / "tests" / "fixtures" / "mini_labels.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("split", Split)
def test_a_shipped_label_is_what_both_passes_gave_or_one_of_the_two(split: Split) -> None:
    conversations = load("mini", split).conversations
    assert [c.id for c in conversations] == list(PASSES[split.value])
    for conversation in conversations:
        shipped = [u.strategy.number for u in conversation.utterances if u.strategy]
        first, second = PASSES[split.value][conversation.id]
        for turn, (label, *given) in enumerate(zip(shipped, first, second, strict=True)):
            assert label in given, (conversation.id, turn)


def test_the_agreement_in_the_docs_is_that_of_the_passes() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "tools" / "mini_agreement.py"], check=True, capture_output=True, text=True
    ).stdout
    assert printed.strip() in (ROOT / "docs" / "data.md").read_text(encoding="utf-8")

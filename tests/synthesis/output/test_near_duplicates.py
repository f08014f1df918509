"""Near-duplicates: edited copies are found, different conversations never, and the later one is left out."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from opencc import OpenCC

from csc_tasks.data.conversations import Conversation
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.errors import ConfigError
from csc_tasks.synthesis.output.near_duplicates import JACCARD, near_duplicates
from csc_tasks.synthesis.output.shingles import Shingles, shingles_of
from tests.synthesis.talks import said, talk

MINI = [conversation for split in Split for conversation in load("mini", split).conversations]
_TRADITIONAL = OpenCC("s2t")
Edit = Callable[[str, random.Random], str]


def edited(conversation: Conversation, edit: Edit, seed: int) -> Conversation:
    """A copy with other texts; an utterance whose text becomes empty is left out."""
    chance = random.Random(seed)
    new = [(u, edit(u.text, chance)) for u in conversation.utterances]
    kept = [type(u)(u.speaker, u.strategy, text) for u, text in new if text]
    return Conversation.of(conversation.topic, kept)


def other_name(text: str, chance: random.Random) -> str:
    return text.replace("[姓名]", chance.choice("王李张刘") + "先生")


def other_marks(text: str, chance: random.Random) -> str:
    return "".join(chance.choice(",.!?; …") if c in "，。！？；" else c for c in text)


def other_width(text: str, _: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def other_characters(text: str, chance: random.Random) -> str:
    return "".join(chance.choice("的一是了") if chance.random() < 0.03 else c for c in text)


EDITS: dict[str, Edit] = {
    "as it is": lambda text, _: text,
    "names": other_name,
    "punctuation": other_marks,
    "width": other_width,
    "traditional": lambda text, _: _TRADITIONAL.convert(text),
    "in capitals": lambda text, _: text.upper(),
    "three characters in a hundred": other_characters,
    "three in ten utterances left out": lambda text, chance: text if chance.random() > 0.3 else "",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_copy_is_left_out_and_named_after_what_it_copies(tmp_path: Path, edit: str) -> None:
    with near_duplicates(tmp_path) as kept:
        for number, conversation in enumerate(MINI[:28]):
            assert kept.find(f"case {number}", shingles_of(conversation)) is None
        for number, conversation in enumerate(MINI[:28]):
            twin = kept.find("copy", shingles_of(edited(conversation, EDITS[edit], number)))
            assert twin
            assert twin.case == f"case {number}"
            assert JACCARD <= twin.jaccard <= 1


def test_utterances_in_another_order_are_the_same_conversation(tmp_path: Path) -> None:
    with near_duplicates(tmp_path) as kept:
        assert kept.find("a", shingles_of(MINI[0])) is None
        shuffled = random.Random(1).sample(MINI[0].utterances, k=len(MINI[0].utterances))
        twin = kept.find("b", shingles_of(Conversation.of("", shuffled)))
        assert twin == ("a", 1.0)


def test_different_conversations_are_all_kept(tmp_path: Path) -> None:
    with near_duplicates(tmp_path) as kept:
        assert [kept.find(str(n), shingles_of(c)) for n, c in enumerate(MINI)] == [None] * 56


def test_what_was_left_out_leaves_nothing_else_out(tmp_path: Path) -> None:
    """B is half of A and half of C, which have nothing in common: A and C stay."""
    a, c = talk(1).utterances, talk(2).utterances
    b = [*a[:7], *c[:7]]
    with near_duplicates(tmp_path) as kept:
        assert kept.find("a", shingles_of(Conversation.of("", a))) is None
        for _ in range(2):
            twin = kept.find("b", shingles_of(Conversation.of("", b)))
            assert twin
            assert twin.case == "a"
        assert kept.find("c", shingles_of(Conversation.of("", c))) is None


def pair(shared: int, own: int, chance: np.random.Generator) -> tuple[Shingles, Shingles]:
    """Two conversations that share so many sequences and have so many of their own."""
    hashes = chance.integers(0, 2**64, size=shared + 2 * own, dtype=np.uint64)
    zeros = np.zeros(shared + own, dtype=np.int64)
    return Shingles(hashes[: shared + own], zeros), Shingles(
        np.delete(hashes, slice(shared, shared + own)), zeros
    )


@pytest.mark.parametrize(("shared", "found"), [(400, True), (399, False)])
def test_at_the_threshold_nearly_all_are_found_and_just_under_it_none(
    tmp_path: Path, shared: int, found: bool
) -> None:
    chance = np.random.default_rng(1)
    with near_duplicates(tmp_path) as kept:
        hits = 0
        for number in range(300):
            one, other = pair(shared, 300, chance)  # 400 of 1,000
            assert kept.find(f"one {number}", one) is None
            twin = kept.find(f"other {number}", other)
            hits += twin is not None and twin.case == f"one {number}"
    assert hits >= 295 if found else hits == 0


def test_a_conversation_without_a_letter_is_like_no_other(tmp_path: Path) -> None:
    with near_duplicates(tmp_path) as kept:
        for case in "ab":
            assert kept.find(case, shingles_of(said("……", "？！"))) is None


def test_what_lies_on_the_disk_is_gone_afterwards(tmp_path: Path) -> None:
    with near_duplicates(tmp_path) as kept:
        kept.find("a", shingles_of(MINI[0]))
    assert list(tmp_path.iterdir()) == []


def test_without_datasketch_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    said_so = pytest.raises(ConfigError, match=r"near-duplicates needs datasketch: .*\[synthesis\]")
    with said_so, near_duplicates(tmp_path):
        pass

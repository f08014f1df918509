"""Overlap with evaluation data: copies, halves and passages are found, other conversations are not, gaps are told."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from csc_tasks.data import sources
from csc_tasks.data.conversations import Conversation
from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import Corpus, load
from csc_tasks.data.splits import Split
from csc_tasks.errors import DataError, SourceError
from csc_tasks.synthesis.output.overlap import CONTAINED, EvaluationData, Overlap, evaluation_data
from csc_tasks.synthesis.output.shingles import shingles_of
from tests.synthesis.output.test_near_duplicates import EDITS, edited
from tests.synthesis.talks import ORDER, said, talk

MINI = load("mini").conversations


@cache
def index() -> Overlap:
    """Of the mini set."""
    return Overlap(evaluation_data())


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is fetched unasked, and this machine has nothing but what a test gives it."""

    def fetch(split: Split) -> Path:
        raise AssertionError(f"fetched {split}")

    monkeypatch.setattr(sources, "_download", fetch)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CSCONV_DATA", raising=False)


def among(*conversations: Conversation) -> Overlap:
    """An index of these alone."""
    return Overlap(EvaluationData((("mine", Corpus("mine", Path("a.json"), "", conversations)),), (), None))


def halves(one: Conversation, other: Conversation) -> Conversation:
    """The first half of one, the second of the other."""
    parts = one.utterances[: len(one.utterances) // 2], other.utterances[len(other.utterances) // 2 :]
    return Conversation.of(one.topic, [*parts[0], *parts[1]])


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_copy_overlaps_with_what_it_copies(edit: str) -> None:
    for number, conversation in enumerate(MINI):
        shared = index().find(shingles_of(edited(conversation, EDITS[edit], number)))
        assert shared
        assert (shared.source, shared.conversation) == ("csconv_mini", conversation.id)


def test_both_halves_of_the_mini_set_are_compared_with() -> None:
    assert {name: len(corpus.conversations) for name, corpus in evaluation_data().corpora} == {
        "csconv_mini": 32,
        "csconv_mini (training half)": 24,
    }
    for conversation in load("mini", Split.TRAINING).conversations:
        shared = index().find(shingles_of(conversation))
        assert shared
        assert (shared.conversation, shared.jaccard) == (conversation.id, 1.0)


def test_a_copied_half_overlaps_whatever_follows() -> None:
    for number, conversation in enumerate(MINI):
        shared = index().find(shingles_of(halves(conversation, talk(number))))
        assert shared
        assert shared.conversation == conversation.id
        assert shared.contained > 0.4


@pytest.mark.parametrize(("copied", "found"), [(2, False), (3, True), (5, True), (10, True)])
def test_three_in_ten_utterances_copied_overlap_and_two_do_not(copied: int, found: bool) -> None:
    """Each is too short for a passage."""
    mine = Conversation.of("", [*talk(1).utterances[:copied], *talk(2).utterances[copied:]])
    assert (among(talk(1)).find(shingles_of(mine)) is not None) is found


def test_one_of_them_overlaps_with_no_other() -> None:
    for number, conversation in enumerate(MINI[:6]):
        assert among(*MINI[:number], *MINI[number + 1 :]).find(shingles_of(conversation)) is None


@pytest.mark.parametrize(("letters", "found"), [(39, 0), (40, 40), (60, 60)])
def test_a_long_passage_overlaps_and_a_phrase_does_not(letters: int, found: int) -> None:
    passage = "".join(u.text for u in talk(1).utterances[:4]).replace("。", "")[:letters]
    long = [u.text for n in (2, 3) for u in talk(n).utterances]
    theirs = said("您好，" + passage, *long[1:], strategies=ORDER * 2)
    mine = said("好的，" + passage[:30] + "，" + passage[30:], *(u.text for u in talk(4).utterances[1:]))
    shared = among(talk(5), theirs).find(shingles_of(mine))
    assert (shared.passage if shared else 0) == found
    assert not shared or (shared.conversation == theirs.id and shared.contained < CONTAINED)


def test_what_two_utterances_have_in_common_is_no_passage() -> None:
    passage = "".join(u.text for u in talk(1).utterances).replace("。", "")
    first, second = passage[:30], passage[30:60]
    long = [u.text for n in (2, 3) for u in talk(n).utterances]
    theirs = said(first + "甲", second, *long[2:], strategies=ORDER * 2)
    mine = said(first, second, *(u.text for n in (4, 5) for u in talk(n).utterances), strategies=ORDER * 3)
    assert among(theirs).find(shingles_of(mine)) is None


def test_a_row_of_one_character_is_no_passage() -> None:
    assert (
        among(said("哈" * 200, "好")).find(shingles_of(said("哈" * 200, talk(1).utterances[0].text))) is None
    )


def test_a_call_of_a_few_words_is_no_copy_of_a_part() -> None:
    """All of it stands in the other, as it stands in any call."""
    long = said("您好，请问有什么可以帮您？", *(u.text for u in talk(1).utterances[1:]))
    assert among(long).find(shingles_of(said("您好，请问有什么可以帮您？", "没有了"))) is None
    assert among(long).find(shingles_of(said("……", "？"))) is None


def test_that_csconv_was_not_checked_is_told() -> None:
    data = evaluation_data()
    assert data.csconv is None
    assert len(data.unchecked) == 1
    assert "CSConv itself: it is not on this machine" in data.unchecked[0]


def test_a_file_that_is_named_is_compared_with_and_csconv_s_is_known_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.json"
    write_conversations(path, [talk(1), talk(2)])
    data = evaluation_data([str(path)])
    shared = Overlap(data).find(shingles_of(talk(2)))
    assert shared
    assert (shared.source, shared.conversation) == ("own.json", talk(2).id)
    assert data.unchecked
    for name, count in (("CONVERSATIONS", 2), ("UTTERANCES", 20), ("TURNS", 10)):
        monkeypatch.setattr(sources, f"FULL_{name}", count)
    assert evaluation_data([str(path)]).unchecked == ()
    found = evaluation_data([str(path)]).csconv
    assert found
    assert found.conversations == (talk(1), talk(2))


def test_two_files_of_one_name_are_both_compared_with_and_no_path_is_named(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        write_conversations(tmp_path / str(number) / "own.json", [talk(number)])
    named = [name for name, _ in evaluation_data([str(tmp_path / n / "own.json") for n in "12"]).corpora]
    assert named[2:] == ["own.json", "own.json (3)"]


def test_the_data_that_this_machine_evaluates_on_is_compared_with_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_conversations(tmp_path / "own.json", [talk(1)])
    monkeypatch.setenv("CSCONV_DATA", str(tmp_path / "own.json"))
    assert [name for name, _ in evaluation_data().corpora][-1] == "own.json"
    (tmp_path / "own.json").write_text("{")
    assert evaluation_data().unchecked[1] == "own.json, which this machine evaluates on: it cannot be read"
    monkeypatch.setenv("CSCONV_DATA", str(tmp_path / "gone" / "CSConv.json"))
    assert str(tmp_path) not in "".join(evaluation_data().unchecked)


def test_what_is_named_and_cannot_be_had_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^--against CSConv: "):
        evaluation_data(["CSConv"])
    with pytest.raises(DataError, match=r"^--against .*none\.json: .*no such file"):
        evaluation_data([str(tmp_path / "none.json")])

"""`csconv train-data`: what goes into which file, which source is refused, and what happens to files that are there."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from csc_tasks.data.splits import Split
from csc_tasks.errors import DataError
from csc_tasks.training.data_card import read_card
from csc_tasks.training.data_format import DataFormat
from csc_tasks.training.data_options import TrainDataOptions
from csc_tasks.training.write import write_training_data
from tests.door import csconv
from tests.training.data import (
    ADVISE,
    EVALUATION,
    TRAINING,
    answers_of,
    card_of,
    file_of,
    lines_of,
    many,
    said,
    train_data,
)


def parts(out: Path) -> tuple[set[str], set[str]]:
    """The conversations of the two files."""
    train, validation = (
        {r["id"].partition("/")[0] for r in lines_of(out, name)}
        for name in ("train.jsonl", "validation.jsonl")
    )
    return train, validation


def test_no_conversation_is_in_both_files_and_each_topic_has_its_share(tmp_path: Path) -> None:
    conversations = many(90, ("产品咨询", "其他", "财务咨询与规划"))
    train_data(
        file_of(tmp_path / "own.jsonl", conversations), "--out", tmp_path / "out", "--validation", "0.2"
    )
    train, validation = parts(tmp_path / "out")
    assert not train & validation
    assert len(train | validation) == 90
    topics = Counter(c.topic for c in conversations if c.id in validation)
    assert topics == {"产品咨询": 6, "其他": 6, "财务咨询与规划": 6}


def test_the_split_is_of_the_seed_and_not_of_the_order_in_the_file(tmp_path: Path) -> None:
    conversations = many(60)
    shuffled = random.Random(3).sample(conversations, 60)
    found = {}
    for name, each, seed in (("a", conversations, "0"), ("b", shuffled, "0"), ("c", conversations, "1")):
        source = file_of(tmp_path / f"{name}.jsonl", each)
        train_data(source, "--out", tmp_path / name, "--seed", seed, "--limit", "40", "--validation", "0.25")
        found[name] = parts(tmp_path / name)
    assert found["a"] == found["b"] != found["c"]
    assert [len(each) for each in found["a"]] == [30, 10]
    assert card_of(tmp_path / "a")["left_out"] == {"beyond --limit": 20}


def test_a_conversation_that_stands_there_twice_is_used_once(tmp_path: Path) -> None:
    conversations = many(10)
    source = file_of(tmp_path / "own.jsonl", [*conversations, *conversations[:3]])
    done = train_data(source, "--out", tmp_path / "out")
    assert "left out: 3 × the same conversation again" in done.err
    assert sum(card_of(tmp_path / "out")[part]["conversations"] for part in ("train", "validation")) == 10


def test_one_conversation_is_for_training(tmp_path: Path) -> None:
    train_data(file_of(tmp_path / "own.jsonl", many(1)), "--out", tmp_path / "out")
    assert not (tmp_path / "out/validation.jsonl").exists()
    assert card_of(tmp_path / "out")["validation"] is None


# What must never be trained on.


def test_the_mini_evaluation_half_is_refused_in_whatever_file_and_order(tmp_path: Path) -> None:
    shuffled = random.Random(0).sample(EVALUATION.conversations, len(EVALUATION.conversations))
    for name, each in (("same.json", EVALUATION.conversations), ("other.jsonl", shuffled)):
        done = csconv("train-data", file_of(tmp_path / name, each), "--out", tmp_path / "out")
        assert done.code == 1
        assert "models are evaluated on" in done.err
        assert not (tmp_path / "out").exists()


def test_csconv_is_known_by_its_hash_and_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conversations = many(12)
    source = file_of(tmp_path / "renamed.jsonl", conversations)
    train_data(source, "--out", tmp_path / "sound")
    with monkeypatch.context() as patch:
        patch.setattr("csc_tasks.data.sources.FULL_CONVERSATIONS", 12)
        patch.setattr("csc_tasks.data.sources.FULL_UTTERANCES", 24)
        patch.setattr("csc_tasks.data.sources.FULL_TURNS", 12)
        done = csconv("train-data", source, "--out", tmp_path / "out")
    assert "this is CSConv" in done.err
    sha256 = card_of(tmp_path / "sound")["source"]["sha256"]
    monkeypatch.setattr("csc_tasks.data.sources._KNOWN_SHA256", {Split.EVALUATION: (sha256,)})
    assert "this is CSConv" in csconv("train-data", source, "--out", tmp_path / "out").err
    assert not (tmp_path / "out").exists()


def test_what_repeats_an_evaluation_conversation_is_left_out_and_named(tmp_path: Path) -> None:
    copied = EVALUATION.conversations[5]
    edited = [(u.strategy, u.text.replace("您", "你")) for u in copied.utterances]
    conversations = [*many(20), said(*edited, topic=copied.topic)]
    source = file_of(tmp_path / "own.jsonl", conversations)
    done = train_data(source, "--out", tmp_path / "out")
    assert "left out: 1 × overlaps with evaluation data" in done.err
    assert f"line 21 repeats csconv_mini {copied.id}" in done.err
    (found,) = card_of(tmp_path / "out")["overlap"]["dropped"]
    assert (found["place"], found["source"], found["repeats"]) == ("line 21", "csconv_mini", copied.id)
    assert conversations[-1].id not in set.union(*parts(tmp_path / "out"))
    strict = csconv("train-data", source, "--out", tmp_path / "strict", "--strict")
    assert strict.code == 1
    assert f"line 21 repeats csconv_mini {copied.id}" in strict.err
    assert not (tmp_path / "strict").exists()


def test_what_is_named_with_against_is_evaluation_data_too(tmp_path: Path) -> None:
    own = file_of(tmp_path / "own_test.json", TRAINING.conversations[:2])
    done = train_data("mini", "--out", tmp_path / "out", "--against", own)
    assert "left out: 2 × overlaps with evaluation data" in done.err
    overlap = card_of(tmp_path / "out")["overlap"]
    assert [each["name"] for each in overlap["compared"]] == ["csconv_mini", "own_test.json"]
    assert "CSConv itself" in overlap["unchecked"][0]
    assert "not checked: CSConv itself" in (tmp_path / "out/README.md").read_text()


# Broken sources.


def test_a_source_that_cannot_teach_is_one_message(tmp_path: Path) -> None:
    good = many(3)
    unlabelled = [
        {"dialogue": [{k: v for k, v in u.items() if k != "strategy"} for u in c.record()["dialogue"]]}
        for c in good
    ]
    records = [c.record() for c in good]
    broken = [*records, {"dialogue": [{"speaker": "路人", "text": "?"}, {"speaker": "客服"}], "source": ""}]
    cases = {
        "empty.json": ("[]", "no conversations in it"),
        "unlabelled.json": (json.dumps(unlabelled), "no 客服 utterance has a strategy"),
        "mixed.json": (json.dumps([*records, unlabelled[0]]), "[3]: no strategy, and other 客服 utterances"),
        "broken.json": (json.dumps(broken), "[3].dialogue[0].speaker: speaker must be 客服 or 客户"),
        "cut.json": (json.dumps(records)[:-40], "the JSON ends in the middle; 2 complete conversations"),
        "cut.jsonl": (json.dumps(records[0]) + "\n" + json.dumps(records[1])[:30] + "\n", "line 2, column"),
        "chat.json": ('[{"messages": []}]', "csconv data convert"),
    }
    for name, (text, wanted) in cases.items():
        (tmp_path / name).write_text(text)
        done = csconv("train-data", tmp_path / name, "--out", tmp_path / "out")
        assert done.code == 1, name
        assert wanted in done.err, (name, done.err)
        assert name in done.err
        assert not (tmp_path / "out").exists()


def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    source = file_of(tmp_path / "own.jsonl", many(5))

    def change(what: str, done: int, total: int | None) -> None:
        if (what, done) == ("writing examples", 1):
            with source.open("a") as file:
                file.write(json.dumps(many(6)[-1].record()) + "\n")

    options = TrainDataOptions((str(source),), tmp_path / "out", DataFormat.PROMPT_COMPLETION)
    with pytest.raises(DataError, match=r"own\.jsonl: was changed while it was read"):
        write_training_data(options, change)
    assert list((tmp_path / "out").iterdir()) == []


# The folder.


def test_files_that_are_there_are_replaced_only_where_that_is_said(tmp_path: Path) -> None:
    out = tmp_path / "out"
    train_data("mini", "--out", out, "--format", "llamafactory")
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    refused = csconv("train-data", "mini", "--out", out, "--seed", "1")
    assert refused.code == 1
    assert "has train.jsonl, validation.jsonl, data.json, README.md, dataset_info.json already" in refused.err
    broken = tmp_path / "empty.json"
    broken.write_text("[]")
    assert csconv("train-data", broken, "--out", out, "--overwrite").code == 1
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    train_data("mini", "--out", out, "--overwrite", "--validation", "0")
    assert sorted(p.name for p in out.iterdir()) == ["README.md", "data.json", "train.jsonl"]


def test_the_same_command_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        train_data("mini", "--out", tmp_path / name)
    files = [{p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("a", "b")]
    assert files[0] == files[1]


def test_a_disk_that_refuses_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "out"))

    monkeypatch.setattr("csc_tasks.training.write.readme", full)
    done = csconv("train-data", "mini", "--out", tmp_path / "out")
    assert "cannot be written (No space left on device); nothing was changed" in done.err
    assert list((tmp_path / "out").iterdir()) == []


def test_the_card_counts_what_the_files_hold(tmp_path: Path) -> None:
    train_data("mini", "--out", tmp_path, "--validation", "0.25")
    card = read_card(tmp_path)
    records = [r for name in ("train.jsonl", "validation.jsonl") for r in lines_of(tmp_path, name)]
    labels = Counter(answer.partition("]")[0][1:] for r in records for answer in answers_of(r))
    assert {name: n for name, n in card.strategies.items() if n} == labels
    assert card.topics == Counter(c.topic for c in TRAINING.conversations)
    assert card.validation is not None
    assert (card.train.conversations, card.validation.conversations) == (18, 6)
    assert card.train.examples + card.validation.examples == len(records)
    assert card.source.sha256 == TRAINING.sha256


def test_a_folder_whose_files_were_changed_is_not_read(tmp_path: Path) -> None:
    train_data("mini", "--out", tmp_path)
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(DataError, match=r"train\.jsonl: changed since its card was written"):
        read_card(tmp_path)
    card = card_of(tmp_path)
    for wrong, told in (({**card, "card": 99}, "card of version 99"), ({**card, "seed": "?"}, "seed: ")):
        (tmp_path / "data.json").write_text(json.dumps(wrong))
        with pytest.raises(DataError, match=told):
            read_card(tmp_path)
    with pytest.raises(DataError, match="csconv train-data SOURCE --out"):
        read_card(tmp_path / "nowhere")


def test_a_topic_of_a_stranger_breaks_neither_terminal_nor_card(tmp_path: Path) -> None:
    hostile = "坏\x1b[31m|</td><script>x</script>\n# 标题"
    source = file_of(tmp_path / "own.json", [said((None, "在吗？"), (ADVISE, "在。"), topic=hostile)])
    train_data(source, "--out", tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text()
    assert "\x1b" not in text
    assert "\n# 标题" not in text
    assert "<script>" not in text.replace("`坏 [31m¦</td><script>x</script> # 标题`", "")

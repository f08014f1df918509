"""``csconv synthesize accept``: what reviewers decided becomes a file, and nothing else does."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score

from csc_tasks.data.files import inspect_file, read_file
from csc_tasks.metrics.reliability import clustered_kappa
from csc_tasks.synthesis.review.form import read_review_file
from csc_tasks.synthesis.review.sheet import write_sheet
from tests.door import Done, csconv
from tests.synthesis.reviewing import conversations, exported, review_folder

ACCEPT: dict[str, Any] = {"decision": "accept"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return review_folder(tmp_path / "in", provenance=True)


def accept(file: Path, *decisions: Path, more: tuple[str, ...] = ()) -> Done:
    return csconv(
        "synthesize", "accept", file, *decisions, "--out", file.parent.parent / "out" / "new.json", *more
    )


def written(file: Path) -> tuple[Any, dict[str, Any], list[dict[str, Any]]]:
    """Conversations, review.json and the lines of provenance.jsonl."""
    out = file.parent.parent / "out"
    lines = (out / "provenance.jsonl").read_text(encoding="utf-8").splitlines()
    review = json.loads((out / "review.json").read_text(encoding="utf-8"))
    assert inspect_file(out / "new.json").fatal == ()
    return read_file(out / "new.json").conversations, review, [json.loads(line) for line in lines]


def test_corrections_are_applied_rejected_and_undecided_ones_left_out_and_all_counted(
    file: Path, tmp_path: Path
) -> None:
    old = conversations()
    answer = ACCEPT | {
        "labels": {"3": 12},
        "texts": {"2": "您好，我想问问。"},
        "keep": len(old[0].utterances) - 1,
    }
    answers = {0: answer, 1: ACCEPT | {"comment": "很好"}, 2: {"decision": "reject", "reason": "ending"}}
    done = accept(file, exported(tmp_path / "a.json", "王敏", answers))
    assert done.code == 0, done.err
    for said in (
        "4 conversations: 1 accepted as it was, 1 accepted with corrections, 1 rejected, 1 undecided, left out",
        "rejected: 1 ending",
        "labels changed: 1 of ",
        "2 确认身份 → 12 其它: 1",
        "texts changed: 1 of ",
        "utterances deleted at the end: 1",
        "1 break a construction rule of CSConv since they were corrected: 确认身份 at least once",
        "王敏 decided 3 (a.json)",
        "wrote 2 conversations",
        "provenance.jsonl: 2 lines carried over",
    ):
        assert said in done.out
    new, review, lines = written(file)
    assert [u.text for u in new[0].utterances[:2]] == [old[0].utterances[0].text, "您好，我想问问。"]
    assert new[0].utterances[2].strategy.number == 12
    assert len(new[0].utterances) == len(old[0].utterances) - 1
    assert new[1] == old[1]
    assert [line["id"] for line in lines] == [c.id for c in new]
    assert [line.get("was") for line in lines] == [[old[0].id], None]
    assert review["fingerprint"] == read_review_file(file).fingerprint
    assert review["rules_broken_by_corrections"]["确认身份 at least once"] == 1
    first, second, third, fourth = review["each"]
    assert first == {
        "was": old[0].id,
        "id": new[0].id,
        "fate": "accepted with corrections",
        "by": ["王敏"],
        "labels": {"3": ["确认身份", "其它"]},
        "texts": [2],
        "deleted": 1,
    }
    assert second["comments"] == {"王敏": "很好"}
    assert (third["id"], third["reason"]) == (None, "ending")
    assert fourth["fate"] == "undecided, left out"
    assert old[0].utterances[1].text not in json.dumps(review, ensure_ascii=False), "may be somebody's data"


def test_a_second_review_keeps_all_earlier_ids(file: Path, tmp_path: Path) -> None:
    accept(file, exported(tmp_path / "a.json", "甲", {0: ACCEPT | {"labels": {"1": 12}}}))
    (new,), review, _ = written(file)
    again = exported(
        tmp_path / "b.json",
        "甲",
        {},
        fingerprint=review["written_fingerprint"],
        shown=[new.id],
        items={new.id: ACCEPT | {"labels": {"1": 5}}},
    )
    done = csconv(
        "synthesize", "accept", tmp_path / "out/new.json", again, "--out", tmp_path / "third/x.jsonl"
    )
    assert done.code == 0, done.err
    line = json.loads((tmp_path / "third/provenance.jsonl").read_text(encoding="utf-8"))
    assert line["was"] == [conversations()[0].id, new.id]


def test_what_nobody_decided_is_kept_if_asked_for_with_what_was_corrected_in_it(
    file: Path, tmp_path: Path
) -> None:
    path = exported(tmp_path / "a.json", "甲", {0: {"labels": {"1": 12}}, 1: {"decision": "reject"}})
    done = accept(file, path, more=("--keep-undecided",))
    assert "3 undecided, kept" in done.out
    assert "rejected: 1 no reason given" in done.out
    new, _, _ = written(file)
    assert new[0].utterances[0].strategy.number == 12
    assert [c.id for c in new[1:]] == [c.id for c in conversations()[2:]]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"texts": {"2": "  "}}, "utterance 2: text is empty"),
        ({"texts": {"2": "长" * 501}}, "utterance 2: the new text has 501 characters, over 500"),
        ({"texts": {"2": "\ud800"}}, "utterance 2: half a character"),
        ({"texts": {"2": 7}}, "utterance 2: the text: input should be a valid string"),
        ({"texts": {"999": "好"}}, "utterance 999: there is none"),
        ({"texts": {"0": "好"}}, "string should match pattern"),
        ({"labels": {"1": 13}}, "utterance 1: the label: input should be less than or equal to 12"),
        ({"labels": {"1": True}}, "utterance 1: the label: input should be a valid integer"),
        ({"labels": {"1": "安抚"}}, "utterance 1: the label: input should be a valid integer"),
        ({"labels": {"2": 3}}, "utterance 2: a label for an utterance that has none"),
        ({"keep": 0}, "keep: input should be greater than or equal to 1"),
        ({"keep": 1}, "only 客服 speaks"),
        ({"keep": 999}, "999 utterances are kept, and there are"),
        ({"decision": "maybe"}, "decision: input should be 'accept' or 'reject'"),
        ({"reason": "\x1b[31m"}, "reason: input should be"),
        ({"comment": "长" * 2001}, "comment: string should have at most 2000"),
        ({"speaker": "客户"}, "speaker: extra inputs are not permitted"),
    ],
)
def test_what_breaks_the_schema_is_refused_by_conversation_and_utterance(
    file: Path, tmp_path: Path, answer: dict[str, Any], said: str
) -> None:
    path = exported(tmp_path / "a.json", "甲", {})
    content = json.loads(path.read_text(encoding="utf-8"))
    content["items"] = {conversations()[0].id: ACCEPT | answer}
    path.write_text(json.dumps(content), encoding="utf-8")
    done = accept(file, path)
    assert done.code == 1
    assert f"a.json: conversation {conversations()[0].id}" in done.err
    assert said in done.err
    assert not (tmp_path / "out").exists()


def test_decisions_about_another_file_are_refused_with_both_named(file: Path, tmp_path: Path) -> None:
    done = accept(file, exported(tmp_path / "a.json", "甲", {0: ACCEPT}, fingerprint="0" * 16))
    assert done.code == 1
    assert "made on talks.json with fingerprint 0000000000000000" in done.err
    assert str(file) in done.err
    done = accept(file, exported(tmp_path / "a.json", "甲", {}, items={"f" * 16: ACCEPT}))
    assert f"conversation {'f' * 16} is not in" in done.err


def test_two_reviewers_agreement_is_counted_and_their_conflicts_are_decided_by_name(
    file: Path, tmp_path: Path
) -> None:
    one = {
        0: ACCEPT | {"labels": {"1": 12}},
        1: ACCEPT,
        2: {"decision": "reject", "reason": "wrong"},
        3: ACCEPT,
    }
    two = {
        0: ACCEPT | {"texts": {"2": "另一句"}},
        1: ACCEPT,
        2: {"decision": "reject"},
        3: {"labels": {"2": 12}},
    }
    paths = exported(tmp_path / "a.json", "甲", one), exported(tmp_path / "b.json", "乙", two)
    done = accept(file, *paths)
    assert done.code == 1
    assert "reviewers differ about 1 conversations" in done.err
    assert (
        f"{conversations()[0].id}: 甲 accepts with utterance 1 12 其它; 乙 accepts with utterance 2 '另一句'"
        in done.err
    )
    assert (
        accept(file, *paths, more=("--prefer", "丙")).err.count("reviewed nothing here; there are 甲, 乙")
        == 1
    )
    done = accept(file, *paths, more=("--prefer", "乙"))
    assert done.code == 0, done.err
    assert "甲 and 乙: 3 of 3 (100.0%) conversations decided alike" in done.out
    assert "Cohen's kappa 0.9" in done.out
    assert "1 conflicts decided as 乙 did" in done.out
    new, review, _ = written(file)
    assert new[0].utterances[1].text == "另一句"
    assert new[0].utterances[0].strategy.number == 1
    (pair,) = review["agreement"]
    assert (pair["labels"] - pair["labels_alike"], pair["texts_changed"], pair["texts_alike"]) == (1, 1, 0)
    assert len(new) == 3, "who only corrected does not contradict who decided"


def test_kappa_of_names_is_scikit_learns() -> None:
    pairs = [(0, 0), (0, 1), (1, 1), (2, 2), (2, 0), (11, 11), (5, 5), (5, 4)]
    kappa, error = clustered_kappa(pairs, [str(i // 2) for i in range(8)], 12)
    assert math.isclose(kappa, cohen_kappa_score(*zip(*pairs, strict=True)))
    assert 0 < error < 1
    assert math.isnan(clustered_kappa([(1, 1)], ["c"], 12)[0])


def test_one_reviewer_in_two_files_that_contradict_each_other_is_asked_which(
    file: Path, tmp_path: Path
) -> None:
    paths = [
        exported(tmp_path / f"{i}.json", "甲", {0: {"decision": d}})
        for i, d in enumerate(("accept", "reject"))
    ]
    done = accept(file, *paths)
    assert done.code == 1
    assert "甲 decided otherwise in" in done.err
    same = [exported(tmp_path / f"{i}.json", "甲", {0: ACCEPT}) for i in range(2)]
    assert "甲 decided 1 (0.json, 1.json)" in accept(file, *same).out


def test_two_that_become_the_same_are_written_once_and_counted(tmp_path: Path) -> None:
    file = review_folder(tmp_path / "in")
    first = json.loads(file.read_text(encoding="utf-8"))[0]
    twin = json.loads(json.dumps(first))
    twin["dialogue"][1]["text"] = "不一样"
    file.write_text(json.dumps([first, twin, first], ensure_ascii=False), encoding="utf-8")
    read = read_review_file(file)
    items = {c.id: ACCEPT | {"texts": {"2": "一样了"}} for c in read.conversations}
    path = exported(
        tmp_path / "a.json", "甲", {}, fingerprint=read.fingerprint, shown=list(items), items=items
    )
    done = accept(file, path)
    assert "1 the same as another one after correction, left out" in done.out
    assert "1 more stand in the file a second time" in done.out
    assert "wrote 1 conversations" in done.out


def test_nothing_is_written_over(file: Path, tmp_path: Path) -> None:
    path = exported(tmp_path / "a.json", "甲", {0: ACCEPT})
    assert accept(file, path).code == 0
    again = accept(file, path)
    assert again.code == 1
    assert "exists; pass --force" in again.err
    assert accept(file, path, more=("--force",)).code == 0
    beside = csconv("synthesize", "accept", file, path, "--out", file.with_name("new.json"), "--force")
    assert "must not be written over" in beside.err
    (file.parent / "provenance.jsonl").unlink()
    itself = csconv("synthesize", "accept", file, path, "--out", file, "--force")
    assert "the file that was reviewed" in itself.err


def test_a_review_that_accepts_nothing_writes_nothing(file: Path, tmp_path: Path) -> None:
    done = accept(file, exported(tmp_path / "a.json", "甲", {0: {"decision": "reject"}}))
    assert done.code == 1
    assert "no conversation was accepted" in done.err
    assert not (tmp_path / "out").exists()


def test_a_sheet_is_as_good_as_a_page(file: Path, tmp_path: Path) -> None:
    read = read_review_file(file)
    sheet = tmp_path / "甲.csv"
    text = write_sheet(read, read.conversations[1:2]).decode("utf-8-sig").splitlines()
    text[1] = text[1].replace(",,,,,,f_", ",5,,accept,,,f_")
    sheet.write_text("\n".join(text), encoding="utf-8")
    done = accept(file, sheet)
    assert done.code == 0, done.err
    assert "甲 decided 1 (甲.csv)" in done.out
    assert "3 were shown to no reviewer" in done.out
    (new,), _, _ = written(file)
    assert new.utterances[0].strategy.number == 5


@pytest.mark.parametrize("line", ["[]", "{", '{"case": 1}', "[" * 5000])
def test_a_broken_provenance_is_named_by_its_line(file: Path, tmp_path: Path, line: str) -> None:
    (file.parent / "provenance.jsonl").write_text('{"id": "x"}\n' + line, encoding="utf-8")
    done = accept(file, exported(tmp_path / "a.json", "甲", {0: ACCEPT}))
    assert done.code == 1
    assert "provenance.jsonl: line 2: " in done.err

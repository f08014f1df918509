"""``csconv synthesize review``: what is on the page and in the sheet, whose part it is, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.synthesis.review import form as review
from csc_tasks.synthesis.review.form import read_review_file
from tests.door import Done, csconv
from tests.synthesis.reviewing import HOSTILE, conversations, review_folder


def make(file: Path, *more: str | Path) -> Done:
    return csconv("synthesize", "review", file, *more)


def data_of(page: Path) -> Any:
    found = re.search(r'id="data">(.*?)</script', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_a_page_has_the_conversations_what_is_known_of_them_and_their_warnings(tmp_path: Path) -> None:
    file = review_folder(tmp_path, provenance=True)
    done = make(file, "--out", tmp_path / "page.html", "--sheet", tmp_path / "sheet.csv")
    assert done.code == 0, done.err
    print_ = read_review_file(file).fingerprint
    assert re.search(
        rf"wrote 4 of 4 conversations to .*page.html \(0\.\d MB, fingerprint {print_}\)", done.out
    )
    data = data_of(tmp_path / "page.html")
    assert (data["file"], data["fingerprint"]) == ("talks.json", print_)
    first, *_, last = data["items"]
    assert first["turns"][1] == ["客户", 0, HOSTILE]
    assert first["about"] == {"scenario": f"场景 {HOSTILE}", "goal": "目的"}
    assert first["marks"] == [["natural", True], ["varied", False]]
    assert (last["about"], last["marks"]) == ({}, [])
    assert [s["zh"] for s in data["material"]["strategies"]][:2] == ["礼貌问候", "确认身份"]


CALL = [{"speaker": "坐席", "text": "喂"}, "嗯", 3]
ODD = {"scenario": {"a": 1}, "goal": 3, "marks": [True, "slow"], "flags": {"x": [1], "y": 0.5}}


@pytest.mark.parametrize(
    ("provenance", "about", "marks"),
    [
        ({"provenance": {"scenario": " 甲 ", "call": CALL}}, {"scenario": "甲", "call": "坐席：喂\n嗯"}, []),
        ({"call": "a-7", "invented": {"手机号": 2}}, {"call_id": "a-7"}, [["invented 手机号", 2]]),
        (ODD, {}, [["slow", True], ["y", 0.5]]),
        ({"call": "字\n" * 30_000}, {"call": "字\n" * 10_000}, []),
    ],
)
def test_whatever_provenance_holds_is_shown_as_far_as_it_is_known(
    tmp_path: Path, provenance: dict[str, Any], about: dict[str, str], marks: list[Any]
) -> None:
    file = review_folder(tmp_path)
    line = {"id": conversations()[0].id, **provenance}
    (tmp_path / "provenance.jsonl").write_text(json.dumps(line), encoding="utf-8")
    assert make(file, "--out", tmp_path / "page.html").code == 0
    item = data_of(tmp_path / "page.html")["items"][0]
    assert (item["about"], item["marks"]) == (about, marks)


def test_broken_rules_are_shown_at_the_utterance_that_breaks_them(tmp_path: Path) -> None:
    file = review_folder(tmp_path)
    records = json.loads(file.read_text(encoding="utf-8"))[:1]
    records[0]["dialogue"][1]["text"] = "长" * 501
    records[0]["source"] = ""
    del records[0]["dialogue"][4:]
    file.write_text(json.dumps(records), encoding="utf-8")
    make(file, "--out", tmp_path / "page.html")
    rules = data_of(tmp_path / "page.html")["items"][0]["rules"]
    assert rules == [["missing-topic", 0], ["long-text", 2], ["length", 0], ["closure", 0], ["closed", 0]]


def test_parts_for_several_reviewers_share_what_was_asked_for(tmp_path: Path) -> None:
    file = review_folder(tmp_path, count=20)
    given = []
    for part in ("1/2", "2/2"):
        page = tmp_path / f"{part[0]}.html"
        done = make(file, "--out", page, "--sample", "10", "--seed", "3", "--part", part, "--overlap", "4")
        assert "wrote 7 of 20" in done.out
        given.append(data_of(page))
    ids = [{item["id"] for item in data["items"]} for data in given]
    assert (len(ids[0] & ids[1]), len(ids[0] | ids[1])) == (4, 10)
    assert given[0]["page"] != given[1]["page"], "each is kept in the browser under a name of its own"


def test_a_conversation_that_stands_there_twice_is_shown_once(tmp_path: Path) -> None:
    file = review_folder(tmp_path)
    records = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps([*records, records[0]]), encoding="utf-8")
    done = make(file, "--out", tmp_path / "page.html")
    assert "1 conversations stand in the file a second time, and are shown once" in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "say where the review is to go"),
        (("--out", "page.pdf"), "--out page.pdf: must end in .html"),
        (("--sheet", "sheet.xlsx"), "--sheet sheet.xlsx: must end in .csv"),
        (("--out", "page.html", "--part", "3/2"), "--part 3/2: must be I/N"),
        (("--out", "page.html", "--overlap", "1"), "one part only"),
        (("--out", "page.html", "--part", "1/2", "--overlap", "9"), "there are 4"),
        (("--out", "page.html", "--part", "9/9"), "nothing in part 9/9"),
        (("--out", "there.html"), "there.html exists; pass --force"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    file = review_folder(tmp_path)
    (tmp_path / "there.html").touch()
    done = csconv("synthesize", "review", file, *options, cwd=tmp_path)
    assert done.code == 1
    assert said in done.err
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_no_browser_would_open_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "LARGEST", 3)
    done = make(review_folder(tmp_path), "--out", tmp_path / "page.html")
    assert "4 conversations, and a page holds 3: pass --sample N or --part I/N" in done.err
    assert make(tmp_path / "talks.json", "--out", tmp_path / "page.html", "--part", "1/2").code == 0

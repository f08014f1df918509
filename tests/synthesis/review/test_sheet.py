"""A review in a spreadsheet: nothing in it is computed or rounded, and what comes back is read or refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.errors import DataError
from csc_tasks.human.answers_file import AnswersFile
from csc_tasks.synthesis.review.form import read_review_file
from csc_tasks.synthesis.review.sheet import SHEET_COLUMNS, read_sheet, write_sheet
from tests.synthesis.reviewing import HOSTILE, review_folder

Rows = list[dict[str, str]]


def filled(tmp_path: Path, change: Callable[[Rows], object], encoding: str = "utf-8-sig") -> AnswersFile:
    """The sheet of four conversations as it is read after somebody changed its rows."""
    file = read_review_file(review_folder(tmp_path))
    written = write_sheet(file, file.conversations)
    assert written.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    change(rows)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, SHEET_COLUMNS, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "王敏.csv"
    path.write_bytes(out.getvalue().encode(encoding, "replace"))
    return read_sheet(path, file)


def test_an_untouched_sheet_decides_nothing_whatever_it_was_saved_as(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16", "gb18030"):
        read = filled(tmp_path, lambda rows: rows.reverse(), encoding)
        assert (read.person, read.items, len(read.shown)) == ("王敏", {}, 4)


def test_what_stands_in_the_new_columns_is_the_answer(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0] |= {"decision": "通过", "reviewer": "李华", "comment": "开头好"}
        rows[1] |= {"new_text": "'=1+1", "comment": "怪"}
        rows[2] |= {"new_strategy": "细化问题"}
        rows[6] |= {"decision": "cut"}
        other = next(row for row in rows if row["conversation"] != rows[0]["conversation"])
        other |= {"decision": "Reject: ending"}

    read = filled(tmp_path, change)
    first, second = read.items.values()
    assert read.person == "李华"
    assert first == {
        "decision": "accept",
        "reason": None,
        "comment": "#1 开头好\n#2 怪",
        "labels": {"3": 4},
        "texts": {"2": "=1+1"},
        "keep": 6,
    }
    assert (second["decision"], second["reason"]) == ("reject", "ending")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "我改了这里"}, "line 2: the text is not the one of utterance 1"),
        ({"new_strategy": "安抚"}, "line 2: new_strategy '安抚' is none of the twelve"),
        ({"decision": "perhaps"}, "line 2: decision 'perhaps'"),
        ({"decision": "reject: because"}, "must be accept (通过), reject"),
        ({"decision": "accept; reject"}, "accepted in one row and rejected in another"),
        ({"decision": "cut"}, "cut at utterance 1 leaves nothing"),
        ({"number": "99"}, "line 2: utterance 99"),
        ({"number": "x\x1b[31m"}, "line 2: utterance x [31m"),
        ({"number": "2", "text": HOSTILE}, "line 3: utterance 2 of conversation"),
        ({"conversation": "1.23E+15"}, "line 2: conversation 1.23E+15 is not in"),
        ({"file": "f_0123456789abcdef"}, "made on a file with fingerprint 0123456789abcdef, and"),
    ],
)
def test_a_row_that_cannot_be_meant_is_named_by_its_line(
    tmp_path: Path, row: dict[str, str], said: str
) -> None:
    with pytest.raises(DataError, match=r"王敏\.csv: line") as refused:
        filled(tmp_path, lambda rows: rows[0].update(row))
    assert said in str(refused.value)


def test_one_sheet_is_of_one_reviewer(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0]["reviewer"], rows[1]["reviewer"] = "甲", "乙"

    with pytest.raises(DataError, match="of 2 reviewers"):
        filled(tmp_path, change)


def test_a_sheet_without_its_columns_is_refused(tmp_path: Path) -> None:
    file = read_review_file(review_folder(tmp_path))
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column conversation"):
        read_sheet(path, file)


def test_a_hostile_text_is_in_the_sheet_as_it_is(tmp_path: Path) -> None:
    file = read_review_file(review_folder(tmp_path))
    rows = list(
        csv.DictReader(io.StringIO(write_sheet(file, file.conversations).decode("utf-8-sig"), newline=""))
    )
    assert rows[1]["text"] == HOSTILE
    assert rows[3]["text"] == "'6222020200112233445"


@pytest.mark.parametrize(
    ("typed", "decision", "reason"),
    [
        ("通过。", "accept", None),
        ("ＡＣＣＥＰＴ", "accept", None),
        ("退回（没有结束）", "reject", "ending"),
        ("退回：不自然。", "reject", "unnatural"),
    ],
)
def test_a_decision_is_understood_as_people_type_it(
    typed: str, decision: str, reason: str | None, tmp_path: Path
) -> None:
    def decide(rows: Rows) -> None:
        rows[0]["decision"] = typed
        rows[0]["new_strategy"] = "12.0"

    (answer,) = filled(tmp_path, decide).items.values()
    assert (answer["decision"], answer["reason"], answer["labels"]) == (decision, reason, {"1": 12})

"""Cells that no spreadsheet computes, and sheets that come back as Excel and people left them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from csc_tasks.errors import DataError
from csc_tasks.human.spreadsheet import (
    guarded,
    loosely,
    one_reviewer,
    require_file,
    sheet_bytes,
    sheet_rows,
    unguarded,
    words_of,
)
from csc_tasks.outside import MAX_FILE
from tests.texts import any_text

NEEDED = ("id", "file")


@given(any_text)
def test_a_guarded_text_comes_back_as_it_was(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+86", "-1", "@SUM", "'x", "13800138000", "6222020200112233445", "1/2", "1e5", "TRUE"]
)
def test_what_a_spreadsheet_would_compute_or_round_is_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["您好", "好的，1/2 吧", "“可以”"])
def test_other_texts_are_written_as_they_are(text: str) -> None:
    assert guarded(text) == text


def test_what_saving_changes_is_passed_over() -> None:
    assert loosely(" 一\r\n二\r三\0 ") == loosely("一\n二\n三")


def test_rows_come_back_with_their_lines_whatever_their_order(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(sheet_bytes(("id", "text", "file"), [{"id": "a", "file": "f_1"}, {"id": "b"}]))
    rows = list(sheet_rows(path, NEEDED, "csconv x"))
    assert [row["id"] for _, row in rows] == ["a", "b"]
    assert [place for place, _ in rows] == [f"{path}: line 2", f"{path}: line 3"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"id,file\r\n", "no rows beneath the header"),
        (b"id,text\r\na,b\r\n", "line 2: no column file; write the sheet with `csconv x`"),
    ],
)
def test_a_sheet_without_rows_or_columns_is_refused_with_the_cure(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        list(sheet_rows(path, NEEDED, "csconv x"))
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_larger_than_any_sheet_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)
    with pytest.raises(DataError, match="larger than"):
        list(sheet_rows(path, NEEDED, "csconv x"))


def test_a_row_of_another_file_is_refused(tmp_path: Path) -> None:
    require_file(" f_12 ", "12", tmp_path, "here")
    with pytest.raises(DataError, match="fingerprint 13"):
        require_file("f_13", "12", tmp_path, "here")


def test_who_reviewed_is_the_one_name_or_else_the_files() -> None:
    path = Path("王敏.csv")
    assert one_reviewer(path, ["", ""]) == "王敏"
    assert one_reviewer(path, ["李", "", "李"]) == "李"
    with pytest.raises(DataError, match="of 2 reviewers"):
        one_reviewer(path, ["李", "赵"])


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", []),
        ("accept", [("accept", "")]),
        ("Ｒｅｊｅｃｔ：Wrong。", [("reject", "wrong")]),
        ("退回（内容有误）；cut", [("退回", "内容有误"), ("cut", "")]),
        ("accept\n\n accept ;", [("accept", ""), ("accept", "")]),
    ],
)
def test_words_are_read_as_people_type_them(cell: str, words: list[tuple[str, str]]) -> None:
    assert [word[:2] for word in words_of(cell, lambda _: True, "anything", "here")] == words


def test_a_word_that_may_not_stand_there_is_shown_with_those_that_may() -> None:
    with pytest.raises(DataError, match=r"here 'perhaps': must be yes"):
        list(words_of("perhaps", lambda found: found.word == "yes", "yes", "here"))

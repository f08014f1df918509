"""What comes back from a page is checked as anything from outside is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import DataError
from csc_tasks.human.answers_file import read_answers

ID, PRINT = "0123456789abcdef", "f" * 16
SOUND: dict[str, Any] = {
    "format": "form-1",
    "file": "talks.json",
    "fingerprint": PRINT,
    "person": "王敏",
    "exported": "2026-11-27T20:00:00Z",
    "share": {"sample": None, "seed": 0},
    "shown": [ID],
    "items": {ID: {"anything": [1]}},
}

DEEP: list[Any] = []
for _ in range(70):
    DEEP = [DEEP]


def read(tmp_path: Path, data: bytes) -> Any:
    path = tmp_path / "answers.json"
    path.write_bytes(data)
    return read_answers(path, "form-1", PRINT, "here.json")


def test_a_sound_file_is_read_and_a_name_is_one_line(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps(SOUND | {"person": " 王\u202e敏\n\x1b[31m"}).encode())
    assert found.person == "王 敏 [31m"
    assert found.items == {ID: {"anything": [1]}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a file of answers"),
        (b"\xff\xfe", "not a file of answers"),
        (b"[]", "not a file of answers in the format form-1"),
        (b'{"format": "form-1", "format": "form-1"}', "stands twice"),
        (b"[" * 100_000, "nested too deep"),
        (json.dumps(SOUND | {"format": "form-2"}).encode(), "in the format form-1"),
        (
            json.dumps(SOUND | {"fingerprint": "0" * 16}).encode(),
            "talks.json with fingerprint 0000000000000000, and here",
        ),
        (json.dumps(SOUND | {"fingerprint": 7}).encode(), "fingerprint: "),
        (json.dumps(SOUND | {"person": "\u200b"}).encode(), "person: empty"),
        (json.dumps(SOUND | {"person": "n" * 81}).encode(), "person: "),
        (json.dumps(SOUND | {"items": {"../../x": {}}}).encode(), "items"),
        (json.dumps(SOUND | {"items": {ID: 3}}).encode(), "items"),
        (json.dumps(SOUND | {"items": {ID: {"a": DEEP}}}).encode(), "nested too deep"),
        (json.dumps(SOUND | {"shown": [{}]}).encode(), "shown"),
        (json.dumps(SOUND | {"more": 1}).encode(), "more: "),
        (json.dumps({k: v for k, v in SOUND.items() if k != "shown"}).encode(), "shown: field required"),
    ],
)
def test_anything_else_is_refused_with_the_files_name(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(DataError, match=r"answers\.json: ") as refused:
        read(tmp_path, data)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 700


def test_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_answers(tmp_path, "form-1", PRINT, "here.json")

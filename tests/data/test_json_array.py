"""An array that is read in pieces is read as one that is read whole, wherever the pieces end."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from csc_tasks.data import json_array
from csc_tasks.data.files import raw_records
from csc_tasks.data.streaming import each_record
from csc_tasks.errors import DataError

RECORDS = [{"a": '甲\\"}乙', "b": [1, [2, "]"]], "深": {"c": None}}, "😀 text, [", 12, -1.5e3, True, [], {}]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7, 64])
def test_pieces_of_any_size_give_the_same_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(json_array, "_PIECE", piece)
    for number, text in enumerate(
        (
            json.dumps(RECORDS, ensure_ascii=False),
            "\ufeff" + json.dumps(RECORDS, indent=3),
            " \r\n[ \n" + " ,\t".join(json.dumps(r, ensure_ascii=False) for r in RECORDS) + "\n ]\n\n",
            "[]",
            "[ ]",
        )
    ):
        path = tmp_path / f"{number}.json"
        path.write_text(text, encoding="utf-8")
        assert list(each_record(path)) == list(raw_records(path))


BROKEN = {
    "cut": b'[{"a": 1}, {"b": "x',
    "comma": b'[{"a": 1}, ]',
    "two commas": b'[{"a": 1},, {"b": 2}]',
    "no comma": b'[{"a": 1} {"b": 2}]',
    "more": b'[{"a": 1}] [2]',
    "object": b'{"dialogue": []}',
    "lines": b'{"a": 1}\n{"b": 2}\n',
    "bytes": b'[{"a": 1}, {"b": "\xff"}]',
    "deep": b"[" * 100_000,
    "empty": b"",
    "bare word": b"[nought]",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_array_gives_at_least_the_same_records_and_the_same_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(BROKEN[name])

    def read(records: Iterator[tuple[str, object]]) -> tuple[list[tuple[str, object]], str]:
        found = []
        try:
            for item in records:
                found.append(item)
        except DataError as error:
            return found, str(error)
        raise AssertionError("read as if it were sound")

    before, message = read(raw_records(path))
    for piece in (1, 4, 2**18):
        monkeypatch.setattr(json_array, "_PIECE", piece)
        found, told = read(each_record(path))
        assert (found[: len(before)], told) == (before, message)
        # Bytes that are no text end a file that is read whole before its first record.
        assert found == before or name == "bytes"


def test_reading_a_large_array_holds_a_small_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    record = json.dumps({"text": "您好，" * 300}, ensure_ascii=False)
    path.write_text("[" + ",".join([record] * 4000) + "]", encoding="utf-8")

    assert path.stat().st_size > 10 * 2**20
    tracemalloc.start()
    try:
        assert sum(1 for _ in each_record(path)) == 4000
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()

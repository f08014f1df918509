"""Files that anybody may have written: what is read of them, and what is refused before it is read."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from csc_tasks import outside
from csc_tasks.outside import is_file_name, json_bytes, lines_of, parse_json, read_file, require_shallow
from csc_tasks.packed import read_arrays
from csc_tasks.printable import printable, printable_lines


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("results_1.json", True),
        ("客服.json", True),
        ("[/v2]", False),  # a slash parts folders
        ("my-model[v2]", True),
        ("", False),
        (".", False),
        ("..", False),
        ("a/b", False),
        ("a\\b", False),
        ("a\0b", False),
        ("a\nb", False),
        ("\x1b[31m", False),
        ("\ud800", False),
        ("x" * 255, True),
        ("x" * 256, False),
        ("甲" * 86, False),  # 258 bytes
        (1, False),
        (None, False),
    ],
)
def test_a_file_name_is_one_name_in_one_folder(name: object, fits: bool) -> None:
    assert is_file_name(name) is fits


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 200_000, '{"a":' * 200_000, "[" * 200_000 + "]" * 200_000, "9" * 5000]
)
def test_what_is_no_json_is_a_value_error_whatever_it_is(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of many words
        parse_json(text)


def test_a_key_that_stands_twice_is_told_where_it_matters() -> None:
    text = '{"a": {"b": 1, "b": 2}}'
    assert parse_json(text) == {"a": {"b": 2}}
    with pytest.raises(ValueError, match="'b' stands twice in one object"):
        parse_json(text, twins=False)


def test_what_could_not_be_walked_through_is_too_deep() -> None:
    require_shallow(parse_json("[" * outside.MAX_DEPTH + "]" * outside.MAX_DEPTH))
    with pytest.raises(ValueError, match="nested too deep"):
        require_shallow(parse_json("[" * (outside.MAX_DEPTH + 1) + "]" * (outside.MAX_DEPTH + 1)))


def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", outside.MAX_FILE + 1)
    (tmp_path / "small").write_bytes(b"x")
    assert read_file(tmp_path / "small") == b"x"
    for name, words in (("pipe", "not a regular file"), ("large", "larger than 64 MB"), ("", "a folder")):
        with pytest.raises(OSError, match=words):
            read_file(tmp_path / name)


def test_a_line_is_read_up_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "MAX_LINE", 4)
    assert list(lines_of(io.BytesIO(b"abc\nabc\nd"))) == [b"abc\n", b"abc\n", b"d"]
    with pytest.raises(ValueError, match="which no line of a log is"):
        list(lines_of(io.BytesIO(b"abcd\n")))


def test_half_a_surrogate_pair_is_written_so_that_it_can_be_read() -> None:
    assert json_bytes({"甲": 1}).decode() == '{"甲": 1}'
    assert parse_json(json_bytes({"甲": "\ud800"})) == {"甲": "\ud800"}


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + b"\0" * 100, b"x" * 1000])
def test_what_holds_no_arrays_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        read_arrays(data)


def test_text_from_outside_is_one_line_without_what_hides_or_reorders() -> None:
    assert printable("a\x1b[31m\u202eb\nc\ud800") == "a [31m b c"
    assert printable("my-model[v2] [/v2]") == "my-model[v2] [/v2]"
    assert printable_lines("a\tb\n  c\rd") == "a b\n  c d"

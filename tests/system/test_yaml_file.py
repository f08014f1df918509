"""A user's YAML: what is wrong is said with file and line, quickly, and nothing of the text is in the message."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.system.yaml_file import read_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 30)}]}}\n"
    for old, new in zip("abcde", "bcdef", strict=True)
)


def read(folder: Path, text: str | bytes) -> Any:
    path = folder / "judge.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path, ConfigError)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: {c: [1, 2.5, true, null, 文]}", {"a": 1, "b": {"c": [1, 2.5, True, None, "文"]}}),
        ("", None),
        ("- a\n- a", ["a", "a"]),
        # anchors have their use
        ("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}", {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}),
        ("a: {b: 1}\nc: {b: 1}", {"a": {"b": 1}, "c": {"b": 1}}),
        (b"\xef\xbb\xbfa: 1", {"a": 1}),
        ("1: a\n'1': b", {1: "a", "1": "b"}),
    ],
)
def test_what_is_yaml_is_read(tmp_path: Path, text: str | bytes, value: Any) -> None:
    assert read(tmp_path, text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "line 5: more than 20,000 values, aliases unfolded"),
        (MERGES, "line 4: more than 20,000 values, aliases unfolded"),
        ("a: 1\nb: " + "[" * 3000 + "]" * 3000, "line 2: nested deeper than 32 levels"),
        ("".join(" " * i + "a:\n" for i in range(300)), "line 32: nested deeper than 32 levels"),
        ("a: " + "[" * 500_000, "line 1: nested deeper than 32 levels"),
        ("model: a\nseed: 1\nmodel: b", "line 3: the same key as in line 1, and only one of them can hold"),
        ("a: {b: 1, b: 1}", "line 1: the same key as in line 1"),
        ("a: &x [1, *x]", "line 1: an alias that stands within what it stands for"),
        ("a: 1\nb: *nothing", "not YAML (line 2)"),
        ("a: !!python/object/apply:os.system [id]", "not YAML (line 1)"),
        ("model: a\n  seed: b: c", "not YAML (line 2)"),
        ("a: 1\n\tb: 2", "not YAML (line 2)"),
        ("a: 2024-45-45", "not YAML (a value that looks like a number or a date, and is none)"),
        ("a: " + "9" * 5000, "not YAML (a value that looks like a number"),
        ("{[a]: 1}", "not YAML (line 1)"),
        ("a: 1\n---\nb: 2", "not YAML (line 2)"),
        ("a: 1\nb: \x07", "not YAML (line 2: a control character)"),
        (b"a: 1\nb: \xff", "not YAML (line 2: not UTF-8)"),
        ("#" * 2_000_000, "larger than 1 MB, which no configuration is"),
    ],
)
def test_what_is_not_is_said_with_its_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'judge.yaml'}: {words}")
    assert "\n" not in str(error.value)
    assert time.monotonic() - began < 5


def test_a_secret_in_the_wrong_place_is_not_in_the_message(tmp_path: Path) -> None:
    for text in ("sk-secret: 1\nsk-secret: 1", "key: sk-secret: 1", "key: *sk-secret", "key: !sk-secret 1"):
        with pytest.raises(ConfigError) as error:
            read(tmp_path, text)
        assert "sk-secret" not in str(error.value)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read \(No such file"):
        read_yaml(tmp_path / "none.yaml", ConfigError)
    with pytest.raises(ConfigError, match=r"cannot be read \(not a file\)"):
        read_yaml(tmp_path, ConfigError)

"""Users' own customers: read as they are, and what is wrong with a line is said with its number and the cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import DataError
from csc_tasks.synthesis.playing.profile_files import LONGEST_PROFILE, read_profiles, write_profiles
from csc_tasks.synthesis.playing.profile_table import load_table
from csc_tasks.synthesis.playing.profiles import made_profiles
from tests.door import csconv


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "own.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "你是<b>王</b>&amp;<script>alert(1)</script>",
        "你说话带 {{ name }}、{scenario}、{profile} 和 %s",
        "你\n分两行写，<<<客户资料 结束>>>也照旧",
        "你" * LONGEST_PROFILE,
    ],
)
@pytest.mark.parametrize("field", ["text", "profile"])
def test_what_stands_in_a_text_stays_as_it_is(field: str, text: str, tmp_path: Path) -> None:
    (profile,) = read_profiles(written(tmp_path, {field: text})).profiles
    assert profile.text == text
    assert profile.attributes == {}


@pytest.mark.parametrize("field", ["attributes", "profile"])
def test_attributes_of_ones_own_are_listed_and_none_is_lost(field: str, tmp_path: Path) -> None:
    own = {"年龄": 34, "爱好": "钓{鱼}", "<b>": "x"}
    (profile,) = read_profiles(written(tmp_path, {field: own})).profiles
    assert profile.attributes == {"年龄": "34", "爱好": "钓{鱼}", "<b>": "x"}
    assert profile.text == "你的情况是这样的。年龄：34；爱好：钓{鱼}；<b>：x。"


def test_attributes_of_csconvs_own_are_told_in_its_wordings(tmp_path: Path) -> None:
    made = made_profiles(1)[0]
    (profile,) = read_profiles(written(tmp_path, {"attributes": dict(made.attributes)})).profiles
    for name, value in made.attributes.items():
        assert load_table().says(name, value) in profile.text


@pytest.mark.parametrize(
    "line",
    [{"profile": "你是甲", "text": "你是乙"}, {"profile": {"年龄": "30岁"}, "attributes": {"年龄": "40岁"}}],
)
def test_a_line_that_says_two_different_things_is_refused(line: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"own\.jsonl:1: profile and (text|attributes) say different things"):
        read_profiles(written(tmp_path, line))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_profiles(tmp_path / "p.jsonl", made_profiles(20))
    read = read_profiles(tmp_path / "p.jsonl")
    assert read.profiles == made_profiles(20)
    assert read.repeated == ()


def test_the_same_customer_twice_is_one_and_is_said(tmp_path: Path) -> None:
    read = read_profiles(written(tmp_path, {"text": "甲"}, {"text": "乙"}, {"profile": "甲"}, {"text": "甲"}))
    assert [p.text for p in read.profiles] == ["甲", "乙"]
    assert read.repeated == ((3, 1), (4, 1))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", ":2: no JSON object; a customer is one line, like"),
        (b"[" * 100_000, ":2: no JSON object"),
        (b'"text"', ":2: no JSON object"),
        (b'{"txt": "a"}', ":2: no text, attributes or profile in it (fields: 'txt'); write"),
        (b"{}", "(fields: none)"),
        (b'{"text": 3}', ":2: text must be a string"),
        (b'{"text": "  "}', ":2: the text is empty"),
        (b'{"profile": ["a"]}', ":2: text must be a string"),
        (b'{"attributes": ["a"]}', ":2: attributes must be an object"),
        (b'{"attributes": {"a": [1]}}', ":2: the attribute 'a' must be a text or a number"),
        (b'{"attributes": {}}', ":2: no text, attributes or profile"),
        (b'{"text": "\\ud800"}', ":2: half a character (a lone surrogate) at offset 0"),
        (b'{"text": "a", "text": "b"}', ":2: no JSON object"),
        (json.dumps({"text": "你" * 5001}).encode(), ":2: 5,001 characters; a customer has 5,000 at most"),
        ('{"text": "客户"}'.encode("gbk"), ":2: not UTF-8; save the file as UTF-8"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a"}\n' + line + b"\n")
    with pytest.raises(DataError) as error:
        read_profiles(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_a_file_without_customers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text("\n \n", encoding="utf-8")
    with pytest.raises(DataError, match="no customers in it"):
        read_profiles(tmp_path / "own.jsonl")
    with pytest.raises(DataError, match=r"none\.jsonl: No such file"):
        read_profiles(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="a folder"):
        read_profiles(tmp_path)


def test_the_command_writes_customers_and_overwrites_none_unasked(tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    done = csconv("synthesize", "profiles", "--n", "30", "--out", out, "--summary")
    assert done.code == 0, done.err
    assert "18–25岁" in done.out
    assert len(read_profiles(out).profiles) == 30
    again = csconv("synthesize", "profiles", "--n", "3", "--out", out)
    assert again.code == 1
    assert "is there; name another file, or overwrite it with --force" in again.err
    assert csconv("synthesize", "profiles", "--n", "3", "--out", out, "--force").code == 0
    assert read_profiles(out).profiles == made_profiles(3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "."], "not a file; name a new .jsonl file"),
        (["--out", "p.jsonl", "--budget", "1"], "--budget: csconv's own wordings cost nothing"),
        (["--out", "p.jsonl", "--n", "0"], "--n"),
        (["--out", "p.jsonl", "--config", "none.yaml"], "none.yaml"),
    ],
)
def test_what_the_command_cannot_do_is_said(options: list[str], message: str, tmp_path: Path) -> None:
    done = csconv("synthesize", "profiles", *options, cwd=tmp_path)
    assert done.code != 0
    assert message in done.output
    assert not (tmp_path / "p.jsonl").exists()

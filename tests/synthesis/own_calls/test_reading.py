"""Calls of whatever file: one that cannot be used is counted and named by place, and nothing of any is in a message."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.files import MAX_LINE
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.synthesis.own_calls.call_rules import CallFilter
from csc_tasks.synthesis.own_calls.reading import CallFile, Survey, survey_of
from tests.synthesis.transcripts import CALLS, as_table, secrets_of

HOW: dict[str, Any] = {
    "names": {"conversation": "通话", "speaker": "说话方", "text": "内容"},
    "speakers": {"来电人": "客户"},
}
GOOD = [{"speaker": "客服" if i % 2 == 0 else "客户", "text": text} for i, text in enumerate(CALLS[0].texts)]


def lines(path: Path, *records: object) -> Path:
    path.write_text(
        "".join((r if isinstance(r, str) else json.dumps(r, ensure_ascii=False)) + "\n" for r in records),
        encoding="utf-8",
    )
    return path


def surveyed(file: CallFile) -> Survey:
    return survey_of(file, CallFilter().broken)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_table_of_calls_is_read_in_every_encoding_of_a_spreadsheet(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(as_table(encoding=encoding))
    calls = list(CallFile(path, **HOW).each())
    assert len(calls) == len(CALLS)
    shown = json.dumps(
        [[c.place, c.topic, [u.text for u in c.utterances]] for c in calls], ensure_ascii=False
    )
    assert not [secret for secret in secrets_of() if secret in shown]
    assert "1390000" not in shown  # the calls' ids are phone numbers
    assert calls[0].place == "line 2"


def test_a_call_keeps_its_id_and_another_place_or_text_is_another(tmp_path: Path) -> None:
    one, other = {"dialogue": GOOD, "source": "x"}, {"dialogue": GOOD[:-1], "source": "x"}
    path = lines(tmp_path / "a.jsonl", one, other, one)
    ids = [call.id for call in CallFile(path).each()]
    assert ids == [call.id for call in CallFile(path).each()]
    assert len(set(ids)) == 3


BROKEN: dict[str, tuple[object, str]] = {
    "one speaker": ({"dialogue": GOOD[::2]}, "one-sided"),
    "an unknown speaker": (
        {"dialogue": [*GOOD, {"speaker": "张伟13800138000", "text": "喂"}]},
        "an unknown speaker",
    ),
    "half a line": ('{"dialogue": [{"speaker": "客服", "text": "张伟', "invalid-json"),
    "no JSON": ("张伟 13800138000", "invalid-json"),
    "a text": ('"张伟 13800138000"', "not a conversation"),
    "a number in place of a text": (
        {"dialogue": [*GOOD, {"speaker": "客户", "text": 13800138000}]},
        "not a conversation",
    ),
    "no utterance": ({"dialogue": []}, "no line of the two speakers"),
    "another key": ({"张伟13800138000": GOOD}, "not a conversation"),
    "a line as long as a book": ('{"张伟": "' + "x" * MAX_LINE + '"}', "long-line"),
    "bytes": ("\x00\x01", "invalid-json"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_bad_record_stops_nothing_and_is_named_by_place_and_reason(tmp_path: Path, name: str) -> None:
    record, kind = BROKEN[name]
    path = lines(tmp_path / "a.jsonl", {"dialogue": GOOD}, record, {"dialogue": GOOD})
    survey = surveyed(CallFile(path))
    assert survey.calls == 2
    assert survey.left_out == {kind: 1}
    assert survey.places[kind][0].startswith("line 2")
    assert "张伟" not in str(survey)
    assert "138" not in str(survey)


def test_what_the_filter_leaves_out_is_counted_too(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"dialogue": GOOD}, {"dialogue": GOOD[:4]}, {"dialogue": GOOD * 300})
    survey = surveyed(CallFile(path))
    assert survey.calls == 3
    assert survey.left_out == {"filter: fewer than 3 turns": 1, "filter: more than 30 turns": 1}


TABLES: dict[str, tuple[str, str]] = {
    # a comma that is not in quotes cuts a text: the whole call is left out
    "too many cells": ("1,客户,张伟,13800138000\n", "broken-row"),
    "an open quote": ('1,客户,"张伟"13800138000\n', "broken-row"),
    "no id": (",客户,张伟13800138000\n", "not a conversation"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_row_that_cannot_be_read_spoils_its_call_and_no_other(tmp_path: Path, name: str) -> None:
    row, kind = TABLES[name]
    rows = {i: "".join(f"{i},{u['speaker']},{u['text']}\n" for u in GOOD) for i in (0, 1, 2)}
    first, *others = rows[1].splitlines(keepends=True)
    path = tmp_path / "a.csv"
    path.write_text("id,speaker,text\n" + rows[0] + first + row + "".join(others) + rows[2], encoding="utf-8")
    survey = surveyed(CallFile(path))
    assert survey.calls == 2
    assert survey.left_out[kind] >= 1
    assert "张伟" not in str(survey)


def test_a_row_between_two_calls_that_cannot_be_read_spoils_both(tmp_path: Path) -> None:
    rows = ["".join(f"{i},{u['speaker']},{u['text']}\n" for u in GOOD) for i in range(4)]
    path = tmp_path / "a.csv"
    path.write_text(
        "id,speaker,text\n" + rows[0] + rows[1] + '1,客户,"喂"喂\n' + rows[2] + rows[3], encoding="utf-8"
    )
    assert surveyed(CallFile(path)).calls == 2


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("张伟,13800138000\n1,2\n", {}, "--map conversation=NAME"),
        ("通话,李四,13800138000\n1,2,3\n", {}, "--map conversation=NAME"),
        ("", {}, "empty"),
        ("id,speaker,text\n1,张伟,喂\n1,李四,您好\n", {}, "who is 张… (2 characters)? --speaker NAME=客服"),
        ("id,speaker,text\n", {}, "no conversations"),
        ("id,speaker,text\n1,客服,喂\n", {"encoding": "klingon"}, "no such encoding"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_with_the_cure_and_nothing_of_it(
    tmp_path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as error:
        surveyed(CallFile(path, **options))
    assert message in str(error.value)
    assert not [s for s in ("张伟", "李四", "138") if s in str(error.value)]


def test_options_that_name_nothing_are_errors_that_quote_no_name(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"dialogue": GOOD})
    with pytest.raises(ConfigError, match="--map who: no such field"):
        surveyed(CallFile(path, names={"who": "x"}))
    with pytest.raises(ConfigError, match="--speaker") as error:
        surveyed(CallFile(path, speakers={"张伟": "李四"}))
    assert "张伟" not in str(error.value)


def test_a_speakers_own_name_is_replaced_wherever_it_is_said(tmp_path: Path) -> None:
    talk = [{**u, "speaker": "赵铁柱" if u["speaker"] == "客户" else "客服"} for u in GOOD]
    path = lines(tmp_path / "a.jsonl", {"dialogue": [*talk, {"speaker": "客服", "text": "赵铁柱您好"}]})
    (call,) = CallFile(path, speakers={"赵铁柱": "客户"}).each()
    assert call.utterances[-1].text == "[姓名]您好"


def test_topics_are_redacted_and_one_that_is_lacking_is_another(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"dialogue": GOOD, "source": "回访13800138000"}, {"dialogue": GOOD})
    assert [call.topic for call in CallFile(path).each()] == ["回访[手机号码]", "其他"]
    assert surveyed(CallFile(path)).unnamed == 1


def test_what_a_call_says_of_a_person_is_known_in_its_topic_as_well(tmp_path: Path) -> None:
    talk = [*GOOD, {"speaker": "客服", "text": "我是客服小李"}, {"speaker": "客户", "text": "我叫冯小宝"}]
    path = lines(tmp_path / "a.jsonl", {"dialogue": talk, "source": "冯小宝退保，8000尾号"})
    (call,) = CallFile(path).each()
    assert "冯小宝" not in call.topic
    assert "退保" in call.topic


def test_a_quote_that_is_never_closed_says_how_many_lines_it_takes(tmp_path: Path) -> None:
    rows = [f"{i // 6},{'客户' if i % 2 else '客服'},好的我帮您查一下" for i in range(60)]
    rows[20] = rows[20].replace("好的", '"好的')
    path = tmp_path / "a.csv"
    path.write_text("conversation,speaker,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    survey = surveyed(CallFile(path))
    assert survey.calls == 3
    assert any("lines 22 to 61 are lost" in why for why in survey.messages.values())


def test_a_table_in_big5_is_not_read_as_gbk(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = ["1,agent,您好，請問有什麼可以幫您", "1,customer,我的帳單不對，你們多扣了錢"] * 3
    path.write_bytes(("conversation,speaker,text\n" + "\n".join(rows)).encode("big5"))
    with pytest.raises(DataError, match=r"looks like Big5; .*--encoding big5"):
        surveyed(CallFile(path))
    assert surveyed(CallFile(path, encoding="big5")).calls == 1


def test_without_redaction_the_texts_are_those_of_the_file(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"dialogue": GOOD})
    (call,) = CallFile(path, redacted=False).each()
    assert tuple(u.text for u in call.utterances) == CALLS[0].texts
    assert CallFile(path, redacted=False).identity() != CallFile(path).identity()


def test_parquet_is_read_as_well(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(
        pyarrow.Table.from_pylist([{"dialogue": GOOD, "source": "x"}] * 3), tmp_path / "a.parquet"
    )
    assert [call.place for call in CallFile(tmp_path / "a.parquet").each()] == ["[0]", "[1]", "[2]"]


def test_lines_are_read_in_the_memory_of_one_call(tmp_path: Path) -> None:
    wide = {"dialogue": GOOD, "more": "x" * 200_000}
    path = lines(tmp_path / "a.jsonl", *[wide] * 40)
    tracemalloc.start()
    assert sum(1 for _ in CallFile(path).each()) == 40
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000

"""Reading conversation files: every kind of defect, with its position, in one pass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csc_tasks.data.conversations import Conversation, Speaker, Utterance, check_record
from csc_tasks.data.files import inspect_file, read_file, write_conversations
from csc_tasks.data.mistakes import distinct_mistakes
from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy

Record = dict[str, Any]


def record() -> Record:
    return {
        "dialogue": [
            {"speaker": "客服", "strategy": "策略1 礼貌问候", "text": "您好，请讲。"},
            {"speaker": "客户", "strategy": None, "text": "我要退货。"},
            {"speaker": "客服", "strategy": "策略2: 确认身份", "text": "请报一下订单号。"},
        ],
        "source": "产品咨询",
    }


def changed(*path: str | int, value: object = ...) -> Record:
    """A sound record with one value changed, or removed where none is given."""
    raw: Any = record()
    at = raw
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return raw  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("raw", "place", "kind"),
    [
        (changed("dialogue", 2, "strategy", value="推销"), "dialogue[2].strategy", "unknown-strategy"),
        (
            changed("dialogue", 2, "strategy", value="策略3 确认身份"),
            "dialogue[2].strategy",
            "unknown-strategy",
        ),
        (changed("dialogue", 2, "strategy"), "dialogue[2].strategy", "missing-strategy"),
        (changed("dialogue", 0, "strategy", value=""), "dialogue[0].strategy", "missing-strategy"),
        (changed("dialogue", 1, "text"), "dialogue[1].text", "missing-field"),
        (changed("dialogue", 1, "text", value=5), "dialogue[1].text", "wrong-type"),
        (changed("dialogue", 1, "text", value="  "), "dialogue[1].text", "empty-text"),
        (changed("dialogue", 1, "text", value="好\ud800"), "dialogue[1].text", "lone-surrogate"),
        (changed("dialogue", 1, "speaker"), "dialogue[1].speaker", "missing-field"),
        (changed("dialogue", 1, "speaker", value="机器人"), "dialogue[1].speaker", "wrong-speaker"),
        (changed("dialogue", 1, "speaker", value=["客户"]), "dialogue[1].speaker", "wrong-speaker"),
        (changed("dialogue", 1, value="我要退货"), "dialogue[1]", "not-an-object"),
        (changed("dialogue"), "dialogue", "missing-field"),
        (changed("dialogue", value={}), "dialogue", "wrong-type"),
        (changed("dialogue", value=[]), "dialogue", "empty-dialogue"),
        (changed("dialogue", value=[record()["dialogue"][0]]), "dialogue", "one-sided"),
        (changed("dialogue", value=[record()["dialogue"][1]]), "dialogue", "one-sided"),
        (changed("source", value=7), "source", "wrong-type"),
        ("a string", "", "not-an-object"),
        (None, "", "not-an-object"),
    ],
)
def test_each_fatal_defect_is_found_at_its_place(raw: object, place: str, kind: str) -> None:
    conversation, defects = check_record(raw)
    assert conversation is None
    assert (place, kind) in [(d.place, d.kind) for d in defects if d.fatal]


@pytest.mark.parametrize(
    ("raw", "place", "kind"),
    [
        (
            changed("dialogue", 1, "speaker", value="客服")
            | {"dialogue": [*record()["dialogue"], record()["dialogue"][2]]},
            "dialogue[3].speaker",
            "not-alternating",
        ),
        (changed("dialogue", 1, "text", value="长" * 501), "dialogue[1].text", "long-text"),
        (changed("dialogue", 1, "strategy", value="礼貌问候"), "dialogue[1].strategy", "customer-strategy"),
        (changed("source"), "source", "missing-topic"),
    ],
)
def test_broken_construction_rules_are_named_but_do_not_keep_a_file_from_use(
    raw: Record, place: str, kind: str
) -> None:
    conversation, defects = check_record(raw)
    assert conversation is not None
    assert [(d.place, d.kind) for d in defects] == [(place, kind)]


@pytest.mark.parametrize("strategy", [None, "", ...])
def test_a_customers_strategy_may_be_null_empty_or_missing(strategy: object) -> None:
    conversation, defects = check_record(changed("dialogue", 1, "strategy", value=strategy))
    assert conversation is not None
    assert defects == []
    assert conversation.utterances[1].strategy is None


def test_either_side_may_open() -> None:
    raw = record()
    raw["dialogue"] = raw["dialogue"][1:]
    assert check_record(raw).conversation is not None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["客服", "客户", "提供建议"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dialogue", "source", "speaker", "strategy", "text", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_checking_any_json_value_never_raises(raw: object) -> None:
    conversation, defects = check_record(raw)
    assert (conversation is None) == any(d.fatal for d in defects)


utterances = st.builds(
    Utterance,
    speaker=st.just(Speaker.SUPPORTER),
    strategy=st.sampled_from(Strategy),
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
)


@given(
    st.lists(utterances, min_size=1, max_size=4),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_a_conversation_survives_its_own_record(supporter: list[Utterance], topic: str) -> None:
    customer = Utterance(Speaker.CUSTOMER, None, "好")
    conversation = Conversation.of(topic, [customer, *supporter])
    assert check_record(json.loads(json.dumps(conversation.record()))).conversation == conversation


def write(path: Path, data: bytes | str | object) -> Path:
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        path.write_text(
            data if isinstance(data, str) else json.dumps(data, ensure_ascii=False), encoding="utf-8"
        )
    return path


def whole(records: list[object]) -> str:
    return json.dumps(records, ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.json", b"", r"the JSON ends in the middle; 0 complete conversations"),
        ("a.json", b"[]", r"no conversations in the file"),
        ("a.json", b"{}", r"must hold an array of conversations, not dict"),
        ("a.json", json.dumps(record()).encode(), r"one conversation, not an array"),
        (
            "a.json",
            (json.dumps(record()) + "\n" + json.dumps(record())).encode(),
            r"JSON lines is named \.jsonl",
        ),
        ("a.json", b"[" * 100_000, r"nested too deeply|ends in the middle"),
        ("a.json", b'[{"dialogue": }]', r"line 1, column 15, in conversation \[0\]: invalid JSON"),
        ("a.json", '[\n\n"好'.encode()[:-1], r"line 3, byte 4: not UTF-8 \(byte 0xe5\)"),
        ("a.json", "[{}]".encode("utf-16"), r"not UTF-8"),
        ("a.jsonl", b"\n\n{oops}\n", r"line 3, column 2: invalid JSON"),
        ("a.jsonl", b"\xff\xfe\n", r"line 1: not UTF-8"),
        ("a.parquet", b"PAR1 nonsense", r"not a readable parquet file"),
        ("a.csv", b"x", r"ends in \.json, \.jsonl, \.parquet, not in '\.csv'"),
    ],
)
def test_an_unreadable_file_is_one_clear_message_that_names_it(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = write(tmp_path / name, data)
    with pytest.raises(DataError, match=message) as caught:
        read_file(path)
    assert str(path) in str(caught.value)


def test_an_array_cut_off_in_the_middle_says_where_and_what_came_before(tmp_path: Path) -> None:
    second = record() | {"source": "其他"}
    text = json.dumps([record(), second, record()], ensure_ascii=False, indent=1)
    path = write(tmp_path / "cut.json", text[: len(text) * 5 // 6])
    report = inspect_file(path)
    assert len(report.conversations) == 2
    assert [d.defect.kind for d in report.fatal] == ["cut-off"]
    assert "in conversation [2]" in report.fatal[0].where
    assert "2 complete conversations stand before it" in str(report.fatal[0])


def test_defects_before_a_cut_are_listed_with_it(tmp_path: Path) -> None:
    text = whole([changed("dialogue", 2, "strategy"), record()])
    report = inspect_file(write(tmp_path / "cut.json", text[:-30]))
    assert [d.defect.kind for d in report.fatal] == ["missing-strategy", "cut-off"]


def test_a_directory_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path / "CSConv.json", "[]")
    with pytest.raises(DataError, match=r"a directory, not a file.*it holds CSConv\.json"):
        read_file(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.json: no such file"):
        read_file(tmp_path / "gone.json")


def test_a_line_of_200_megabytes_is_refused_by_its_length(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as out:
        out.write(json.dumps(record()).encode() + b"\n")
        for _ in range(200):
            out.write(b'"' * 2**20)
    with pytest.raises(DataError, match=r"line 2: 209,715,200 bytes in one line"):
        read_file(path)


def test_every_defect_of_a_file_is_listed_in_one_pass_with_its_position(tmp_path: Path) -> None:
    records = [
        record(),
        changed("dialogue", 2, "strategy", value="推销"),
        changed("dialogue", 1, "speaker"),
        record(),
    ]
    report = inspect_file(write(tmp_path / "a.json", records))
    assert [(d.where, d.defect.kind) for d in report.defects] == [
        ("[1].dialogue[2].strategy", "unknown-strategy"),
        ("[2].dialogue[1].speaker", "missing-field"),
        ("[3]", "duplicate"),
    ]
    assert len(report.conversations) == 2


def test_json_lines_name_the_line(tmp_path: Path) -> None:
    lines = [json.dumps(record()), "", json.dumps(changed("dialogue", 2, "strategy", value="推销"))]
    report = inspect_file(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert [d.where for d in report.fatal] == ["line 3, dialogue[2].strategy"]


def test_reading_fails_on_the_first_fatal_defect_and_counts_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [changed("dialogue", 2, "strategy", value="推销")] * 3)
    with pytest.raises(
        DataError, match=r'a\.json: \[0\]\.dialogue\[2\]\.strategy: "推销" is none .*\(2 more\)'
    ):
        read_file(path)


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_every_format_gives_back_what_was_written(tmp_path: Path, suffix: str) -> None:
    conversations = [c for c, _ in [check_record(record()), check_record(record() | {"source": "其他"})] if c]
    write_conversations(tmp_path / f"out{suffix}", conversations)
    assert list(read_file(tmp_path / f"out{suffix}").conversations) == conversations


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_what_comes_one_after_the_other_is_written_as_what_is_there_at_once(
    tmp_path: Path, suffix: str
) -> None:
    made = (check_record(changed("dialogue", 1, "text", value=f"第{i}次")).conversation for i in range(2500))
    stream = [c for c in made if c]
    write_conversations(tmp_path / f"stream{suffix}", iter(stream))
    write_conversations(tmp_path / f"list{suffix}", stream)
    assert read_file(tmp_path / f"stream{suffix}").conversations == tuple(stream)
    assert (tmp_path / f"stream{suffix}").read_bytes() == (tmp_path / f"list{suffix}").read_bytes()


def test_a_stream_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    def stream() -> Iterator[Conversation]:
        conversation = check_record(record()).conversation
        assert conversation is not None
        yield from [conversation] * 1500
        raise DataError("the source ends here")

    for suffix in (".json", ".jsonl", ".parquet"):
        target = write(tmp_path / f"out{suffix}", "old")
        with pytest.raises(DataError, match="ends here"):
            write_conversations(target, stream())
        assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = write(tmp_path / "bom.json", b"\xef\xbb\xbf" + whole([record()]).encode())
    assert len(read_file(path).conversations) == 1


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = write(tmp_path / "out.json", "old")

    def full_disk(self: Path, _: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    conversation = check_record(record()).conversation
    assert conversation is not None
    with pytest.raises(DataError, match="No space left"):
        write_conversations(target, [conversation])
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_id_depends_on_the_content_alone() -> None:
    first, second = (
        check_record(record()).conversation,
        check_record(dict(reversed(record().items()))).conversation,
    )
    other = check_record(changed("dialogue", 1, "text", value="我要换货。")).conversation
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.id == second.id != other.id
    assert len(first.id) == 16


def bare(text: str = "我要换货。") -> Record:
    """A record without strategies."""
    raw = changed("dialogue", 1, "text", value=text)
    return raw | {"dialogue": [{k: v for k, v in u.items() if k != "strategy"} for u in raw["dialogue"]]}


def test_a_file_without_strategies_is_sound_and_keeps_none(tmp_path: Path) -> None:
    report = read_file(write(tmp_path / "a.json", whole([bare(), bare("我要修。")])))
    assert [c.labelled for c in report.conversations] == [False, False]
    for suffix in (".json", ".jsonl", ".parquet"):
        write_conversations(tmp_path / f"b{suffix}", report.conversations)
        assert read_file(tmp_path / f"b{suffix}").conversations == report.conversations


def test_a_file_with_strategies_here_and_there_is_refused_with_the_first_place_and_the_count(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.json", whole([record(), bare(), bare("我要修。")]))
    with pytest.raises(DataError, match=r"\[1\], all of it: no strategy, .*--unlabelled.* \(1 more\)"):
        read_file(path)
    assert [c.labelled for c in inspect_file(path).conversations] == [True]
    # A label that cannot be read is a label all the same.
    odd = changed("dialogue", 0, "strategy", value="推销")
    odd["dialogue"][2]["strategy"] = "推销"
    kinds = {d.defect.kind for d in inspect_file(write(tmp_path / "b.json", whole([odd, bare()]))).fatal}
    assert kinds == {"unknown-strategy", "missing-strategy"}


def test_the_same_mistake_made_often_is_one_with_a_count_and_its_first_places(tmp_path: Path) -> None:
    wrong = [
        changed("dialogue", 0, "strategy", value=label) for label in ("推销", "推销", "闲聊", "推销", "推销")
    ]
    for i, raw in enumerate(wrong):
        raw["dialogue"][1]["text"] = "长" * (501 + i)
    mistakes = distinct_mistakes(inspect_file(write(tmp_path / "a.json", whole(wrong))).defects)
    assert [(m.first.where, m.first.defect.kind, m.times) for m in mistakes] == [
        ("[0].dialogue[0].strategy", "unknown-strategy", 4),
        ("[2].dialogue[0].strategy", "unknown-strategy", 1),
        ("[0].dialogue[1].text", "long-text", 5),
    ]
    assert str(mistakes[0]).endswith(
        "(4 times, also at [1].dialogue[0].strategy, [3].dialogue[0].strategy, …)"
    )

"""Other people's formats: each is recognised and read, and what cannot be mapped is named with the cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.conversations import Speaker
from csc_tasks.data.find_format import find_format
from csc_tasks.data.formats import Format
from csc_tasks.data.importing import ImportOptions, import_file, read_pairs
from csc_tasks.errors import ConfigError, DataError

A, B = Speaker.SUPPORTER, Speaker.CUSTOMER
TALK = [(A, "您好，请讲。"), (B, "我要退货。"), (A, "请报一下订单号。")]


def write(path: Path, content: object) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in content), encoding="utf-8")  # type: ignore[attr-defined]
    else:
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def said(speaker: str, text: str, agent: str, customer: str) -> list[dict[str, str]]:
    return [{speaker: agent if who is A else customer, text: words} for who, words in TALK]


CHAT = said("role", "content", "assistant", "user")
ROWS = "会话ID,角色,内容\r\n" + "".join(
    f"{number},{'坐席' if who is A else '用户'},{words}\r\n" for number in (7, 8) for who, words in TALK
)


@pytest.mark.parametrize(
    ("name", "content", "form", "options"),
    [
        # OpenAI: a system line is left out, and content may be a list of parts
        ("a.jsonl", [{"messages": [{"role": "system", "content": "x"}, *CHAT]}], "messages", {}),
        (
            "a.json",
            [{"messages": [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in CHAT]}],
            "messages",
            {},
        ),
        ("a.json", [{"id": 1, "conversations": said("from", "value", "gpt", "human")}], "sharegpt", {}),
        ("a.json", [{"conversation": said("from", "value", "gpt", "human")}], "sharegpt", {}),
        # lists of turns: who speaks as a field, as the key, or at the beginning of the line
        ("a.json", [{"turns": said("speaker", "text", "Agent", "Customer")}], "turns", {}),
        ("a.json", [CHAT], "turns", {}),
        (
            "a.json",
            [[{"agent": "您好，请讲。"}, {"customer": "我要退货。"}, {"agent": "请报一下订单号。"}]],
            "turns",
            {},
        ),
        ("a.json", [["客服：您好，请讲。", "客戶: 我要退货。", "坐席：请报一下订单号。"]], "turns", {}),
        (
            "a.json",
            [
                {
                    "对话": [
                        {"系统": "用户进入会话"},
                        {"座席": "您好，请讲。"},
                        {"顧客": "我要退货。"},
                        {"客服": "请报一下订单号。"},
                    ]
                }
            ],
            "turns",
            {},
        ),
        (
            "a.json",
            [{"dialogue": said("who", "said", "AGENT", "USER")}],
            "turns",
            {"names": {"speaker": "who", "text": "said"}},
        ),
        (
            "a.json",
            [{"chat": said("speaker", "text", "客服", "客户")}],
            "turns",
            {"names": {"dialogue": "chat"}},
        ),
        (
            "a.json",
            [{"turns": said("speaker", "text", "小美", "张先生")}],
            "turns",
            {"speakers": {"小美": "客服", "张先生": "客户"}},
        ),
        # one utterance a record: JSON lines, and tables in what Excel writes
        ("a.jsonl", [{"session_id": 3, **m} for m in CHAT], "rows", {}),
        ("a.csv", ROWS, "rows", {}),
        ("a.csv", ROWS.encode("utf-8-sig"), "rows", {}),
        ("a.csv", ROWS.encode("gbk"), "rows", {}),
        ("a.csv", ROWS.replace(",", ";").encode("gb18030"), "rows", {}),
        ("a.csv", ROWS.replace(",", "\t").encode("utf-16"), "rows", {}),
        ("a.tsv", ROWS.replace(",", "\t"), "rows", {}),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 10 else "",
)
def test_each_format_is_recognised_and_read(
    tmp_path: Path, name: str, content: object, form: str, options: dict[str, Any]
) -> None:
    read = import_file(write(tmp_path / name, content), ImportOptions(**options))
    assert read.format == form
    assert len(read.conversations) == (2 if name.endswith("sv") else 1)
    for conversation in read.conversations:
        assert [(u.speaker, u.text) for u in conversation.utterances] == TALK
        assert not conversation.labelled


def test_another_encoding_can_be_named(tmp_path: Path) -> None:
    table = "對話ID,角色,內容\r\n1,客服,您好\r\n1,客戶,我要退貨\r\n"
    path = write(tmp_path / "a.csv", table.encode("big5"))
    read = import_file(path, ImportOptions(encoding="big5"))
    assert [u.text for u in read.conversations[0].utterances] == ["您好", "我要退貨"]


def test_strategies_topics_and_what_was_left_out_are_kept_and_counted(tmp_path: Path) -> None:
    rows = (
        "id,speaker,text,strategy,topic\n"
        "1,系统,会话开始,,\n"
        "1,客服,您好,策略1 礼貌问候,产品咨询\n"
        "1,客服,请讲,礼貌问候,\n"
        "1,客户,,,\n"
        '1,客户,"我要退货,谢谢",,\n'
        "1,客户,快点,提供建议,\n"
        "1,客服,请报单号,确认身份,\n"
    )
    path = write(tmp_path / "a.csv", rows)
    read = import_file(path, ImportOptions())
    (conversation,) = read.conversations
    assert conversation.topic == "产品咨询"
    assert [u.strategy.zh if u.strategy else None for u in conversation.utterances] == [
        *("礼貌问候", "礼貌问候", None, None, "确认身份")
    ]
    assert read.counts == {
        "lines of the system, left out": 1,
        "empty lines, left out": 1,
        "strategies of the customer, dropped": 1,
    }
    merged = import_file(path, ImportOptions(merge=True, topic="其他"))
    assert [u.text for u in merged.conversations[0].utterances] == [
        "您好 请讲",
        "我要退货,谢谢 快点",
        "请报单号",
    ]
    bare = import_file(path, ImportOptions(unlabelled=True))
    assert not bare.conversations[0].labelled
    assert bare.counts["strategies, dropped"] == 4


def test_lines_of_different_strategies_are_not_merged(tmp_path: Path) -> None:
    turns = [
        {"speaker": "客服", "text": "您好", "strategy": "礼貌问候"},
        {"speaker": "客服", "text": "请问您是本人吗", "strategy": "确认身份"},
        {"speaker": "客户", "text": "是"},
    ]
    read = import_file(write(tmp_path / "a.json", [{"dialogue": turns}]), ImportOptions(merge=True))
    assert len(read.conversations[0].utterances) == 3


def test_a_strategy_that_is_a_list_is_named_when_lines_are_merged_too(tmp_path: Path) -> None:
    turn = {"speaker": "客服", "text": "您好", "strategy": ["提供建议"]}
    path = write(tmp_path / "a.json", [{"dialogue": [turn, turn, {"speaker": "客户", "text": "是"}]}])
    for merge in (False, True):
        with pytest.raises(DataError, match=r"strategy"):
            import_file(path, ImportOptions(merge=merge))


def test_a_file_without_conversations_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.json: no conversations in it"):
        find_format(write(tmp_path / "a.json", []), {})


GOOD: dict[str, Any] = {"messages": CHAT}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", [{"chat": []}], r"\[0\]: no list of utterances .*there is: chat.*--map dialogue=NAME"),
        ("a.json", [GOOD, {"messages": "x"}], r"\[1\]: no list of utterances"),
        (
            "a.json",
            [GOOD, {"messages": [{"role": "user"}]}],
            r"\[1\]\.messages\[0\]: no text .*there are: role.*--map text=NAME",
        ),
        (
            "a.json",
            [GOOD, {"messages": [{"role": "user", "content": 5}]}],
            r"\[1\]\.messages\[0\]\.content: the text must be a text, not 5",
        ),
        (
            "a.json",
            [GOOD, {"messages": [{"role": "bot1", "content": "a"}, {"role": "bot1", "content": "b"}]}],
            r"who is 'bot1' \(2 lines\)\? Say it: --speaker bot1=客服",
        ),
        (
            "a.json",
            [GOOD, {"messages": [{"role": "user", "content": "a"}]}, GOOD["messages"][:1]],
            r"\[1\]: only 客户 speaks.*\(1 more mistakes\)",
        ),
        (
            "a.json",
            [{"messages": [{**m, "策略": "推销"} for m in GOOD["messages"]]}],
            r"\[0\]\.messages\[0\], strategy: \"推销\" is none of the twelve",
        ),
        ("a.json", [["您好"]], r"\[0\]\[0\]|\[0\]: |who speaks: '您好'"),
        (
            "a.json",
            [
                {
                    "dialogue": [
                        {"speaker": "客服", "text": "a", "strategy": "礼貌问候"},
                        {"speaker": "客户", "text": "b"},
                    ]
                },
                {"dialogue": [{"speaker": "客服", "text": "c"}, {"speaker": "客户", "text": "b"}]},
            ],
            r"1 of 2 conversations have no strategies.*--unlabelled",
        ),
        (
            "a.csv",
            "who,text\nx,y\n",
            r"no column conversation_id or .*\(there are: who, text\); say which it is: --map conversation=NAME",
        ),
        (
            "a.csv",
            "id,speaker,text\n1,客服,您好\n,客户,好\n",
            r"line 3: no conversation id; fill that cell on every line",
        ),
        (
            "a.csv",
            "id,speaker,text\n1,客服,您好,请讲\n",
            r"line 2: 4 cells, and the header has 3; a text with ',' in it must stand in quotes",
        ),
        ("a.csv", 'id,speaker,text\n1,客服,"您好\n', r"line 2: not a table"),
        ("a.csv", ROWS.encode("utf-16-le"), r"zero bytes, like UTF-16 without its mark.*CSV UTF-8"),
        (
            "a.csv",
            b"id,speaker,text\n1,a,\xff\xff\xff\n",
            r"neither UTF-8 nor UTF-16 nor GBK; save it as `CSV UTF-8`",
        ),
        ("a.csv", "", r"empty"),
    ],
)
def test_what_cannot_be_mapped_is_named_with_the_cure(
    tmp_path: Path, name: str, content: object, message: str
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(DataError, match=rf"{name}: .*{message}"):
        import_file(path, ImportOptions())


def test_what_is_broken_can_be_left_out_with_a_count(tmp_path: Path) -> None:
    content = [
        GOOD,
        {"messages": [{"role": "user", "content": "在吗"}]},
        {"messages": [{"role": "x", "content": "a"}]},
    ]
    read = import_file(write(tmp_path / "a.json", content), ImportOptions(skip_broken=True))
    assert len(read.conversations) == 1
    assert read.counts == {"conversations or lines that cannot be used, left out": 2}


def test_options_that_name_nothing_are_errors(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [GOOD])
    with pytest.raises(ConfigError, match=r"--map who: no such field; there are dialogue, speaker"):
        import_file(path, ImportOptions(names={"who": "x"}))
    with pytest.raises(ConfigError, match=r"--speaker x=boss: must be 客服, 客户 or drop"):
        import_file(path, ImportOptions(speakers={"x": "boss"}))
    with pytest.raises(ConfigError, match=r"--map 'speaker': must be NAME=VALUE"):
        read_pairs("--map", "speaker")
    assert read_pairs("--map", "speaker=who, text=said") == {"speaker": "who", "text": "said"}
    assert {f.value for f in Format} == {"csconv", "messages", "sharegpt", "turns", "rows"}

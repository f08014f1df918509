"""`csconv judge agreement`: a judge's verdicts held against people's ratings."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.errors import DataError
from csc_tasks.judging.ratings import read_ratings
from tests.door import csconv
from tests.judge_server import JudgeServer
from tests.judging.runs import configured, log_of, verdicts_of


def test_ratings_come_from_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(
        "conversation,turn,rater,empathy\nc0,0,甲,3\nc0,0,乙,4\nc0,1,甲,\nc1,,甲,5\n", encoding="utf-8-sig"
    )
    ratings = read_ratings(path)
    assert {rater: len(places) for rater, places in ratings.items()} == {"甲": 3, "乙": 1}
    assert ratings["甲"]["c0", 0]["empathy"] == "3"
    assert ratings["甲"]["c0", 1]["empathy"] == ""
    assert ("c1", None) in ratings["甲"]


TABLE = "conversation,turn,rater,empathy\nc0,0,张三，组长,3\nc0,1,张三，组长,4\n"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le-sig"])
def test_ratings_are_read_as_excel_writes_them(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / ("ratings.txt" if "utf-16" in encoding else "ratings.csv")
    mark = codecs.BOM_UTF16_LE if encoding.endswith("-le-sig") else b""
    text = TABLE.replace(",", separator).replace("\n", "\r\n")
    path.write_bytes(mark + text.encode(encoding.removesuffix("-sig") if mark else encoding))
    (places,) = read_ratings(path).values()
    assert list(read_ratings(path)) == ["张三，组长"]
    assert [row["empathy"] for row in places.values()] == ["3", "4"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_what_cannot_be_told_apart_is_refused_with_the_cure(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_bytes(TABLE.encode(encoding))
    with pytest.raises(
        DataError, match=r"UTF-16 without its mark.*save it as `CSV UTF-8`, or name its encoding"
    ):
        read_ratings(path)
    done = csconv("judge", "agreement", tmp_path, "--human", path, "--encoding", "klingon")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert len(read_ratings(path, encoding)["张三，组长"]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conversation,turn,empathy\n", "no ratings below the header"),
        ("", "empty"),
        ("conversation,turn,empathy\nc0,٣,3\n", "is no number"),
        ("conversation,turn,empathy\nc0,0,3,4,5\n", "line 2: 5 cells, and the header has 3"),
        ("turn,empathy\n0,3\n", "needs the columns conversation, turn"),
        ("conversation,turn,empathy\nc0,one,3\n", "line 2: turn 'one' is no number"),
        ("conversation,turn,empathy\nc0,0,3\nc0,0,4\n", "line 3: rated a second time"),
    ],
)
def test_a_mistake_in_the_ratings_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_ratings(path)


def test_ratings_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_ratings(tmp_path / "none.csv")


def test_verdicts_are_held_against_peoples_ratings(saved: Path, server: JudgeServer, tmp_path: Path) -> None:
    log = log_of(saved)
    config = configured(server, saved.parent)
    assert csconv("judge", log, "--config", config, "--sample", "40").code == 0
    rows = [
        f"{v['conversation']},{v['turn']},{rater},{v['scores']['empathy']},{v['scores']['resolved_step']}\n"
        for v in verdicts_of(log)
        for rater in "甲乙"
    ]
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("conversation,turn,rater,empathy,resolved_step\n" + "".join(rows))
    done = csconv("judge", "agreement", log.parent, "--human", ratings, "--json")
    assert done.code == 0, done.err
    figures = {f["dimension"]: f for f in json.loads(done.out)}
    assert set(figures) == {"empathy", "resolved_step"}
    assert figures["empathy"]["kappa"] == figures["resolved_step"]["kappa"] == 1.0
    assert figures["empathy"]["items"] == 40
    shown = csconv("judge", "agreement", log.parent, "--human", ratings)
    assert "rows people, columns judge" in shown.out
    assert csconv("judge", log_of(saved, "shuffle"), "--config", config, "--sample", "5").code == 0
    unclear = csconv("judge", "agreement", saved, "--human", ratings)
    assert "name one verdicts_*.jsonl, of the replies that were rated" in unclear.err

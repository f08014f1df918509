"""The cache: what is kept, and what happens to files that are not sound."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from csc_tasks.chat.cache import AnswerCache, CacheKind
from csc_tasks.errors import ChatError

KIND = CacheKind("answer cache", 0x12345678, "answers", "answer", "The journal has everything")
VALUE = {"text": "好的", "tokens": [1, 2]}


def test_a_cache_can_be_moved_and_read_by_anyone(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "here" / "cache.sqlite", KIND)
    cache.put({"a": VALUE, "b": VALUE})
    cache.close()
    assert [p.name for p in (tmp_path / "here").iterdir()] == ["cache.sqlite"]
    there = Path(shutil.move(tmp_path / "here" / "cache.sqlite", tmp_path / "there.sqlite"))
    moved = AnswerCache(there, KIND)
    assert moved.get(["a", "c"]) == {"a": VALUE}
    moved.close()
    rows = sqlite3.connect(there).execute("SELECT answer FROM answers").fetchall()
    assert [json.loads(text) for (text,) in rows] == [VALUE] * 2


def test_any_number_of_keys_is_looked_up_at_once(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "cache.sqlite", KIND)
    values = {str(i): i for i in range(1203)}
    cache.put(values)
    assert cache.get([*values, "none"]) == values
    assert cache.get([]) == {}
    cache.close()


def test_two_processes_read_what_the_other_wrote(tmp_path: Path) -> None:
    one, two = (AnswerCache(tmp_path / "cache.sqlite", KIND) for _ in range(2))
    one.put({"a": 1})
    two.put({"b": 2, "a": 3})
    assert one.get(["a", "b"]) == {"a": 3, "b": 2}
    one.close()
    two.close()


@pytest.mark.parametrize(
    "content", [b"40 bytes of text, which are no database" * 40, b"SQLite format 3\x00" * 99]
)
def test_a_file_that_is_no_database_is_an_error_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(content)
    with pytest.raises(
        ChatError, match=r"not a sound SQLite file.*name another cache. The journal has every"
    ):
        AnswerCache(path, KIND)
    assert path.read_bytes() == content


def test_somebody_elses_database_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE photos (name TEXT)")
    database.commit()
    database.close()
    before = path.read_bytes()
    with pytest.raises(ChatError, match="a SQLite file, but not a answer cache; name another one"):
        AnswerCache(path, KIND)
    assert path.read_bytes() == before
    with pytest.raises(ChatError, match="the answer cache cannot be opened"):
        AnswerCache(tmp_path, KIND)


def test_a_cache_of_another_kind_is_somebody_elses(tmp_path: Path) -> None:
    AnswerCache(tmp_path / "cache.sqlite", KIND).close()
    with pytest.raises(ChatError, match="not a card cache"):
        AnswerCache(tmp_path / "cache.sqlite", CacheKind("card cache", 0x1234, "cards", "card"))


def test_a_spoilt_entry_is_a_miss(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "cache.sqlite", KIND)
    cache.put({"a": VALUE, "b": VALUE})
    with sqlite3.connect(tmp_path / "cache.sqlite") as database:
        database.execute("UPDATE answers SET answer = '{\"text\": \"sco' WHERE key = 'a'")
    assert cache.get(["a", "b"]) == {"b": VALUE}
    cache.close()

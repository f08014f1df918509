"""The cache: what is kept, and what happens to files that are not sound."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import csc_tasks.chat.cache as cache_module
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


@pytest.mark.parametrize("how", ["auto", "files", "off"])
def test_a_cache_is_the_same_however_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    for each in ("auto", how, "auto"):
        monkeypatch.setenv("CSCONV_LOCKS", each)
        one, two = (AnswerCache(tmp_path / "a cache?.sqlite", KIND) for _ in range(2))
        one.put({each: 1})
        assert two.get([each]) == {each: 1}
        two.put({"b": 2})
        one.close()
        two.close()
        assert [p.name for p in tmp_path.iterdir()] == ["a cache?.sqlite"]
    last = AnswerCache(tmp_path / "a cache?.sqlite", KIND)
    assert last.get(["auto", how, "b"]) == {"auto": 1, how: 1, "b": 2}
    last.close()


def test_where_several_machines_see_the_folder_there_is_no_log_that_they_would_have_to_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "is_shared", lambda _: True)
    one, two = (AnswerCache(tmp_path / "cache.sqlite", KIND) for _ in range(2))
    one.put({"a": 1})
    assert two.get(["a"]) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["cache.sqlite"]
    one.close()
    two.close()


class Refusing(sqlite3.Connection):
    """SQLite where no write-ahead log can be had."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if "WAL" in sql:
            raise sqlite3.OperationalError("locking protocol")
        return super().execute(sql, *parameters)


def test_where_a_write_ahead_log_is_refused_the_cache_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **o: genuine(*a, factory=Refusing, **o))
    cache = AnswerCache(tmp_path / "cache.sqlite", KIND)
    cache.put({"a": 1})
    assert cache.get(["a"]) == {"a": 1}
    cache.close()


@pytest.mark.parametrize(
    "statement", ["PRAGMA user_version=2", "PRAGMA user_version=99", "PRAGMA application_id=0x12345679"]
)
def test_a_cache_of_a_newer_csconv_is_said_to_be_one_and_stays_as_it_is(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "cache.sqlite"
    cache = AnswerCache(path, KIND)
    cache.put({"a": 1})
    cache.close()
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()
    before = path.read_bytes()
    with pytest.raises(
        ChatError, match=r"cache\.sqlite: a answer cache of a newer csconv.*name another cache"
    ):
        AnswerCache(path, KIND)
    assert path.read_bytes() == before


def test_a_cache_of_before_formats_were_numbered_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    cache = AnswerCache(path, KIND)
    cache.put({"a": 1})
    cache.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=0")
    database.close()
    cache = AnswerCache(path, KIND)
    assert cache.get(["a"]) == {"a": 1}
    cache.close()


def test_who_cannot_write_for_others_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_PATIENCE", 0.1)
    path = tmp_path / "cache.sqlite"
    cache, other = (AnswerCache(path, KIND) for _ in range(2))
    other._db.execute("BEGIN IMMEDIATE")
    with pytest.raises(ChatError, match=r"is locked for 0\.1 s: wait for the process that writes it"):
        cache.put({"a": 1})
    other._db.execute("ROLLBACK")
    other.close()
    cache.close()


def test_a_new_file_is_made_once_by_however_many_open_it_at_the_same_moment(tmp_path: Path) -> None:
    for trial in range(10):
        path, together = tmp_path / f"{trial}.sqlite", threading.Barrier(8)

        def opened(n: int, path: Path = path, together: threading.Barrier = together) -> None:
            together.wait()
            cache = AnswerCache(path, KIND)
            cache.put({f"k{n}": n})
            cache.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(opened, range(8)))
        cache = AnswerCache(path, KIND)
        assert len(cache.get([f"k{n}" for n in range(8)])) == 8
        cache.close()


def test_the_first_value_of_a_key_is_everybodys(tmp_path: Path) -> None:
    caches = [AnswerCache(tmp_path / "kept.sqlite", KIND) for _ in range(2)]
    assert caches[0].put_new("k", {"text": "一"}) == {"text": "一"}
    assert caches[1].put_new("k", {"text": "二"}) == {"text": "一"}
    assert caches[1].get(["k"]) == {"k": {"text": "一"}}

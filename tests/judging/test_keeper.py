"""The cache and the log: what is kept, and what happens to files that are not sound."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from csc_tasks.chat.cache import VerdictCache
from csc_tasks.chat.journal import Journal, rescue
from csc_tasks.metrics.judge import JudgeError, Status, Verdict

VERDICT = Verdict(Status.SCORED, {"empathy": 4}, "好")


def test_a_cache_can_be_moved_and_read_by_anyone(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "here" / "cache.sqlite")
    cache.put({"a": VERDICT, "b": VERDICT})
    cache.close()
    assert [p.name for p in (tmp_path / "here").iterdir()] == ["cache.sqlite"]
    moved = VerdictCache(Path(shutil.move(tmp_path / "here" / "cache.sqlite", tmp_path / "there.sqlite")))
    assert moved.get(["a", "c"]) == {"a": VERDICT}
    moved.close()
    rows = sqlite3.connect(tmp_path / "there.sqlite").execute("SELECT verdict FROM verdicts").fetchall()
    assert [json.loads(text) for (text,) in rows] == [VERDICT.record()] * 2


def test_two_processes_share_a_cache_and_claim_a_key_once(tmp_path: Path) -> None:
    one, two = (VerdictCache(tmp_path / "cache.sqlite") for _ in range(2))
    assert one.claim(["a", "b"]) == {"a", "b"}
    assert two.claim(["b", "c"]) == {"c"}
    one.put({"a": VERDICT}, release=["b"])
    assert two.get(["a"]) == {"a": VERDICT}
    assert two.claim(["a", "b"]) == {"b"}  # a has its verdict, b was given up
    two.close()
    assert one.claim(["b", "c"]) == {"b", "c"}
    one.close()


def test_the_claims_of_a_process_that_was_killed_are_void(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from csc_tasks.chat.cache import VerdictCache\n"
        "cache = VerdictCache(Path(sys.argv[1])); assert cache.claim(['a']) == {'a'}\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "cache.sqlite")], check=False)
    cache = VerdictCache(tmp_path / "cache.sqlite")
    assert cache.claim(["a"]) == {"a"}
    cache.close()


@pytest.mark.parametrize(
    "content", [b"these are no verdicts, but 40 bytes of text" * 40, b"SQLite format 3\x00" * 99]
)
def test_a_file_that_is_no_database_is_an_error_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(content)
    with pytest.raises(JudgeError, match=r"not a sound SQLite file.*remove it or name another cache"):
        VerdictCache(path)
    assert path.read_bytes() == content


def test_somebody_elses_database_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE photos (name TEXT)")
    database.commit()
    database.close()
    before = path.read_bytes()
    with pytest.raises(JudgeError, match="not a verdict cache"):
        VerdictCache(path)
    assert path.read_bytes() == before
    with pytest.raises(JudgeError, match="cannot be opened"):
        VerdictCache(tmp_path)


def test_a_spoilt_entry_is_a_miss(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "cache.sqlite")
    cache.put({"a": VERDICT, "b": VERDICT})
    cache._db.execute("UPDATE verdicts SET verdict = '{\"status\": \"sco' WHERE key = 'a'")
    cache._db.execute("UPDATE verdicts SET verdict = '[1]' WHERE key = 'b'")
    assert cache.get(["a", "b"]) == {}
    assert cache.claim(["a", "b"]) == {"a", "b"}  # and is asked for again
    cache.close()
    with pytest.raises(ValueError, match="not a verdict"):
        Verdict.of({"status": "scored"})


def test_a_log_that_was_cut_off_in_a_line_goes_on_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text('{"key": "a"}\n{"key": "b", "sta')
    journal = Journal(path)
    journal.append([{"key": "c"}])
    journal.append([{"key": "d"}])
    assert [r["key"] for r in journal.records()] == ["a", "c", "d"]
    journal.close()


def test_a_full_disk_is_an_error_and_the_records_are_rescued(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    journal = Journal(full)
    with pytest.raises(OSError, match="No space left"):
        journal.append([{"key": "a"}])
    journal.close()
    saved = rescue([{"key": "a"}])
    assert saved is not None
    assert json.loads(saved.read_text()) == {"key": "a"}
    saved.unlink()

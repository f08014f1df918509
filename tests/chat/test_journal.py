"""The journal: whole lines count, and what a disk does not take is put elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from csc_tasks.chat.journal import Journal, read_journal, rescue
from csc_tasks.errors import ChatError


def test_records_are_lines_that_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.jsonl"
    for part in ([{"key": "a", "text": "好\n"}], [{"key": "b"}, {"key": "c"}]):
        journal = Journal(path)
        for record in part:
            journal.append(record)
        journal.close()
    assert path.read_text().splitlines()[0] == '{"key": "a", "text": "好\\n"}'
    assert [record["key"] for record in read_journal(path)] == ["a", "b", "c"]


def test_a_journal_that_was_cut_off_in_a_line_goes_on_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"key": "a"}\n{"key": "b", "sta')
    journal = Journal(path)
    journal.append({"key": "c"})
    journal.append({"key": "d"})
    assert [r["key"] for r in read_journal(path)] == ["a", "c", "d"]
    journal.close()


def test_what_is_no_record_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'[1]\n7\n\xff\xfe\n\n{"key": "a"}\n')
    assert list(read_journal(path)) == [{"key": "a"}]
    assert list(read_journal(tmp_path / "none.jsonl")) == []


def test_a_journal_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ChatError, match="cannot be opened"):
        Journal(tmp_path)


def test_a_full_disk_is_an_error_and_the_records_are_rescued(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    journal = Journal(full)
    with pytest.raises(OSError, match="No space left"):
        journal.append({"key": "a"})
    journal.close()
    saved = rescue([{"key": "a"}], "csconv_test_")
    assert saved is not None
    assert saved.name.startswith("csconv_test_")
    assert json.loads(saved.read_text()) == {"key": "a"}
    saved.unlink()


def test_a_journal_of_a_newer_csconv_is_said_to_be_one_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"key": "a"}\n{"key": "b", "format": 2}\n')
    with pytest.raises(ChatError, match=r"journal\.jsonl: a journal of a newer csconv.*install that csconv"):
        list(read_journal(path))
    assert path.read_text().count("\n") == 2


def test_paid_records_are_rescued_without_working_folder_home_or_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    gone, home = tmp_path / "gone", tmp_path / "home"
    gone.mkdir()
    home.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(home))
    path = rescue([{"key": "a"}], "rescued_")
    assert path is not None
    assert path.parent == home
    monkeypatch.setattr(Path, "home", absent)
    assert rescue([{"key": "a"}], "rescued_") is None


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_a_journal_that_is_no_longer_in_its_place_takes_nothing_more_and_gives_back_what_it_has(
    tmp_path: Path, how: str
) -> None:
    path = tmp_path / "folder" / "journal.jsonl"
    journal = Journal(path)
    journal.append({"key": "a"})
    if how == "removed":
        shutil.rmtree(path.parent)
    else:
        path.parent.rename(tmp_path / "elsewhere")
    if how == "replaced":
        path.parent.mkdir()
        path.touch()
    with pytest.raises(FileNotFoundError):
        journal.append({"key": "b"})
    assert journal.removed() == (b'{"key": "a"}\n' if how == "removed" else b"")
    journal.close()

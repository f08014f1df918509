"""Verdicts in the journal and the cache: what is kept, and what serves again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from csc_tasks.chat.journal import read_journal
from csc_tasks.errors import ChatError
from csc_tasks.judging.keeper import Keeper, Known, known, open_cache, recall
from csc_tasks.metrics.judge import Sample, Status, Verdict, load_rubric
from csc_tasks.metrics.judge.rubric import TURN_RUBRIC
from csc_tasks.metrics.judge.verdict import SILENT

RUBRIC = load_rubric(TURN_RUBRIC)
GRADES = {**dict.fromkeys([d.name for d in RUBRIC.scales], 4), "resolved_step": True}
VERDICT = Verdict(Status.SCORED, GRADES, "好")
ORIGIN = {"rubric": f"{RUBRIC.name}@{RUBRIC.sha256}", "judge": "m"}
A, B, C = ("a" * 40, "b" * 40, "c" * 40)


def sample(turn: int = 0) -> Sample:
    return Sample("c0", turn, {})


def keeper(folder: Path, troubles: list[str] | None = None) -> Keeper:
    found = [] if troubles is None else troubles
    return Keeper(
        open_cache(folder / "cache.sqlite"), folder / "verdicts.jsonl", RUBRIC, ORIGIN, found.append
    )


def places(folder: Path) -> list[tuple[str, int, bool]]:
    return [(r["key"], r["turn"], r["cached"]) for r in read_journal(folder / "verdicts.jsonl")]


def test_a_verdict_is_in_the_journal_at_once_and_in_the_cache_at_the_end(tmp_path: Path) -> None:
    keeping = keeper(tmp_path)
    keeping.add(A, sample(), VERDICT, cached=False)
    (line,) = read_journal(tmp_path / "verdicts.jsonl")
    assert line.pop("time") > 1e9
    assert line == {
        "key": A,
        "conversation": "c0",
        "turn": 0,
        **ORIGIN,
        "cached": False,
        **VERDICT.record(),
    }
    assert keeping.get(A) == Known(VERDICT, 1)
    assert keeping.finish() == ""
    assert known(open_cache(tmp_path / "cache.sqlite"), RUBRIC, A, B) == {A: Known(VERDICT, 1)}


def test_what_has_no_verdict_is_in_the_journal_alone(tmp_path: Path) -> None:
    keeping = keeper(tmp_path)
    keeping.add(A, sample(), Verdict(Status.FAILED, reason="HTTP 500"), cached=False)
    keeping.add(B, sample(1), Verdict(Status.SCORED, GRADES, flags=(SILENT,)), cached=False)
    keeping.finish()
    assert known(open_cache(tmp_path / "cache.sqlite"), RUBRIC, A, B) == {}
    assert len(places(tmp_path)) == 2
    assert recall(open_cache(tmp_path / "cache.sqlite"), tmp_path / "verdicts.jsonl", RUBRIC) == {
        (A, "c0", 0): Status.FAILED,
        (B, "c0", 1): Status.SCORED,
    }


NONE = Verdict(Status.UNPARSABLE, reason="no verdict in the answer", raw="不好说")


def test_an_answer_that_is_no_verdict_is_counted_wherever_it_was_paid_for(tmp_path: Path) -> None:
    keeping = keeper(tmp_path)
    keeping.add(A, sample(), NONE, cached=False)
    keeping.add(A, sample(), NONE, cached=False)
    keeping.add(A, sample(1), NONE, cached=True)  # the same text elsewhere
    keeping.finish()
    assert keeper(tmp_path).get(A) == Known(NONE, 2)
    (tmp_path / "cache.sqlite").unlink()
    again = keeper(tmp_path)
    assert again.get(A) == Known(NONE, 2)
    again.add(A, sample(1), NONE, cached=True)
    again.add(A, sample(), VERDICT, cached=False)
    again.finish()
    assert keeper(tmp_path).get(A) == Known(VERDICT, 1)
    assert places(tmp_path) == [(A, 0, False), (A, 0, False), (A, 1, True), (A, 0, False)]


def test_answers_in_a_journal_of_before_they_were_counted_count(tmp_path: Path) -> None:
    line = {"key": A, "conversation": "c0", "turn": 0, "cached": False, **ORIGIN, **NONE.record()}
    (tmp_path / "verdicts.jsonl").write_text(f"{json.dumps(line)}\n" * 3)
    assert keeper(tmp_path).get(A) == Known(NONE, 3)
    assert Known(NONE, 3).settled(reasks=2)
    assert not Known(NONE, 3).settled(reasks=3)


def test_each_turn_has_its_line_once(tmp_path: Path) -> None:
    for _ in range(2):
        keeping = keeper(tmp_path)
        keeping.add(A, sample(0), VERDICT, cached=True)
        keeping.add(A, sample(1), VERDICT, cached=True)
        keeping.finish()
    assert places(tmp_path) == [(A, 0, True), (A, 1, True)]


def test_a_lost_cache_is_filled_again_from_the_journal(tmp_path: Path) -> None:
    keeping = keeper(tmp_path)
    keeping.add(A, sample(), VERDICT, cached=False)
    keeping.finish()
    (tmp_path / "cache.sqlite").unlink()
    assert keeper(tmp_path).get(A) == Known(VERDICT, 1)


def test_an_entry_that_is_no_verdict_is_a_miss(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "cache.sqlite")
    cache.put({A: VERDICT.record(), B: [1], C: {"status": "scored"}})
    assert known(cache, RUBRIC, A, B, C) == {A: Known(VERDICT, 1)}
    cache.close()


def test_a_cache_of_an_older_csconv_serves_on(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    with sqlite3.connect(path) as database:
        database.executescript(
            f"""CREATE TABLE verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL);
            CREATE TABLE claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE owners (owner TEXT PRIMARY KEY, host TEXT, pid INTEGER, seen REAL) WITHOUT ROWID;
            INSERT INTO claims VALUES ('{B}', 'somebody');
            PRAGMA application_id={0x63736A31}"""
        )
        text = json.dumps(VERDICT.record(), ensure_ascii=False)
        database.execute("INSERT INTO verdicts VALUES (?, ?)", (A, text))
    database.close()
    keeping = keeper(tmp_path)
    assert keeping.get(A) == Known(VERDICT, 1)
    assert keeping.get(B) is None
    keeping.finish()


def test_a_file_that_is_no_cache_says_where_the_verdicts_are(tmp_path: Path) -> None:
    (tmp_path / "cache.sqlite").write_text("this is not SQLite, it is a note to myself" * 50)
    with pytest.raises(ChatError, match=r"remove it or name another cache. Verdicts that stand in verdicts_"):
        open_cache(tmp_path / "cache.sqlite")


def test_what_no_file_takes_is_rescued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    troubles: list[str] = []
    keeping = Keeper(
        open_cache(tmp_path / "cache.sqlite"), Path("/dev/full"), RUBRIC, ORIGIN, troubles.append
    )
    keeping.add(A, sample(), VERDICT, cached=False)
    assert troubles == ["/dev/full: cannot be written (No space left on device)"]
    said = keeping.finish()
    assert "1 paid verdicts were saved in" in said
    (rescued,) = tmp_path.glob("csconv_verdicts_*.jsonl")
    assert [record["key"] for record in read_journal(rescued)] == [A]


FORGED = {
    "a grade of a million": {"scores": {**GRADES, "empathy": 1_000_000}},
    "a grade between the grades": {"scores": {**GRADES, "empathy": 3.5}},
    "yes for a grade": {"scores": {**GRADES, "empathy": True}},
    "a grade for yes or no": {"scores": {**GRADES, "resolved_step": 5}},
    "a dimension less": {"scores": {"empathy": 5}},
    "a dimension more": {"scores": {**GRADES, "charm": 5}},
    "no scores": {"scores": None},
    "scores as a list": {"scores": [["empathy", 5]]},
    "an endless latency": {"latency": float("inf")},
    "negative tokens": {"usage": {"prompt": -1, "completion": 0, "estimated": False}},
    "tokens beyond measure": {"usage": {"prompt": 10**400, "completion": 0, "estimated": False}},
    "flags as a text": {"flags": "silent"},
    "another key": {"key": "../../etc/passwd"},
    "a key that is no text": {"key": 1},
    "another rubric": {"rubric": "turn-zh-2@0000"},
    "a turn that is no number": {"turn": "0"},
    "a conversation that is no text": {"conversation": ["c0"]},
}


@pytest.mark.parametrize("case", FORGED)
def test_a_line_that_no_judge_gave_is_passed_over_and_said(
    case: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sound = {"key": A, "conversation": "c0", "turn": 0, **ORIGIN, "cached": False, **VERDICT.record()}
    lines = [{**sound, **FORGED[case]}, {**sound, "key": B, "turn": 1}]
    journal = tmp_path / "verdicts.jsonl"
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    cache = open_cache(tmp_path / "cache.sqlite")
    assert recall(cache, journal, RUBRIC) == {(B, "c0", 1): Status.SCORED}
    assert known(cache, RUBRIC, A, B) == {B: Known(VERDICT, 1)}
    assert "1 lines are no verdicts under turn-zh-2 and are passed over" in caplog.text
    cache.close()


@pytest.mark.parametrize("case", [name for name in FORGED if "key" not in name and "rubric" not in name][:12])
def test_an_entry_of_the_cache_that_no_judge_gave_is_a_miss(case: str, tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "cache.sqlite")
    cache.put({A: {**VERDICT.record(), **FORGED[case]}})
    assert known(cache, RUBRIC, A) == {}
    cache.close()

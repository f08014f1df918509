"""Merging runs: every case once, journals with what was paid for, one card; the old folders stay as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.chat.journal import Journal
from csc_tasks.data.sources import load
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.facts import asked_in
from csc_tasks.synthesis.journal import Answered, ended_in, ended_line, head_of, index_of, open_journal
from csc_tasks.synthesis.output.export import write_outputs
from csc_tasks.synthesis.output.outputs import OutputRules
from csc_tasks.synthesis.output.run_facts import facts_of
from tests.door import Done, csconv
from tests.synthesis.talks import dropped, ended, talk

HEAD: dict[str, Any] = {
    "kind": "roleplay",
    "seed": 0,
    "prompts": "roleplay-zh-1",
    "models": {"supporter": "a"},
}


def case(name: int, number: int, content: int | None = None) -> Ended:
    """A case whose id is not its number."""
    made = ended(number, talk(name if content is None else content))
    return Ended(f"{name:016x}", number, made.conversation, "", made.provenance)


def answer(journal: Journal, name: int, usable: bool = True) -> None:
    reason = "" if usable else "empty"
    answered = Answered(
        f"{name:016x}", 0, "supporter", "f" * 16, usable, reason, "您好", "qwen3", "id", 10, 5, 0.5
    )
    journal.append(answered.record())


def run(
    folder: Path, cases: Iterable[Ended], begun: Iterable[int] = (), written: bool = True, **head: Any
) -> Path:
    """An output folder: a case's answer, then its end."""
    journal = open_journal(folder, "main", HEAD | head)
    for each in cases:
        answer(journal, int(each.case, 16))
        journal.append(ended_line(each))
    for name in begun:
        answer(journal, name, usable=False)
    journal.close()
    if written:
        sums = asked_in(folder, index_of(folder))
        facts = facts_of(head_of(folder) or {}, sums, currency="CNY", source="profiles")
        write_outputs(folder, lambda: ended_in(folder), facts, OutputRules())
    return folder


def merge(*arguments: str | Path) -> Done:
    return csconv("synthesize", "merge", *arguments)


def ids(folder: Path) -> list[str]:
    return [c.id for c in load(str(folder / "conversations.json")).conversations]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def test_two_runs_become_one_that_is_valid_and_keeps_what_was_paid_for(tmp_path: Path) -> None:
    first = run(tmp_path / "first", [case(1, 0), dropped(8)], begun=[7])
    second = run(tmp_path / "second", [case(5, 1), case(4, 0)], seed=9)
    before = snapshot(tmp_path)
    done = merge(first, second, "--out", tmp_path / "new")
    assert done.code == 0, done.output
    assert "wrote 3 conversations to" in done.out
    assert ids(tmp_path / "new") == [talk(1).id, talk(4).id, talk(5).id]
    assert csconv("data", "validate", "--strict", tmp_path / "new" / "conversations.json").code == 0
    assert [e.number for e in ended_in(tmp_path / "new")] == [0, 1, 2, 3]
    sums = asked_in(tmp_path / "new", index_of(tmp_path / "new"))
    assert (sums.requests["supporter"], sums.cost, sums.begun) == (5, 2.5, 1)
    info = json.loads((tmp_path / "new" / "info.json").read_text("utf-8"))
    assert info["run"]["cost"] == {"CNY": 2.5}
    assert info["run"]["requests"] == {"supporter": 5}
    assert info["cases"]["unfinished"] == 1
    card = (tmp_path / "new" / "README.md").read_text("utf-8")
    assert "The runs differ in `seed`." in card
    assert "### Run first" in card
    assert {name: data for name, data in snapshot(tmp_path).items() if "/new/" not in name} == before


def test_a_case_of_several_runs_is_taken_once_and_the_first_named_counts(tmp_path: Path) -> None:
    one = run(tmp_path / "one", [case(1, 0), case(2, 1, content=20), case(3, 2)])
    two = run(tmp_path / "two", [case(2, 0, content=21), case(1, 1), case(9, 2)], begun=[3])
    done = merge(one, two, "--out", tmp_path / "new")
    assert ids(tmp_path / "new") == [talk(n).id for n in (1, 20, 3, 9)]
    assert "1 cases are over in several folders, all to the same end: taken once" in done.out
    assert "1 cases came to something else in several folders: the one named first counts" in done.out
    merge(two, one, "--out", tmp_path / "other")
    assert ids(tmp_path / "other") == [talk(n).id for n in (21, 1, 9, 3)]


def test_what_is_over_in_one_run_wins_over_what_another_only_began(tmp_path: Path) -> None:
    begun = run(tmp_path / "begun", [case(1, 0)], begun=[2])
    over = run(tmp_path / "over", [case(2, 0)])
    merge(begun, over, "--out", tmp_path / "new")
    assert ids(tmp_path / "new") == [talk(1).id, talk(2).id]


def test_near_duplicates_and_overlap_are_looked_for_over_all_of_them(tmp_path: Path) -> None:
    one = run(tmp_path / "one", [case(1, 0)])
    two = run(tmp_path / "two", [case(2, 0, content=1), case(3, 1)])
    (tmp_path / "own.jsonl").write_text(json.dumps(talk(3).record(), ensure_ascii=False), "utf-8")
    done = merge(one, two, "--out", tmp_path / "new", "--against", tmp_path / "own.jsonl")
    assert ids(tmp_path / "new") == [talk(1).id]
    assert "1  near-duplicate of an earlier one" in done.out
    assert "1  overlaps with evaluation data" in done.out
    done = merge(one, two, "--out", tmp_path / "kept", "--against", tmp_path / "own.jsonl", "--allow-overlap")
    assert ids(tmp_path / "kept") == [talk(1).id, talk(3).id]
    assert "1 CONVERSATIONS OVERLAP WITH EVALUATION DATA" in done.out


def test_what_was_merged_can_be_merged_again(tmp_path: Path) -> None:
    for name in (1, 2, 3):
        run(tmp_path / str(name), [case(name, 0)], seed=name)
    merge(tmp_path / "1", tmp_path / "2", "--out", tmp_path / "a")
    assert merge(tmp_path / "a", tmp_path / "3", "--out", tmp_path / "b").code == 0
    assert ids(tmp_path / "b") == [talk(n).id for n in (1, 2, 3)]
    info = json.loads((tmp_path / "b" / "info.json").read_text("utf-8"))
    assert {name: run_["seed"] for name, run_ in info["run"]["merged"].items()} == {
        "a/1": 1,
        "a/2": 2,
        "3": 3,
    }
    assert info["run"]["cost"] == {"CNY": 1.5}
    assert (head_of(tmp_path / "b") or {})["kind"] == "merge"


def test_a_run_that_was_killed_before_it_wrote_anything_is_merged_as_well(tmp_path: Path) -> None:
    killed = run(tmp_path / "killed", [case(1, 0)], written=False)
    with (killed / "journals" / "main.jsonl").open("ab") as file:
        file.write(b'{"format": 1, "case": "00000000000000')
    broken = run(tmp_path / "broken", [case(2, 0)])
    (broken / "info.json").write_text('{"run": {"kind": 3}}')
    done = merge(killed, broken, "--out", tmp_path / "new")
    assert done.code == 0, done.output
    assert ids(tmp_path / "new") == [talk(1).id, talk(2).id]
    assert json.loads((tmp_path / "new" / "info.json").read_text("utf-8"))["run"]["cost"] == {}


def test_folders_of_one_name_stay_two_runs(tmp_path: Path) -> None:
    for where in "xy":
        run(tmp_path / where / "out", [case(ord(where), 0)])
    merge(tmp_path / "x" / "out", tmp_path / "y" / "out", "--out", tmp_path / "new")
    info = json.loads((tmp_path / "new" / "info.json").read_text("utf-8"))
    assert list(info["run"]["merged"]) == ["out", "out (2)"]


def test_nothing_but_refused_is_told_and_a_failure_for_scripts(tmp_path: Path) -> None:
    one = run(tmp_path / "one", [dropped(0)])
    done = merge(one, "--out", tmp_path / "new")
    assert done.code == 1
    assert "NO CONVERSATION TO WRITE" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "run", "--out", "new"), "run: named twice"),
        (("run", "./run/", "--out", "new"), "run: named twice"),
        (("run", "none", "--out", "new"), "none: not the output folder of `csconv synthesize`"),
        (("run", "empty", "--out", "new"), "empty: not the output folder of `csconv synthesize`"),
        (("run", "--out", "run"), "run: exists; name a new folder with --out"),
        (("run", "--out", "file"), "file: exists; name a new folder with --out"),
        (("run", "--out", "run/new"), "run/new: lies within a folder that is to be merged"),
        (("run", "--out", "new", "--against", "CSConv"), "--against CSConv: "),
        (("run", "--out", "new", "--against", "none.json"), "--against none.json: none.json: no such file"),
        (("run", "--out", "file/new"), "file/new: cannot be made (File exists)"),
        (("newer", "--out", "new"), "a journal of a newer csconv"),
        (("bad", "--out", "new"), "is no case that this csconv could have written"),
    ],
)
def test_what_cannot_be_merged_is_told_and_nothing_is_left(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    run(tmp_path / "run", [case(1, 0)])
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for name, line in (
        ("newer", {"format": 99}),
        ("bad", {"format": 1, "ended": {"case": "x", "number": 0}}),
    ):
        (tmp_path / name / "journals").mkdir(parents=True)
        (tmp_path / name / "journals" / "a.jsonl").write_text(json.dumps(line) + "\n")
    before = sorted(p.name for p in tmp_path.iterdir())
    done = csconv("synthesize", "merge", *arguments, cwd=tmp_path)
    assert done.code == 1
    assert words in done.err
    assert "Traceback" not in done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert not (tmp_path / "run" / "new").exists()


def test_a_sum_of_costs_of_which_one_is_not_known_is_not_known_and_open_cases_are_said_to_stay_so(
    tmp_path: Path,
) -> None:
    paid = run(tmp_path / "paid", [case(1, 0)], begun=[7])
    killed = run(tmp_path / "killed", [case(2, 0)], written=False, seed=1)
    done = merge(paid, killed, "--out", tmp_path / "new")
    assert done.code == 0, done.output
    assert json.loads((tmp_path / "new" / "info.json").read_text("utf-8"))["run"]["cost"] == {}
    assert "1 cases are not over: what began them goes on with them in their own folders" in done.out
    assert "the same command" not in done.out

"""The files of a run: sound, the same whatever ended first, whole or not there, and of nothing a reason."""

from __future__ import annotations

import errno
import gc
import json
import random
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from csc_tasks.data.conversations import Conversation, Utterance
from csc_tasks.data.sources import evaluation_corpus, load, training_corpus
from csc_tasks.data.splits import Subset
from csc_tasks.errors import CSConvError, DataError
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.journal import ended_in, ended_line, open_journal
from csc_tasks.synthesis.output.export import FILES, check_rules, write_outputs
from csc_tasks.synthesis.output.outputs import OutputReport, OutputRules, RunFacts
from csc_tasks.synthesis.report import SynthesisReport
from csc_tasks.synthesis.session import RunOptions, run
from tests.door import csconv
from tests.synthesis.talks import dropped, ended, said, talk, talks

FACTS = RunFacts("roleplay", {"limits": {"utterances": 50}}, "roleplay-zh-1 (ba3320e1)", 7, "20 profiles")
ALL = set(FILES)


def write(folder: Path, cases: Iterable[Ended], **rules: Any) -> OutputReport:
    everything = list(cases)
    return write_outputs(folder, lambda: iter(everything), FACTS, OutputRules(**rules))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_is_written_is_valid_and_can_be_evaluated_and_trained_on(tmp_path: Path) -> None:
    report = write(tmp_path, talks(6))
    assert report.conversations == 6
    assert names(tmp_path) == ALL == set(report.files)
    for name in ("conversations.json", "conversations.parquet"):
        done = csconv("data", "validate", "--strict", tmp_path / name)
        assert (done.code, done.out.count("error")) == (0, 1), done.output  # "0 errors"
        corpus = evaluation_corpus(Subset.FULL, str(tmp_path / name))
        assert corpus.conversations == tuple(map(talk, range(6)))
        assert training_corpus(Subset.FULL, str(tmp_path / name)).fingerprint == corpus.fingerprint


def test_info_says_what_data_info_says_and_more(tmp_path: Path) -> None:
    write(tmp_path, [*talks(3), dropped(3)])
    info = json.loads((tmp_path / "info.json").read_text(encoding="utf-8"))
    done = csconv("data", "info", "--json", tmp_path / "conversations.json")
    told = json.loads(done.out)
    assert {name for name in told if info[name] != told[name]} == {"path"}
    assert info["path"] == "conversations.json"
    assert info["cases"]["dropped"] == {"critic: not natural": 1}
    assert RunFacts.of(info["run"]) == FACTS
    assert str(tmp_path) not in (tmp_path / "info.json").read_text() + (tmp_path / "README.md").read_text()


def test_every_conversation_has_its_provenance_and_every_other_case_its_reason(tmp_path: Path) -> None:
    mini = load("mini").conversations[5]
    cases = [ended(0, marks=5), dropped(1), ended(2, mini), ended(3, talk(0)), ended(4)]
    report = write(tmp_path, cases)
    kept = lines(tmp_path / "provenance.jsonl")
    assert [(line["id"], line["case"], line["number"]) for line in kept] == [
        (talk(0).id, f"{0:016x}", 0),
        (talk(4).id, f"{4:016x}", 4),
    ]
    assert kept[0]["provenance"] == {"ended": "closure", "marks": 5}
    out = {line["number"]: line for line in lines(tmp_path / "dropped.jsonl")}
    assert [(n, line["reason"]) for n, line in out.items()] == [
        (1, "critic: not natural"),
        (2, "overlaps with evaluation data"),
        (3, "near-duplicate of an earlier one"),
    ]
    assert (out[2]["like"]["source"], out[2]["like"]["conversation"]) == ("csconv_mini", mini.id)
    assert out[3]["like"] == {"case": f"{0:016x}", "jaccard": 1.0}
    assert out[1]["provenance"] == {"profile": "甲"}
    assert report.refused == {"overlaps with evaluation data": 1, "near-duplicate of an earlier one": 1}
    assert any("OVERLAP WAS NOT CHECKED WITH CSConv itself" in line for line in report.lines())


def test_overlap_that_is_allowed_is_kept_counted_and_said(tmp_path: Path) -> None:
    report = write(tmp_path, [ended(0, load("mini").conversations[0]), ended(1)], allow_overlap=True)
    assert (report.conversations, report.overlapping) == (2, 1)
    assert lines(tmp_path / "provenance.jsonl")[0]["like"]["jaccard"] == 1.0
    assert "1 conversations **overlap with evaluation data**" in (tmp_path / "README.md").read_text("utf-8")


def wrong(change: Callable[[Conversation], Iterable[Utterance]], topic: str = "产品咨询") -> Conversation:
    return Conversation.of(topic, change(talk(1)))


@pytest.mark.parametrize(
    ("conversation", "kind"),
    [
        (wrong(lambda c: c.utterances[:1]), "one-sided"),
        (wrong(lambda c: [*c.utterances, c.utterances[-1]]), "not-alternating"),
        (wrong(lambda c: c.utterances, topic=""), "missing-topic"),
        (wrong(lambda c: [replace(c.utterances[0], text="长" * 501), *c.utterances[1:]]), "long-text"),
        (wrong(lambda c: [replace(c.utterances[0], text=" "), *c.utterances[1:]]), "empty-text"),
        (wrong(lambda c: [replace(c.utterances[0], text="半\ud800"), *c.utterances[1:]]), "lone-surrogate"),
        (wrong(lambda c: [replace(u, strategy=None) for u in c.utterances]), "missing-strategy"),
        (wrong(lambda c: [replace(c.utterances[0], strategy=None), *c.utterances[1:]]), "missing-strategy"),
        (wrong(lambda c: ()), "empty-dialogue"),
    ],
)
def test_what_would_not_be_valid_is_left_out_and_counted(
    tmp_path: Path, conversation: Conversation, kind: str
) -> None:
    report = write(tmp_path, [ended(0), ended(1, conversation)])
    assert report.refused == {f"breaks the schema: {kind}": 1}
    assert csconv("data", "validate", "--strict", tmp_path / "conversations.json").code == 0


def test_two_of_the_same_without_a_letter_are_one(tmp_path: Path) -> None:
    same = said("……！", "？？")
    report = write(tmp_path, [ended(0, same), ended(1, same), ended(2)])
    assert (report.conversations, report.refused) == (2, {"near-duplicate of an earlier one": 1})


def test_no_conversation_is_no_data_file_and_every_reason(tmp_path: Path) -> None:
    write(tmp_path, talks(2))
    report = write(tmp_path, [dropped(0), dropped(1, "planner: empty"), dropped(2, "planner: empty")])
    assert names(tmp_path) == {"dropped.jsonl", "info.json", "README.md"} == set(report.files)
    told = report.lines()
    assert told[0].startswith("NO CONVERSATION TO WRITE: of 3 cases that are over none was kept")
    assert told[1:4] == [
        "3 dropped while they were made:",
        "      2  planner: empty",
        "      1  critic: not natural",
    ]
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "there is no data file" in card
    assert "configs" not in card
    assert csconv("data", "validate", tmp_path / "conversations.json").code == 1


def test_no_case_at_all_is_told_as_well(tmp_path: Path) -> None:
    assert write(tmp_path, []).lines()[0].startswith("NO CONVERSATION TO WRITE: of 0 cases")


@pytest.mark.parametrize("at", [1, 60])
def test_a_full_disk_leaves_the_older_files_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    from csc_tasks.synthesis.output import export

    write(tmp_path, talks(3))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    put, written = export._put_line, Counter[str]()

    def full(file: Any, record: Any) -> None:
        written["lines"] += 1
        if written["lines"] >= at:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(file, record)

    monkeypatch.setattr(export, "_put_line", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\)"):
        write(tmp_path, talks(60))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_disk_that_is_full_at_the_end_leaves_them_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from csc_tasks.synthesis.output import export

    write(tmp_path, talks(3))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export, "card", full)
    with pytest.raises(DataError, match="No space left"):
        write(tmp_path, talks(5))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_killed_writer_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".conversations.json.ab12").write_text("[")
    (tmp_path / ".lock").write_text("")
    write(tmp_path, talks(1))
    assert names(tmp_path) == ALL | {".lock"}


def journalled(folder: Path, cases: Iterable[Ended]) -> Path:
    journal = open_journal(folder, "main", {"kind": "roleplay"})
    for case in cases:
        journal.append(ended_line(case))
    journal.close()
    return folder


@pytest.mark.parametrize("balance", [None, 0.9])
def test_the_order_in_which_cases_ended_changes_no_byte(tmp_path: Path, balance: float | None) -> None:
    copies = [
        ended(n, talk(n % 12)) if n % 5 == 0 else dropped(n) if n % 7 == 0 else ended(n) for n in range(40)
    ]
    written = []
    for seed in range(3):
        shuffled = random.Random(seed).sample(copies, k=40)
        folder = journalled(tmp_path / str(seed), shuffled)
        write_outputs(folder, lambda f=folder: ended_in(f), FACTS, OutputRules(balance=balance))  # type: ignore[misc]
        written.append({name: (folder / name).read_bytes() for name in FILES})
    assert written[0] == written[1] == written[2]
    assert len(lines(tmp_path / "0" / "provenance.jsonl")) < 34


def test_a_balanced_beginning_is_all_that_is_written_and_the_rest_is_counted(tmp_path: Path) -> None:
    report = write(tmp_path, [*talks(10), dropped(10), *map(ended, range(11, 40))], balance=0.9)
    assert (report.conversations, report.balanced) == (20, True)
    assert report.refused == {"beyond the balanced beginning": 19}
    assert sum(1 for _ in lines(tmp_path / "dropped.jsonl")) == 20
    report = write(tmp_path, talks(30), balance=0.01)
    assert (report.conversations, report.balanced) == (30, False)
    assert "the shares of strategies did not come within 0.01 of CSConv's (--balance)" in report.lines()


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (OutputRules(against=("CSConv",)), "--against CSConv: "),
        (OutputRules(against=("none.json",)), "--against none.json: "),
        (OutputRules(balance=3.0), "--balance: 3 is no difference of shares"),
    ],
)
def test_rules_that_cannot_be_held_to_are_refused_before_anything_is_paid_for(
    tmp_path: Path, rules: OutputRules, words: str
) -> None:
    """By the session as well: no journal is begun."""
    with pytest.raises(CSConvError, match=re.escape(words)):
        check_rules(rules)
    pipeline: Any = SimpleNamespace(kind="roleplay", signature={}, roles=(), cases=lambda: iter(()))
    options = RunOptions(tmp_path / "out", offline=True, scripted=lambda *_: "", rules=rules)
    with pytest.raises(CSConvError, match=re.escape(words)):
        run(pipeline, options, SynthesisReport(Console(), Console()))
    assert not (tmp_path / "out").exists()


def test_what_a_pipeline_calls_its_reasons_is_bounded_and_fit_for_a_terminal(tmp_path: Path) -> None:
    evil = [dropped(n, f"\x1b[2J\u202e{n}" + "x" * 500) for n in range(80)]
    report = write(tmp_path, [*evil, ended(80)])
    assert len(report.dropped) == 61
    assert report.dropped["other"] == 20
    assert max(map(len, report.lines())) < 200
    assert not any(c in line for line in report.lines() for c in "\x1b\u202e\n")


def test_provenance_may_hold_anything(tmp_path: Path) -> None:
    odd = {"text": "\ud800\x00\u2028", "amount": float("nan"), "list": [float("inf"), None], "deep": {"": {}}}
    write(tmp_path, [ended(0, **odd)])
    assert lines(tmp_path / "provenance.jsonl")[0]["provenance"] == {
        "ended": "closure", "text": "\ud800\x00\u2028", "amount": None, "list": [None, None], "deep": {"": {}},
    }  # fmt: skip


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_conversations(tmp_path: Path) -> None:
    """Of each some 1.2 KB are kept: signature, id, and what it says that none did before it."""
    write(tmp_path, talks(5))  # what is loaded once

    def peak(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        write_outputs(tmp_path, lambda: talks(count), FACTS, OutputRules())
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert (peak(2000) - peak(1000)) / 1000 < 2500

"""What was judged under the rubrics that were the default before: said, readable, never mixed, never paid for twice."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from csc_tasks.leaderboards.build import build_board
from tests.door import csconv
from tests.judge_server import JudgeServer
from tests.judging.runs import TURNS, configured, log_of


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.slow
def test_an_unfinished_judging_under_the_rubric_of_before_is_not_begun_anew_unasked(
    saved: Path, server: JudgeServer
) -> None:
    prices = {"input_price": 10.0, "output_price": 100.0, "max_tokens": 200}
    config, log = configured(server, saved.parent, **prices), log_of(saved)
    begun = csconv("judge", log, "--config", config, "--rubric", "zh-1", "--budget", "1.00")
    assert begun.code == 3, begun.err
    asked = sum(server.asked.values())
    (journal,) = log.parent.glob("verdicts_*_response_*.jsonl")
    stopped = csconv("judge", log, "--config", config)
    assert (stopped.code, stopped.out) == (1, "")
    assert sum(server.asked.values()) == asked
    said = words(stopped.err)
    assert re.search(
        rf"\d\d of {TURNS} questions have a verdict under turn-zh-1, which was the default bef", said
    )
    assert journal.name in said
    assert "go on with what was begun, without paying twice (--rubric zh-1)" in said
    assert "or begin anew (--rubric zh-2): other questions, in files and columns of their own" in said
    dry = csconv("judge", log, "--config", config, "--dry-run")
    assert dry.code == 0
    assert f"of {TURNS} questions have a verdict under turn-zh-1" in words(dry.err)
    assert f"│ turn-zh-2 │ {TURNS} │ 0 │ {TURNS} │" in words(dry.out)
    # Each of the two ways that the message names; what was paid is not paid again.
    rest = csconv("judge", log, "--config", config, "--rubric", "zh-1")
    assert rest.code == 0, rest.err
    assert set(server.paid.values()) == {1}
    old = journal.read_bytes()
    anew = csconv("judge", log, "--config", config, "--rubric", "zh-2")
    assert anew.code == 0, anew.err
    assert journal.read_bytes() == old
    assert anew.out != rest.out
    assert csconv("judge", log, "--config", config).out == anew.out  # and from now on nothing is said
    (table,) = build_board([log.parent], cache=saved / "kept").tables
    columns = [c for c in table.columns if c.metric.startswith("judge_")]
    by_rubric = {
        rubric: {c.metric for c in columns if c.signature.startswith(f"{rubric}:")}
        for rubric in ("turn-zh-1", "turn-zh-2")
    }
    # Two columns of one name wherever both rubrics ask it, and each says whose it is.
    assert len(columns) == sum(map(len, by_rubric.values()))
    assert "judge_strategy_alignment" in by_rubric["turn-zh-1"] - by_rubric["turn-zh-2"]
    assert "judge_strategy_choice" in by_rubric["turn-zh-2"] - by_rubric["turn-zh-1"]
    assert {c.title.split(" (")[1].split(":")[0] for c in columns if c.metric == "judge_empathy"} == set(
        by_rubric
    )


def test_a_finished_judging_of_before_is_mentioned_and_the_new_one_runs(
    saved: Path, server: JudgeServer
) -> None:
    config, log = configured(server, saved.parent), log_of(saved)
    sample = ("--sample", "20")
    assert csconv("judge", log, "--config", config, "--rubric", "zh-1", *sample).code == 0
    done = csconv("judge", log, "--config", config, *sample)
    assert done.code == 0, done.err
    said = words(done.err)
    assert "20 of 20 questions have a verdict under turn-zh-1, which was the default before turn-zh-2" in said
    assert "verdicts under zh-2 have files and columns of their own; --rubric zh-1 reads the old ones" in said
    assert "turn-zh-1" not in csconv("judge", log, "--config", config, *sample).err


@pytest.mark.slow
def test_pairs_under_the_rubric_of_before_are_told_of_too(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent)
    runs = [saved / "csconv-random", saved / "csconv-shuffle"]
    call = ("judge", "--pairwise", *runs, "--config", config, "--sample", "20")
    assert csconv(*call, "--rubric", "zh-1").code == 0
    before = {p: p.read_bytes() for p in saved.rglob("pairwise_*.json")}
    done = csconv(*call)
    assert done.code == 0, done.err
    assert "questions have a verdict under pairwise-zh-1" in words(done.err)
    assert {p: p.read_bytes() for p in before} == before
    assert len(list(saved.rglob("pairwise_*.json"))) == 2


def test_verdicts_of_the_last_release_stay_what_they_were(old_results: Path, tmp_path: Path) -> None:
    """With no server running."""
    folder = Path(shutil.copytree(old_results, tmp_path / "old"))
    before = {p: json.loads(p.read_text())["results"] for p in folder.rglob("results_*_judged_*.json")}
    call = ("judge", folder / "judged", "--config", folder / "judge.yaml")
    told = csconv(*call, "--dry-run")
    assert told.code == 0, told.err
    assert "12 of 12 questions have a verdict under dialogue-zh-1" in words(told.err)
    assert "60 of 60 questions have a verdict under turn-zh-1" in words(told.err)
    assert csconv(*call, "--rubric", "zh-1").code == 0
    assert {p: json.loads(p.read_text())["results"] for p in before} == before


def test_flags_stay_as_they_were_given_under_an_earlier_guard(saved: Path, server: JudgeServer) -> None:
    config, log = configured(server, saved.parent), log_of(saved)
    first = csconv("judge", log, "--config", config, "--sample", "5")
    assert first.code == 0, first.err
    (journal,) = log.parent.glob("verdicts_*_response_*.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    lines[0]["flags"] = ["asks_for_score"]  # as a guard of before saw it
    journal.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    (saved.rglob("judge_cache.sqlite").__next__()).unlink()
    asked = sum(server.asked.values())
    again = csconv("judge", log, "--config", config, "--sample", "5")
    assert again.code == 0, again.err
    assert sum(server.asked.values()) == asked
    content = json.loads(Path(again.out.strip()).read_text())
    assert content["csconv_judged"]["flags"] == {"asks_for_score": 1}
    assert json.loads(journal.read_text().splitlines()[0])["flags"] == ["asks_for_score"]

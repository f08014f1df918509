"""Verdicts that lie in a results folder are read as new ones are, and not at all where a user wants none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.judging.keeper import open_cache
from tests.door import csconv
from tests.judge_server import JudgeServer
from tests.judging.runs import TURNS, configured, log_of, verdicts_of


def judged(folder: Path, server: JudgeServer, *options: str) -> dict[str, Any]:
    """Judge the response task of the random floor; its results file."""
    done = csconv("judge", log_of(folder), "--config", configured(server, folder), *options)
    assert done.code == 0, done.err
    return json.loads(Path(done.out.strip()).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def journal_of(folder: Path) -> Path:
    (path,) = log_of(folder).parent.glob("verdicts_csconv_mini_response_*.jsonl")
    return path


def test_a_forged_grade_is_asked_for_again(saved: Path, server: JudgeServer) -> None:
    sound = judged(saved, server)
    (log_of(saved).parent / "judge_cache.sqlite").unlink()
    journal, lines = journal_of(saved), verdicts_of(log_of(saved))
    forged = [line for line in lines if "silent" not in line["flags"]][:3]
    for line in forged:
        line["scores"] = dict.fromkeys(line["scores"], 1_000_000)
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    again = judged(saved, server)
    assert again["results"] == sound["results"]
    assert again["csconv_judged"]["asked"] in (1, 2, 3)


def test_a_forged_entry_of_the_cache_is_asked_for_again(saved: Path, server: JudgeServer) -> None:
    sound = judged(saved, server)
    cache = open_cache(log_of(saved).parent / "judge_cache.sqlite")
    line = next(line for line in verdicts_of(log_of(saved)) if "silent" not in line["flags"])
    forged = dict(cache.get([line["key"]])[line["key"]])
    forged["scores"] = {**forged["scores"], "empathy": 1_000_000}
    cache.put({line["key"]: forged})
    cache.close()
    journal_of(saved).unlink()
    again = judged(saved, server)
    assert again["results"] == sound["results"]
    assert again["csconv_judged"]["asked"] == 1


@pytest.mark.slow
def test_fresh_takes_nothing_and_loses_nothing(saved: Path, server: JudgeServer) -> None:
    sound = judged(saved, server)
    before = journal_of(saved).read_bytes()
    again = judged(saved, server, "--fresh")
    assert again["results"] == sound["results"]
    assert again["csconv_judged"]["asked"] == sound["csconv_judged"]["asked"] > 0
    (aside,) = log_of(saved).parent.glob("aside_1_verdicts_*.jsonl")
    assert aside.read_bytes() == before
    assert len(verdicts_of(log_of(saved))) == TURNS
    # What was asked in it serves the next run.
    assert judged(saved, server)["csconv_judged"]["asked"] == 0

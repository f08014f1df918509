"""Results, logs, scores, verdicts and baseline files that something has spoilt, through every command that reads them.

No traceback, no wait, and exit codes as documented; whoever was not spoilt is still shown.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.door import csconv
from tests.leaderboards.commands import COMMANDS, FOLDERS, GOOD, LONGEST, MODELS, POOR, Hangs, faults, in_time
from tests.leaderboards.mutations import mutate


def spoilt(
    base: Path, folder: Path, seed: int, kept: Path, monkeypatch: pytest.MonkeyPatch, commands: int = 1
) -> list[str]:
    """Spoil a copy in one or two places, and run some commands on it."""
    chance = Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    told = [mutate(folder, chance) for _ in range(chance.choice((1, 1, 2)))]
    what = "; ".join(f"{path.relative_to(folder)}: {how}" for path, how in told)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # a pool of processes takes longer to start than to read
    found = []
    for name in chance.sample(sorted(COMMANDS), commands):
        command = COMMANDS[name]
        try:
            with in_time():
                done = csconv(*command.arguments, cwd=folder, CSCONV_CACHE=str(kept))
        except Hangs:
            found.append(f"seed {seed}, {name}: more than {LONGEST} s ({what})")
            continue
        found += [f"seed {seed}, {name}: {fault} ({what})" for fault in faults(done, command)]
    return found


@pytest.fixture(scope="session")
def few(old_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, one of them judged, and a baseline file."""
    left_out = shutil.ignore_patterns("expected", "floors", "__models__tiny_model", "*_strategy_*")
    return Path(shutil.copytree(old_results, tmp_path_factory.mktemp("few") / "results", ignore=left_out))


@pytest.fixture(scope="session")
def many(old_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All models and floors."""
    folder = Path(shutil.copytree(old_results, tmp_path_factory.mktemp("many") / "results"))
    (folder / "floors").rename(folder / "models" / "floors")
    return folder


@pytest.mark.parametrize("seed", [0, pytest.param(10, marks=pytest.mark.slow)])
def test_whatever_is_spoilt_costs_itself_alone(
    seed: int, few: Path, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in range(seed, seed + 10):
        assert spoilt(few, tmp_path / "runs", each, kept, monkeypatch) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1300, 30))
def test_so_do_three_hundred_others(
    seed: int, many: Path, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in range(seed, seed + 30):
        assert spoilt(many, tmp_path / "runs", each, kept, monkeypatch, commands=2) == []


@pytest.fixture
def runs(old_results: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(old_results, tmp_path / "runs"))


def log_of(runs: Path, model: str = GOOD) -> Path:
    (path,) = (runs / model).glob("samples_csconv_response_*.jsonl")
    return path


# --- how much is read ---


def test_a_compressed_log_that_expands_without_end_is_not_read(runs: Path) -> None:
    log = log_of(runs)
    log.unlink()
    packed = log.with_name(log.name + ".gz")
    with gzip.open(packed, "wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(b" " * (2**20 - 1) + b"\n")
    with in_time():
        done = csconv("score", GOOD, cwd=runs)
    assert done.code == 1
    assert f"{packed.relative_to(runs)}: expands to more than 200 times its size" in done.err
    assert "expand it yourself (zstd -d, gunzip)" in done.err


def test_a_log_of_empty_lines_is_not_read(runs: Path) -> None:
    log_of(runs).write_bytes(b"\n" * 2**26)
    with in_time():
        done = csconv("score", GOOD, cwd=runs)
    assert done.code == 1
    assert "more than 10,000 empty lines, which no log has" in done.err


def test_a_log_of_one_endless_line_is_not_read(runs: Path) -> None:
    log = log_of(runs)
    os.truncate(log, 0)
    os.truncate(log, 5 * 2**30)  # a hole, which takes no room
    with in_time():
        table = csconv("table", GOOD, cwd=runs)
        score = csconv("score", GOOD, cwd=runs)
    assert (table.code, score.code) == (0, 1)
    for done in (table, score):
        assert "line 1: longer than 64 MB, which no line of a log is" in done.err


def test_a_file_of_verdicts_without_lines_is_no_journal(runs: Path) -> None:
    (journal,) = (runs / "judged/org__good").glob("verdicts_csconv_response_*.jsonl")
    os.truncate(journal, 0)
    os.truncate(journal, 5 * 2**30)
    with in_time():
        done = csconv("judge", "judged", "--config", "judge.yaml", "--dry-run", cwd=runs)
    assert done.code == 0, done.err


# --- what is read back ---


def spoil_lines(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        change(line)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_partial_scores_that_no_metric_says_are_computed_again(runs: Path) -> None:
    folder = runs / POOR
    (scores,) = folder.glob("scores_*.jsonl")
    expected = scores.read_text(encoding="utf-8")
    command = ("score", log_of(runs, POOR), "--metrics", "bleu_4,rouge_l", "--tokenizer", "char")
    made = Path(csconv(*command).out.strip())
    partial = made.with_name(json.loads(made.read_text())["csconv_rescored"]["scores"]).with_suffix(
        ".partial"
    )
    partial.write_text(expected, encoding="utf-8")
    partial.with_suffix(".jsonl").unlink(missing_ok=True)
    made.unlink()
    spoil_lines(partial, lambda line: line.update(rouge_l_char=1_000_000.0))
    assert csconv(*command).code == 0
    assert partial.with_suffix(".jsonl").read_text(encoding="utf-8") == expected


FORGED: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "scores of a log": (
        f"{POOR}/scores_*.jsonl",
        lambda line: line.update(rouge_l_char=1_000_000.0),
        "of rouge_l_char it has what rouge_l_char cannot be (1000000.0)",
    ),
    "a judge's score": (
        "judged/org__good/results_csconv_response_*_judged_*.json",
        lambda c: c["results"]["csconv_response"].update({"judge_overall,none": 1_000_000.0}),
        "judge_overall,none: 1e+06 is beyond what judge_overall can be",
    ),
    "a judge's sums": (
        "judged/org__good/results_csconv_response_*_judged_*.json",
        lambda c: c["csconv_judged"]["sums"]["metrics"]["judge_overall"].__setitem__(0, [1e6, 1]),
        "csconv_judged.sums.metrics.judge_overall: beyond what judge_overall can be",
    ),
    "a judge's coverage": (
        "judged/org__good/results_csconv_response_*_judged_*.json",
        lambda c: c["csconv_judged"].update(coverage=7),
        "csconv_judged.coverage: input should be less than or equal to 1",
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_what_nobody_measured_is_refused_with_its_place(case: str, runs: Path, kept: Path) -> None:
    pattern, change, message = FORGED[case]
    (path,) = runs.glob(pattern)
    if path.suffix == ".jsonl":
        spoil_lines(path, change)
    else:
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")
    done = csconv("table", *FOLDERS, cwd=runs, CSCONV_CACHE=str(kept))
    assert done.code == 0
    assert message in done.err
    assert all(model in done.out for model in MODELS)
    assert " 1000000" not in done.out


def test_a_baseline_file_whose_scores_are_not_its_sums_is_damaged(runs: Path) -> None:
    path = runs / "baseline.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["sections"]["response/reference"]["metrics"]["rouge_l"]["value"] -= 0.25
    path.write_text(json.dumps(content), encoding="utf-8")
    done = csconv("gate", "judged", "--baseline", path, cwd=runs)
    assert done.code == 4
    assert "baseline.json: the baseline file is damaged" in done.err
    assert re.search(r"rouge_l: 0\.\d+, and its sums give 0\.\d+", done.err)


def test_a_summary_that_was_kept_and_spoilt_is_made_again(runs: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    before = csconv("table", "models", cwd=runs, CSCONV_CACHE=str(kept)).out
    for path in kept.rglob("*.npz"):
        path.write_bytes(b"PK" + path.read_bytes()[2:900])
    for path in kept.rglob("*.json"):
        path.write_text("[" * 100_000)
    done = csconv("table", "models", cwd=runs, CSCONV_CACHE=str(kept))
    assert (done.code, done.out) == (0, before)


@pytest.mark.slow
def test_fresh_reads_the_logs_whatever_is_kept_of_them(runs: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command = ("leaderboard", "models", "--out", tmp_path / "site", "--cache", kept, "--workers", "1")
    assert csconv(*command, cwd=runs).code == 0
    first = (tmp_path / "site" / "leaderboard.json").read_bytes()
    files = {path: path.stat().st_mtime_ns for path in kept.rglob("*.npz")}
    assert csconv(*command, cwd=runs).code == 0
    assert files == {path: path.stat().st_mtime_ns for path in kept.rglob("*.npz")}
    assert csconv(*command, "--fresh", cwd=runs).code == 0
    assert all(path.stat().st_mtime_ns > was for path, was in files.items())
    again = json.loads((tmp_path / "site" / "leaderboard.json").read_bytes())
    assert {**again, "built": ""} == {**json.loads(first), "built": ""}

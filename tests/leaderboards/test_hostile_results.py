"""Results, logs, scores, verdicts and baseline files that something has spoilt, through every command that reads them.

No traceback, no wait, and exit codes as documented; whoever was not spoilt is still shown.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from tests.door import Done, csconv
from tests.leaderboards.mutations import HOSTILE_TEXTS, mutate

FOLDERS = ("models", "judged")
GOOD, POOR = "models/org__good", "models/org__poor"
LONGEST = 10
"""Seconds that a command may take."""
MODELS = ("org/good", "org/poor")


class Command(NamedTuple):
    """A command that reads results, and the exit codes that its documentation names."""

    arguments: tuple[str, ...]
    codes: tuple[int, ...]


READ, WRITE, GATE, JUDGE = (0,), (0, 1), (0, 1, 2, 3, 4), (0, 1, 3, 4)
COMMANDS = {
    "table": Command(("table", *FOLDERS, "--all"), READ),
    "leaderboard": Command(("leaderboard", *FOLDERS, "--out", "site", "--workers", "1"), READ),
    "csv": Command(("export", *FOLDERS, "--out", "x.csv"), READ),
    "parquet": Command(("export", *FOLDERS, "--out", "x.parquet", "--format", "parquet"), READ),
    "card": Command(
        ("export", *FOLDERS, "--out", "x.yaml", "--format", "model-index", "--model", "org/poor"), WRITE
    ),
    "compare": Command(("compare", GOOD, POOR, "--all"), (0, 1, 3)),
    "compare as json": Command(("compare", GOOD, POOR, "--format", "json"), (0, 1, 3)),
    "gate with a file": Command(("gate", "judged", "--baseline", "baseline.json", "--json", "-"), GATE),
    "gate with a folder": Command(
        ("gate", POOR, "--baseline", GOOD, "--junit", "j.xml", "--markdown", "j.md"), GATE
    ),
    "power": Command(("gate", "power", "--baseline", "baseline.json"), GATE),
    "score": Command(("score", "models"), WRITE),
    "judge": Command(("judge", "judged", "--config", "judge.yaml", "--dry-run"), JUDGE),
    "pairs": Command(("judge", GOOD, POOR, "--config", "judge.yaml", "--dry-run", "--pairwise"), JUDGE),
}
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]")
"""What must not reach a terminal."""


class Hangs(BaseException):
    """A command took too long; no handler of the command's own takes it for something else."""


@contextmanager
def in_time() -> Iterator[None]:
    def end(*_: Any) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def faults(done: Done, command: Command) -> list[str]:
    """What is wrong with how a command ended."""
    found = []
    if "Traceback" in done.output:
        found.append(done.output[-800:])
    if done.code not in command.codes:
        found.append(f"exit code {done.code}: {done.output[-300:]}")
    if "Warning" in done.output:
        found.append(done.output[-300:])
    if seen := UNSEEN.search(done.output):
        found.append(f"{seen[0]!r} on the terminal")
    if command.arguments[0] == "table" and "note:" not in done.err:
        found += [f"{model} is gone without a word" for model in MODELS if model not in done.out]
    return found


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


@pytest.mark.parametrize("seed", range(0, 60, 10))
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


# --- names ---

NAMES = [*HOSTILE_TEXTS, "my-model[v2]", "[/]", "[link=https://x]x[/link]", "a" * 20_000]


def renamed(runs: Path, name: str) -> None:
    """Call the model org/poor otherwise."""
    for path in (runs / POOR).glob("results_*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        content["config"]["model_args"] = {"pretrained": name}
        content["model_name"] = name
        path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{name!r:.30}")
def test_a_models_name_is_shown_and_does_nothing(
    name: str, runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    renamed(runs, name)
    for arguments in (("table", POOR), ("export", POOR, "--out", "x.csv")):
        with in_time():
            done = csconv(*arguments, cwd=runs, CSCONV_CACHE=str(kept))
        assert done.code == 0
        assert "Traceback" not in done.output
        assert not UNSEEN.search(done.output)
        if arguments[0] == "table" and name.isprintable() and name.strip() == name and len(name) < 300:
            assert name.rpartition("/")[2] in done.out
    for line in (runs / "x.csv").read_text(encoding="utf-8").splitlines():
        assert not line.startswith(("=", "+", "-", "@")), "a spreadsheet would run it"


@pytest.mark.parametrize("name", ["[/v2]", "my-model[v2]", "\x1b[31mred", "a\u202eb"])
@pytest.mark.parametrize("command", ["leaderboard", "card", "compare", "gate with a folder", "pairs"])
def test_so_it_does_in_every_other_command(
    command: str, name: str, runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    renamed(runs, name)
    with in_time():
        done = csconv(*COMMANDS[command].arguments, cwd=runs, CSCONV_CACHE=str(kept))
    assert faults(done, COMMANDS[command]) == []


@pytest.mark.parametrize("name", ["[/v2]", "a[bold]b", "\x1b[31mred", "a\u202eb", "a\nb"])
@pytest.mark.parametrize(
    "command",
    [
        ("table", "{}"),
        ("leaderboard", "{}", "--out", "site"),
        ("compare", "{}", POOR),
        ("gate", POOR, "--baseline", "{}"),
        ("score", "{}", "--force"),
        ("judge", "{}", POOR, "--config", "judge.yaml", "--dry-run", "--pairwise"),
        ("judge", "{}", "--config", "judge.yaml", "--dry-run"),
        ("logs", "compress", "{}", "--keep"),
        ("data", "info", "{}/conversations.json"),
        ("data", "validate", "{}/broken.json"),
    ],
    ids=lambda command: " ".join(command)[:40],
)
def test_a_folders_name_is_shown_and_does_nothing(
    command: tuple[str, ...], name: str, runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    (runs / name).parent.mkdir(exist_ok=True)
    (runs / GOOD).rename(runs / name)
    shutil.copy(runs / "conversations.json", runs / name)
    (runs / name / "broken.json").write_text('[{"topic": 1}]')
    with in_time():
        done = csconv(*(part.format(name) for part in command), cwd=runs, CSCONV_CACHE=str(kept))
    assert "Traceback" not in done.output
    assert done.code in (0, 1, 3, 4)
    # To a program a path is given as it is.
    shown = done.err if command[0] == "score" else done.output
    assert not UNSEEN.search(shown)


@pytest.mark.parametrize(
    "task", ["../../x", "a/b", "a\nb", "a\x1b[31m", "x" * 300, "..", "[/v2]", "\ud800", "a\0b"]
)
def test_a_tasks_name_leads_nowhere(
    task: str, runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    (path,) = (path for path in (runs / POOR).glob("results_*.json") if "rescored" not in path.name)
    content = json.loads(path.read_text(encoding="utf-8"))
    for part in ("results", "configs", "n-shot", "task_hashes"):
        content[part] = {task if k == "csconv_response" else k: v for k, v in content[part].items()}
    path.write_text(json.dumps(content), encoding="utf-8")
    with in_time():
        done = csconv(*COMMANDS["table"].arguments, cwd=runs, CSCONV_CACHE=str(kept))
    assert faults(done, COMMANDS["table"]) == []
    assert "is not beside" in done.err or "its log cannot be called after it" in done.err


def test_a_thousand_arguments_that_differ_are_told_apart_in_time(runs: Path, kept: Path) -> None:
    for number, path in enumerate(sorted((runs / "models").rglob("results_2*.json"))):
        content = json.loads(path.read_text(encoding="utf-8"))
        content["config"]["model_args"] = {"pretrained": "m", **{f"k{i}": number for i in range(1000)}}
        path.write_text(json.dumps(content), encoding="utf-8")
    with in_time():
        done = csconv("table", "models", cwd=runs, CSCONV_CACHE=str(kept))
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
        "what it says of rouge_l_char is not what rouge_l_char says (1000000.0)",
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

"""The baseline file of a gate: small, without a text, and of use or named with its cure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.leaderboards.comparing.gates import INCOMPLETE, PASS, REGRESSION, gate


def test_a_baseline_file_judges_as_the_results_do_and_holds_no_text(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    written = gate(runs / "better", "--baseline", file, "--update-baseline")
    assert written.code == PASS, written.output
    assert file.stat().st_size < 60_000
    reports = []
    for baseline in (file, runs / "better"):
        done = gate(runs / "worse", "--baseline", baseline, "--json", "-")
        assert done.code == REGRESSION
        reports.append(json.loads(done.out)["checks"])
    assert reports[0] == reports[1]
    # The stop sequences are the only Chinese in it.
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if '"until"' not in line]
    assert not any("\u4e00" <= c <= "\u9fff" for line in lines for c in line)
    # Written again from the same results it is the same file: a diff shows only what changed.
    again = tmp_path / "again.json"
    gate(runs / "better", "--baseline", again, "--update-baseline")
    assert again.read_bytes() == file.read_bytes()


def test_an_incomplete_run_does_not_become_a_baseline(runs: Path, tmp_path: Path) -> None:
    done = gate(runs / "limited", "--baseline", tmp_path / "b.json", "--update-baseline")
    assert done.code == INCOMPLETE
    assert "run it whole" in done.output
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: "{", "neither lm-eval results nor a baseline file"),
        (lambda content: content.replace('"format": 1', '"format": 2'), "format 2"),
        (lambda content: content.replace('"arrays": [\n  "', '"arrays": [\n  "!!'), "damaged"),
        (lambda content: content.replace('"facts"', '"fact"'), "damaged"),
        (lambda content: content[: len(content) // 2], "neither lm-eval results nor a baseline file"),
    ],
)
def test_a_damaged_baseline_file_is_missing_and_the_message_names_the_cure(
    runs: Path, tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    file = tmp_path / "baseline.json"
    gate(runs / "better", "--baseline", file, "--update-baseline")
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    done = gate(runs / "better", "--baseline", file)
    assert done.code == INCOMPLETE
    assert words in done.output
    assert "--update-baseline" in done.output

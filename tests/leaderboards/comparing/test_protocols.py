"""Results and baseline of two protocols: what the gate advises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.leaderboards import logs
from tests.leaderboards.comparing.gates import NOT_COMPARABLE, PASS, gate
from tests.leaderboards.logs import answering, write_run

ANEW = "`csconv gate RESULTS --baseline FILE --update-baseline`"


@pytest.mark.parametrize("command", [(), ("--max-drop", "strategy_acc=0.1"), ("--min", "strategy_acc=0.1")])
def test_a_baseline_of_benchmark_1_is_refused_with_what_to_do(
    runs: Path, old_results: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    report = tmp_path / "gate.json"
    baseline = old_results / "baseline.json"
    done = gate(runs / "better", "--baseline", baseline, "--json", report, *command)
    said = " ".join(done.output.split())
    assert done.code == NOT_COMPARABLE
    assert "benchmark 2 against 1" in said
    assert "evaluate the model that the baseline is of again with this csconv" in said
    assert f"write the baseline anew from those results: {ANEW} (docs/migration.md)" in said
    (check,) = json.loads(report.read_text(encoding="utf-8"))["checks"]
    assert ANEW in check["message"]


@pytest.mark.parametrize(
    ("benchmark", "words"),
    [
        (1, "The results are of benchmark 1, and no scoring carries them over: evaluate the model again"),
        (3, "Benchmark 3 needs a newer csconv"),
    ],
)
def test_results_of_another_benchmark_are_refused_with_what_to_do(
    better: Path, runs: Path, benchmark: int, words: str
) -> None:
    logs.edit_results(better, '"benchmark": 2', f'"benchmark": {benchmark}')
    done = gate(better, "--baseline", runs / "better")
    assert done.code == NOT_COMPARABLE
    assert words in " ".join(done.output.split())


def test_another_prompt_is_refused_with_the_one_that_the_baseline_was_asked_with(
    runs: Path, tmp_path: Path
) -> None:
    write_run(tmp_path / "b", "org/model", answering(0.5), metadata={"csconv_prompt": "zh-2b"})
    done = gate(runs / "better", "--baseline", tmp_path / "b")
    assert done.code == NOT_COMPARABLE
    assert "with --metadata csconv_prompt=zh-2b, or write the baseline anew" in " ".join(done.output.split())


def test_a_prompt_that_this_csconv_does_not_have_is_no_advice(better: Path, runs: Path) -> None:
    logs.edit_results(better, '"version": "zh-2"', '"version": "zh-9"')
    done = gate(runs / "better", "--baseline", better)
    assert done.code == NOT_COMPARABLE
    assert "This csconv does not have the baseline's prompt" in " ".join(done.output.split())


def test_what_the_gate_advises_works(better: Path, runs: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    logs.edit_results(better, '"benchmark": 2', '"benchmark": 1')
    assert gate(better, "--baseline", baseline, "--update-baseline").code == PASS
    assert gate(runs / "better", "--baseline", baseline).code == NOT_COMPARABLE
    done = gate(runs / "better", "--baseline", baseline, "--update-baseline")
    assert done.code == PASS
    told = "not comparable with the file before, scores stand side by side: benchmark 2 against 1"
    assert told in " ".join(done.out.split())
    assert gate(runs / "better", "--baseline", baseline).code == PASS

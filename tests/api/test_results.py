"""Results from Python are those of the commands."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import csc_tasks
from tests.door import csconv


def test_loaded_results_are_the_exported_table(old_results: Path, tmp_path: Path) -> None:
    results = csc_tasks.load_results([old_results / "floors", old_results / "models"])
    out = tmp_path / "all.csv"
    assert csconv("export", old_results / "floors", old_results / "models", "--out", out).code == 0
    exported = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    frame = results.to_dataframe()
    assert len(frame) == len(exported) == len(results.rows)
    assert list(frame.columns) == list(exported[0])
    for row, line in zip(results.rows, exported, strict=True):
        assert (row.model, row.metric) == (line["model"], line["metric"])
        assert row.value == (float(line["value"]) if line["value"] else None)
    assert all(isinstance(note, str) for note in results.notes)


def test_comparing_two_models_gives_what_the_command_writes(old_results: Path) -> None:
    good, poor = (next((old_results / "models").glob(f"org__{name}")) for name in ("good", "poor"))
    done = csconv("compare", good, poor, "--format", "json")
    written = json.loads(done.out)
    found = csc_tasks.compare(good, str(poor))
    assert (found.first, found.second) == (written["first"], written["second"])
    pairs = [(d.metric, d.first) for section in found.sections for d in section.deltas]
    assert pairs == [(d["metric"], d["first"]) for s in written["sections"] for d in s["deltas"]]


def test_the_gate_says_what_the_command_says(old_results: Path) -> None:
    good = next((old_results / "judged").glob("org__good"))
    baseline = old_results / "baseline.json"
    assert csc_tasks.gate(good, baseline).exit == csconv("gate", good, "--baseline", baseline).code == 0
    strict = csc_tasks.gate(good, baseline, {"min": {"strategy_acc": 1.0}})
    assert strict.exit == 1
    with pytest.raises(csc_tasks.CSConvError, match="there is no metric 'accuracy'"):
        csc_tasks.gate(good, baseline, {"max_drop": {"accuracy": 0.01}})

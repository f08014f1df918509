"""What csconv 0.1.0 wrote is read as it was: every number to the last digit."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csc_tasks.leaderboards.comparing.baseline_file import read_baseline, write_baseline
from csc_tasks.leaderboards.comparing.loading import load_model_results
from tests.door import csconv

FOLDERS = ("floors", "models", "judged")


@pytest.fixture
def inside(old_results: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The old folder, to work in: what was printed names files as they were given."""
    monkeypatch.chdir(old_results)
    return old_results


def expected(folder: Path, name: str) -> Any:
    return json.loads((folder / "expected" / name).read_text(encoding="utf-8"))


def as_before(new: Any, old: Any) -> Any:
    """What a newer csconv says, without what it says beyond the old one: only keys that are new may be missing."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {key: as_before(value, old[key]) for key, value in new.items() if key in old}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [as_before(mine, theirs) for mine, theirs in zip(new, old, strict=True)]
    return new


def of_any_build(board: Any) -> Any:
    """A board without what no two builds share; without titles, which say more than they did; and without ranks of
    how much could be judged, which had some."""
    for table in board["tables"]:
        del table["title"]
        for column in table["columns"]:
            if column["metric"] == "judge_coverage":
                del column["ranked"]
        for row in table["rows"]:
            del row["id"]
            for column, cell in row["cells"].items():
                if column.endswith("/judge_coverage"):
                    del cell["rank"], cell["rank_low"], cell["rank_high"]
    board["reported"] = {key: board["reported"][key] for key in ("source", "columns", "scale", "rows")}
    return {key: value for key, value in board.items() if key not in ("built", "package")}


def test_the_leaderboard_of_old_results_has_its_old_numbers(inside: Path, tmp_path: Path) -> None:
    done = csconv("leaderboard", *FOLDERS, "--out", tmp_path)
    assert done.code == 0, done.err
    board = json.loads((tmp_path / "leaderboard.json").read_text(encoding="utf-8"))
    old = of_any_build(expected(inside, "leaderboard.json"))
    assert as_before(of_any_build(board), old) == old


def test_the_export_of_old_results_has_its_old_lines(inside: Path, tmp_path: Path) -> None:
    done = csconv("export", *FOLDERS, "--out", tmp_path / "x.csv")
    assert done.code == 0, done.err
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    with (inside / "expected" / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        old = list(csv.DictReader(file))
    for line in (*lines, *old):
        if line["metric"] == "judge_coverage":
            del line["rank"], line["rank_low"], line["rank_high"]
    assert as_before(lines, old) == old


def test_the_comparison_of_two_old_models_says_the_same(inside: Path) -> None:
    models = ("--model-a", "org/good", "--model-b", "org/poor")
    done = csconv("compare", "models", "models", *models, "--format", "json")
    old = expected(inside, "compare.json")
    assert as_before(json.loads(done.out), old) == old


@pytest.mark.parametrize(
    ("results", "model", "code", "name"),
    [
        ("models", ["--model", "org/poor"], 4, "gate.json"),  # a section of the baseline was not run
        ("judged", [], 0, "gate_good.json"),
    ],
)
def test_a_gate_with_an_old_baseline_file_decides_the_same(
    inside: Path, tmp_path: Path, results: str, model: list[str], code: int, name: str
) -> None:
    done = csconv("gate", results, *model, "--baseline", "baseline.json", "--json", tmp_path / name)
    assert done.code == code, done.err
    told, old = json.loads((tmp_path / name).read_text(encoding="utf-8")), expected(inside, name)
    (note,) = [note for note in told["notes"] if note not in old["notes"]]
    assert note.startswith("baseline.json does not say how its model was asked")
    told["notes"].remove(note)
    assert as_before(told, old) == old


def test_the_figures_of_an_old_conversation_file_are_the_same(inside: Path) -> None:
    done = csconv("data", "info", "conversations.json", "--json")
    assert json.loads(done.out) == expected(inside, "data_info.json")


def test_an_old_baseline_file_holds_what_its_logs_give(old_results: Path, tmp_path: Path) -> None:
    fresh = load_model_results([old_results / "judged"])
    write_baseline(fresh, tmp_path / "new.json")
    for other in (read_baseline(tmp_path / "new.json"), read_baseline(old_results / "baseline.json")):
        facts = [(each.model, each.revision, each.protocol, each.date) for each in (other, fresh)]
        assert facts[0] == facts[1]
        assert other.sections.keys() == fresh.sections.keys() == {"response/reference", "response/generated"}
        for name, section in fresh.sections.items():
            assert section.metrics.keys() == other.sections[name].metrics.keys()
            for metric, mine in section.metrics.items():
                theirs = other.sections[name].metrics[metric]
                assert (mine.value, mine.signature) == (theirs.value, theirs.signature)
                assert len(mine.sums) == len(theirs.sums) <= 1
                assert all(map(np.array_equal, mine.sums, theirs.sums))


def test_an_old_log_scored_again_gives_the_old_scores(old_results: Path, tmp_path: Path) -> None:
    runs = Path(shutil.copytree(old_results / "models" / "org__poor", tmp_path / "runs"))
    (before,) = runs.glob("results_*rescored*.json")
    (log,) = runs.glob("samples_csconv_response_*.jsonl")
    old = json.loads(before.read_text(encoding="utf-8"))
    scores = (runs / old["csconv_rescored"]["scores"]).read_text(encoding="utf-8")
    done = csconv("score", log, "--metrics", "bleu_4,rouge_l", "--tokenizer", "char", "--force")
    assert done.code == 0, done.err
    path = Path(done.out.strip())
    new = json.loads(path.read_text(encoding="utf-8"))
    assert new["results"] == old["results"]
    assert path.with_name(new["csconv_rescored"]["scores"]).read_text(encoding="utf-8") == scores
    mine, theirs = (each["configs"]["csconv_response"]["metadata"]["csconv_signature"] for each in (new, old))
    for signature in (mine, theirs):
        del signature["package"]
        signature["line"] = signature["line"].rpartition("|version:")[0]
    assert mine == theirs

"""Every name that lm-eval gives to results is found, and its logs with it, by every command that reads them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from lm_eval.loggers import EvaluationTracker

from csc_tasks.results.file_names import is_results_name
from tests import running
from tests.door import csconv
from tests.judge_server import JudgeServer
from tests.leaderboards.logs import answering

TASK = "csconv_mini_response"


def run(output_path: Path, skill: float = 0.7) -> None:
    """Evaluate and save as ``lm_eval --output_path … --log_samples`` does."""
    tracker = EvaluationTracker(output_path=str(output_path))
    lm = running.FunctionLM(answering(skill))
    arguments = {"pretrained": f"org/m{skill}"}
    results = running.evaluate(lm, [TASK], model_args=arguments, evaluation_tracker=tracker, limit=32)
    samples = results.pop("samples")
    tracker.save_results_aggregated(results, samples)
    for task, lines in samples.items():
        tracker.save_results_samples(task, lines)


@pytest.fixture(scope="module")
def made(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    def make(folder: Path) -> None:
        run(folder / "file" / "run1.json")
        run(folder / "dots" / "run.v2.json")
        run(folder / "prefixed" / "results_mine.json")
        run(folder / "two" / "a.json")
        run(folder / "two" / "b.json", 0.4)
        run(folder / "folder")

    return once("file-names", make)


@pytest.fixture(params=["file", "dots", "prefixed", "folder"])
def results(request: pytest.FixtureRequest, made: Path, tmp_path: Path) -> Path:
    """A folder with one run, named in one of the ways."""
    return Path(shutil.copytree(made / request.param, tmp_path / "out"))


def test_the_table_finds_results_and_logs(results: Path) -> None:
    done = csconv("table", results)
    assert done.code == 0, done.err
    assert "org/m0.7" in done.out
    assert "[" in done.out  # an interval, which only a log gives
    assert done.err == ""


def test_scores_of_a_log_are_made_again_and_found(results: Path) -> None:
    done = csconv("score", results, "--tokenizer", "char", "--metrics", "rouge_l")
    assert done.code == 0, done.output
    table = csconv("table", results)
    assert "ROUGE-L (char)" in table.out
    assert table.err == ""


def test_compare_and_gate_read_them(results: Path, made: Path) -> None:
    assert csconv("compare", results, made / "two", "--model-b", "org/m0.4").code == 0
    assert csconv("gate", results, "--baseline", made / "file", "--allow-partial").code == 0
    (file,) = results.rglob("*.json")
    assert csconv("gate", file, "--baseline", file, "--allow-partial").code == 0


def test_results_under_a_name_of_the_users_own_are_no_baseline_file(made: Path, tmp_path: Path) -> None:
    (file,) = (made / "file").glob("*.json")
    shutil.copytree(made / "file", tmp_path / "x")
    (tmp_path / "x" / file.name).rename(tmp_path / "x" / "mine.json")
    done = csconv("gate", made / "file", "--baseline", tmp_path / "x" / "mine.json", "--allow-partial")
    assert "neither lm-eval results nor a baseline file" not in done.err


def test_a_judge_reads_and_writes_beside_them(results: Path, tmp_path: Path) -> None:
    config = tmp_path / "judge.yaml"
    with JudgeServer() as server:
        config.write_text(f"model: fake\nbase_url: {server.url}\nconcurrency: 8\n", encoding="utf-8")
        done = csconv("judge", results, "--config", config, "--sample", "10")
    assert done.code == 0, done.output
    table = csconv("table", results)
    assert table.code == 0
    assert "Judge coverage" in table.out


def test_several_runs_may_lie_in_one_folder(made: Path) -> None:
    done = csconv("table", made / "two")
    assert "org/m0.7" in done.out
    assert "org/m0.4" in done.out
    assert done.err == ""


@pytest.mark.parametrize(
    ("name", "is_results"),
    [
        ("results_2026-11-27T09-21-11.635554.json", True),
        ("results_2026-11-27T09-21-11.json", True),
        ("run1_2026-11-27T09-21-11.635554.json", True),
        ("run1_2026-11-27T09-21-11.json", True),
        ("results_csconv_response_2026-11-27T09-21-11.635554_judged_87ea4ff5.json", True),
        ("results_anything.json", True),
        ("run1.json", False),
        ("leaderboard.json", False),
        ("samples_csconv_response_2026-11-27T09-21-11.635554.jsonl", False),
        ("gate_2026-11-27.json", False),
    ],
)
def test_results_are_known_by_their_names(name: str, is_results: bool) -> None:
    assert is_results_name(name) is is_results


def test_a_truncated_file_of_such_a_name_is_told(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "file", tmp_path / "a")
    shutil.copytree(made / "folder", tmp_path / "b")
    (file,) = (tmp_path / "a").glob("*.json")
    file.write_text(json.dumps({"results": {}})[:5], encoding="utf-8")
    assert f"{file}: not an lm-eval results file" in " ".join(csconv("table", tmp_path).err.split())

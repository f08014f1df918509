"""Finding results among folders, links, and files of other tasks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.reading.runs import find_runs, read_results
from csc_tasks.results.results_file import Origin

SIGNATURE = {
    "line": "csconv:1|task:response",
    "benchmark": 1,
    "task": "response",
    "context": "reference",
    "prompt": {"version": "zh-1", "sha256": "a" * 64},
    "data": {"name": "mini", "scale": "mini", "conversations": 32, "fingerprint": "b" * 64},
    "metrics": {"rouge_l": "csconv"},
}


def results(**more: Any) -> dict[str, Any]:
    return {
        "results": {"csconv_mini_response": {"alias": "x", "rouge_l,none": 0.5, "rouge_l_stderr,none": 0.01}},
        "configs": {"csconv_mini_response": {"metadata": {"csconv_signature": SIGNATURE}}},
        "config": {"model_args": {"pretrained": "org/a"}, "limit": None},
        "date": 1.0,
        **more,
    }


def put(folder: Path, content: Any = None, name: str = "results_1.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(results() if content is None else content), encoding="utf-8")
    return path


def test_a_run_is_read_with_its_scores_and_facts(tmp_path: Path) -> None:
    (run,) = read_results(put(tmp_path)).runs
    assert (run.values, run.errors) == ({"rouge_l": 0.5}, {"rouge_l": 0.01})
    assert (run.section, run.origin, run.limited) == ("response/reference", Origin.RUN, False)
    assert run.protocol.named() == {
        "benchmark": "1",
        "data": "mini (bbbbbbbb)",
        "scale": "mini",
        "prompt": "zh-1 (aaaaaaaa)",
    }
    assert run.samples == tmp_path / "samples_csconv_mini_response_1.jsonl"


def test_what_lm_eval_makes_up_for_a_task_without_metrics_is_no_score(tmp_path: Path) -> None:
    content = results()
    content["results"]["csconv_mini_response"]["bypass,none"] = 999
    (run,) = read_results(put(tmp_path, content)).runs
    assert set(run.values) == {"rouge_l"}


def test_results_of_other_tasks_are_ignored_with_a_count(tmp_path: Path) -> None:
    content = results()
    for task in ("arc", "mmlu"):
        content["results"][task] = {"acc,none": 0.5}
        content["configs"][task] = {"metadata": {"version": 1}}
    found = find_runs([put(tmp_path, content)])
    assert len(found.runs) == 1
    assert (found.ignored, found.problems) == (2, ())


def test_a_group_is_not_counted_as_a_task(tmp_path: Path) -> None:
    content = results(group_subtasks={"csconv_mini_all": ["csconv_mini_response"]})
    content["results"]["csconv_mini_all"] = {"alias": "all"}
    assert find_runs([put(tmp_path, content)]).ignored == 0


def test_every_file_is_found_once_however_often_it_is_named(tmp_path: Path) -> None:
    path = put(tmp_path / "a" / "b")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "results_copy.json").symlink_to(path)
    assert len(find_runs([tmp_path, path, tmp_path / "a", path]).runs) == 1


def test_results_that_lie_behind_a_link_are_found(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert len(find_runs([tmp_path / "here"]).runs) == 1


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    put(tmp_path / "a")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    assert len(find_runs([tmp_path]).runs) == 1


@pytest.mark.parametrize("target", ["results_x.json", "nowhere.json"])
def test_a_results_file_that_is_a_link_to_nothing_is_told(tmp_path: Path, target: str) -> None:
    put(tmp_path)
    (tmp_path / "results_x.json").symlink_to(tmp_path / target)
    found = find_runs([tmp_path])
    assert len(found.runs) == 1
    assert [p.message for p in found.problems] == ["cannot be read (a link that leads nowhere)"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told_and_the_rest_found(tmp_path: Path) -> None:
    put(tmp_path / "a")
    file, folder = put(tmp_path / "b"), tmp_path / "c"
    put(folder)
    file.chmod(0)
    folder.chmod(0)
    try:
        found = find_runs([tmp_path])
    finally:
        folder.chmod(0o700)
    assert len(found.runs) == 1
    assert [p.message for p in found.problems] == ["cannot be read (Permission denied)"] * 2


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        find_runs([tmp_path / "nowhere"])


def test_paths_may_come_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "results_1.json").write_text("{}")
    with pytest.raises(DataError, match=r"1 unreadable.*results_1\.json"):
        find_runs(path for path in [tmp_path])


@pytest.mark.parametrize(
    "change",
    [
        {"date": "yesterday"},
        {"config": [1]},
        {"csconv_judged": {"samples": 7}},
        {"csconv_rescored": {"scores": "a/b"}},
        {"csconv_rescored": {"results": ".."}},
        {"csconv_rescored": ["x"]},
    ],
)
def test_a_damaged_task_is_told_with_its_name(tmp_path: Path, change: dict[str, Any]) -> None:
    put(tmp_path / "a", results(**change))
    put(tmp_path / "b")
    found = find_runs([tmp_path])
    assert len(found.runs) == 1
    (problem,) = found.problems
    assert problem.message.startswith("task csconv_mini_response: damaged")


@pytest.mark.parametrize("value", ["N/A", None, True, [1], float("inf"), float("nan")])
def test_what_is_no_number_is_not_known(tmp_path: Path, value: Any) -> None:
    content = results()
    content["results"]["csconv_mini_response"]["rouge_l,none"] = value
    (run,) = read_results(put(tmp_path, content)).runs
    assert run.values["rouge_l"] != run.values["rouge_l"]

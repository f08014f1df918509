"""Reading results files, a run's own and derived ones; what is wrong with one is said, and never a traceback."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csc_tasks.errors import CSConvError, DataError
from csc_tasks.leaderboards.comparing.baseline_file import read_baseline
from csc_tasks.leaderboards.comparing.gate import evaluate
from csc_tasks.leaderboards.comparing.loading import load_model_results
from csc_tasks.leaderboards.comparing.rules import default_rules
from csc_tasks.protocol.signature import Signature
from csc_tasks.results.find_logs import open_log
from csc_tasks.results.records import Judging, Rescoring
from csc_tasks.results.results_file import Origin, ResultsFile

RESPONSE = "csconv_response"


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


@pytest.fixture
def good(old_results: Path) -> Path:
    return old_results / "judged" / "org__good"


def test_a_runs_own_file_says_what_was_asked_of_which_model(good: Path) -> None:
    file = ResultsFile.read(only(good, "results_2*.json"))
    assert (file.origin, set(file.tasks)) == (Origin.RUN, {RESPONSE, "csconv_dialogue"})
    run = file.run(RESPONSE)
    assert run is not None
    assert (run.section, run.report.turns, run.base) == ("response/reference", 60, None)
    assert (run.rescoring, run.judging, run.limited) == (None, None, False)
    assert run.samples.exists()
    assert run.model.arguments["pretrained"] == "org/good"
    assert run.values.keys() == run.signature.metrics.keys()


def test_a_judges_file_says_who_judged_and_what_it_is_made_of(good: Path) -> None:
    run = ResultsFile.read(only(good, f"results_{RESPONSE}_*_judged_*.json")).run(RESPONSE)
    assert run is not None
    assert run.judging is not None
    assert (run.origin, run.judging.coverage, run.judging.withheld) == (Origin.JUDGED, 1.0, "")
    assert run.base == only(good, "results_2*.json")
    sums = run.judging.read_sums()
    assert sums is not None
    assert len(sums.conversations) == 12
    assert sum(count for _, count in sums.metrics["judge_coverage"]) == 60


def test_a_file_of_new_scores_says_of_which_log_they_are(old_results: Path) -> None:
    folder = old_results / "models" / "org__poor"
    run = ResultsFile.read(only(folder, "results_*_rescored_*.json")).run(RESPONSE)
    assert run is not None
    assert run.rescoring is not None
    assert (run.origin, run.rescoring.failures, run.signature.tokenizer) == (Origin.RESCORED, {}, "char")
    log = open_log(run.samples)
    assert log is not None
    assert (run.base, run.rescoring.samples_sha256) == (log.results.path, log.sha256())


def test_what_is_written_is_read_again(good: Path, tmp_path: Path) -> None:
    file = ResultsFile.read(only(good, "results_2*.json"))
    run = file.run(RESPONSE)
    assert run is not None
    made = Rescoring(results=file.path.name, scores="s.jsonl", failures={"bleu_4": "no package"})
    values = {"alias": RESPONSE, "rouge_l,none": 0.5, "rouge_l_stderr,none": "N/A"}
    signature = run.signature.with_scores((), "char").model_copy(update={"metrics": {"rouge_l": "x"}})
    content = file.derived(RESPONSE, signature, values, {"turns": 7}, made)
    path = tmp_path / "results_x.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    again = ResultsFile.read(path).run(RESPONSE)
    assert again is not None
    assert (again.rescoring, again.signature, again.report.turns) == (made, signature, 7)
    assert (again.values, again.model) == ({"rouge_l": 0.5}, run.model)
    assert again.errors["rouge_l"] != again.errors["rouge_l"]  # N/A is not known


def test_why_a_metric_has_no_score_is_told_by_the_report_or_the_judge(good: Path, tmp_path: Path) -> None:
    content = json.loads(only(good, f"results_{RESPONSE}_*_judged_*.json").read_text(encoding="utf-8"))
    content["csconv_judged"]["withheld"] = "too few"
    report = {"unscored": {"judge_empathy": {"turns": 3, "reason": "gone"}, "judge_overall": None}}
    content["configs"][RESPONSE]["metadata"]["csconv_report"] = report
    path = tmp_path / "results_x.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    run = ResultsFile.read(path).run(RESPONSE)
    assert run is not None
    assert run.reason_unscored("judge_empathy") == "gone"
    assert run.reason_unscored("judge_overall") == "too few"


@pytest.mark.parametrize(
    ("sums", "words"),
    [
        ({"conversations": "x", "metrics": {}}, "csconv_judged.sums.conversations"),
        ({"metrics": {}}, "csconv_judged.sums.conversations: field required"),
        ({"conversations": ["a"], "metrics": {"judge_x": [["b", 1]]}}, "csconv_judged.sums.metrics.judge_x"),
        ({"conversations": ["a"], "metrics": {"judge_x": []}}, "0 rows of 1 conversations"),
    ],
)
def test_damaged_sums_are_an_error_that_names_the_field(sums: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Judging(sums=sums).read_sums()


def test_a_log_whose_results_are_of_another_task_or_kind_is_refused(good: Path, tmp_path: Path) -> None:
    content = json.loads(only(good, "results_2*.json").read_text(encoding="utf-8"))
    (tmp_path / "samples_other_1.jsonl").touch()
    (tmp_path / f"samples_{RESPONSE}_1.jsonl").touch()
    content["configs"][RESPONSE]["metadata"]["csconv_signature"]["task"] = "poem"
    (tmp_path / "results_1.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match="has no task 'other'"):
        open_log(tmp_path / "samples_other_1.jsonl")
    with pytest.raises(DataError, match=r"csconv_signature\.task: 'poem' is unknown"):
        open_log(tmp_path / f"samples_{RESPONSE}_1.jsonl")


# --- damage of every kind ---

ODD = st.sampled_from(
    [
        *(None, True, -1, 0, 10**30, 0.5, float("nan"), float("inf")),
        *("", "x", "..", "a/b", "\ud800"),
        *([], [1], [["x"]], {}, {"x": 1}, {"x": None}),
    ]
)


def mutated(content: Any, seed: int, odd: list[Any]) -> Any:
    """The same with a few values replaced or taken away."""
    chance = random.Random(seed)
    content = copy.deepcopy(content)
    for value in odd:
        # A place at random among those of one branch: most values stand deep in long lists.
        here = content
        while True:
            keys = list(here) if isinstance(here, dict) else range(len(here))
            key = chance.choice(keys) if keys else None
            if (
                key is None
                or not isinstance(here[key], (dict, list))
                or not here[key]
                or chance.random() < 0.1
            ):
                break
            here = here[key]
        if key is None:
            continue
        if value == "x" and chance.random() < 0.5 and isinstance(here, dict):
            del here[key]
        else:
            here[key] = copy.deepcopy(value)  # the sampled objects are shared
    return content


def refusal(read: Callable[[], object]) -> str:
    """What is said of a damaged file; '' if it could be used all the same."""
    try:
        read()
    except CSConvError as error:
        return str(error)
    return ""


LOOK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Odd = st.lists(ODD, min_size=1, max_size=3)


@pytest.mark.parametrize("folder", ["judged/org__good", "models/org__poor"])
@LOOK
@given(seed=st.integers(0, 2**32), odd=Odd, which=st.integers(0, 5))
def test_a_results_file_damaged_anywhere_is_a_note_or_a_clear_error(
    old_results: Path, tmp_path: Path, folder: str, seed: int, odd: list[Any], which: int
) -> None:
    originals = sorted((old_results / folder).iterdir())
    results = [path for path in originals if path.name.startswith("results_")]
    for path in originals:
        (tmp_path / path.name).unlink(missing_ok=True)
        (tmp_path / path.name).symlink_to(path)
    victim = results[which % len(results)]
    content = mutated(json.loads(victim.read_text(encoding="utf-8")), seed, odd)
    (tmp_path / victim.name).unlink()
    (tmp_path / victim.name).write_text(json.dumps(content))
    said = refusal(lambda: load_model_results([tmp_path]))
    assert said == "" or str(tmp_path) in said
    for log in tmp_path.glob("samples_*.jsonl"):
        said = refusal(lambda log=log: open_log(log))  # type: ignore[misc]
        assert said == "" or str(tmp_path) in said


@LOOK
@given(seed=st.integers(0, 2**32), odd=Odd)
def test_a_baseline_file_damaged_anywhere_is_a_clear_error(
    old_results: Path, tmp_path: Path, seed: int, odd: list[Any]
) -> None:
    content = json.loads((old_results / "baseline.json").read_text(encoding="utf-8"))
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(mutated(content, seed, odd)))
    if said := refusal(lambda: read_baseline(path)):
        assert said.startswith(f"{path}: ")
        return
    base, sound = read_baseline(path), read_baseline(old_results / "baseline.json")
    evaluate(sound, base, default_rules(base))


@LOOK
@given(seed=st.integers(0, 2**32), odd=Odd)
def test_a_signature_damaged_anywhere_is_read_or_refused(
    old_results: Path, seed: int, odd: list[Any]
) -> None:
    path = only(old_results / "judged" / "org__good", f"results_{RESPONSE}_*_judged_*.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    changed = mutated(content["configs"][RESPONSE]["metadata"]["csconv_signature"], seed, odd)
    if said := refusal(lambda: Signature.read(changed)):
        assert said.startswith("csconv_signature")
        return
    signature = Signature.read(changed)
    assert json.loads(json.dumps(signature.to_json()))["line"] == signature.line

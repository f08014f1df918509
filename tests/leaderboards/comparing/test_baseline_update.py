"""`csconv gate --update-baseline`: nothing that was watched is lost unasked, and what changes is said."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.leaderboards.comparing.baseline_file import read_baseline, write_baseline
from csc_tasks.leaderboards.comparing.model_results import ModelResults, SectionResults
from tests.door import Done
from tests.leaderboards import logs
from tests.leaderboards.comparing.gates import INCOMPLETE, NOT_COMPARABLE, PASS, REGRESSION, WRONG_USE, gate

RESPONSE = "response/reference"


def update(results: Path, file: Path, *arguments: str | Path) -> Done:
    return gate(results, "--baseline", file, "--update-baseline", *arguments)


@pytest.fixture
def file(runs: Path, tmp_path: Path) -> Path:
    """The baseline file of the worse model."""
    path = tmp_path / "baseline.json"
    assert update(runs / "worse", path).code == PASS
    return path


def change(file: Path, how: Callable[[ModelResults], ModelResults]) -> None:
    """Write a baseline file as it was of other results."""
    write_baseline(how(read_baseline(file)), file)


def with_section(results: ModelResults, name: str, **fields: Any) -> ModelResults:
    """The same with a section like the first, and other ``fields``."""
    first: SectionResults = next(iter(results.sections.values()))
    changed = dataclasses.replace(first, **{"section": name, **fields})
    return dataclasses.replace(results, sections={**results.sections, name: changed})


def two_sections(results: ModelResults) -> ModelResults:
    return with_section(results, "response/generated")


def another_metric(results: ModelResults) -> ModelResults:
    metrics = results.sections[RESPONSE].metrics
    other = dataclasses.replace(metrics["rouge_l"], name="bertscore")
    return with_section(results, RESPONSE, metrics={**metrics, "bertscore": other})


def more_turns(results: ModelResults) -> ModelResults:
    return with_section(results, RESPONSE, turns=1_790, conversations=128)


def more_seeds(results: ModelResults) -> ModelResults:
    return with_section(results, RESPONSE, seeds=("1", "2", "3"))


def whole_judge(results: ModelResults) -> ModelResults:
    """As if a metric had been of more turns, as a judge's grade is that was shown all and is now shown some."""
    metrics = results.sections[RESPONSE].metrics
    other = dataclasses.replace(metrics["rouge_l"], turns=1_000)
    return with_section(results, RESPONSE, metrics={**metrics, "rouge_l": other})


LOSSES: Mapping[str, tuple[Callable[[ModelResults], ModelResults], str, str]] = {
    "a section": (two_sections, "response/generated", "not in the results"),
    "a metric": (another_metric, f"{RESPONSE}/bertscore", "not in the results"),
    "turns": (more_turns, f"{RESPONSE}/turns", "407 turns of 32 conversations, 1790 turns of 128 conversations before"),
    "seeds": (more_seeds, f"{RESPONSE}/seeds", "1, 3 before"),
    "turns of a metric": (whole_judge, f"{RESPONSE}/rouge_l", "of 407 turns, of 1000 before"),
}  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["a metric", *(pytest.param(kind, marks=pytest.mark.slow) for kind in LOSSES if kind != "a metric")],
)
def test_what_was_watched_is_lost_only_by_name(runs: Path, file: Path, kind: str) -> None:
    how, name, reason = LOSSES[kind]
    change(file, how)
    before = file.read_bytes()
    refused = update(runs / "better", file)
    assert refused.code == INCOMPLETE
    assert f"{name}: {reason}" in refused.err
    assert f"--drop {name}" in refused.err
    wrong = update(runs / "better", file, "--drop", name, "--drop", "strategy_acc")
    assert wrong.code == WRONG_USE
    assert f"--drop strategy_acc: nothing of this name would be lost; could be dropped: {name}" in wrong.err
    assert file.read_bytes() == before
    done = update(runs / "better", file, "--drop", name)
    assert done.code == PASS, done.output
    assert f"dropped: {name} ({reason})" in done.out
    assert update(runs / "better", file).code == PASS


def test_every_loss_is_named_at_once_and_each_must_be_given_up(runs: Path, file: Path) -> None:
    change(file, lambda results: two_sections(another_metric(results)))
    refused = update(runs / "better", file)
    assert "response/generated: not in the results" in refused.err
    assert f"{RESPONSE}/bertscore: not in the results" in refused.err
    # A variable that is not set gives up nothing.
    assert update(runs / "better", file, "--drop", "").code == WRONG_USE
    half = update(runs / "better", file, "--drop", "response/generated")
    assert half.code == INCOMPLETE
    assert "response/generated: " not in half.err
    # A metric's bare name is that metric in every section.
    both = update(runs / "better", file, "--drop", "response/generated", "--drop", "bertscore")
    assert both.code == PASS, both.output


def test_a_score_that_failed_or_has_no_samples_now_is_lost(better: Path, file: Path) -> None:
    value = logs.content(better)["results"]["csconv_mini_response"]["bleu_2_norm,none"]
    logs.edit_results(better, f'"bleu_2_norm,none": {value!r}', '"bleu_2_norm,none": NaN')
    refused = update(better, file)
    assert refused.code == INCOMPLETE
    assert f"{RESPONSE}/bleu_2_norm: not scored" in refused.err
    done = update(better, file, "--drop", "bleu_2_norm")
    assert done.code == PASS
    # Nor is it silently missing where nothing was watched before.
    first = update(better, file.with_name("first.json"))
    assert first.code == PASS
    assert f"note: {RESPONSE}/bleu_2_norm is not watched: no score with its samples" in first.err


def test_a_limited_run_over_a_whole_one_is_refused_even_where_partial_runs_are_allowed(
    runs: Path, file: Path
) -> None:
    assert "run it whole" in update(runs / "limited", file).err
    refused = update(runs / "limited", file, "--allow-partial")
    assert refused.code == INCOMPLETE
    assert "response/reference/turns: 40 turns of 4 conversations, 407 turns" in refused.err
    done = update(runs / "limited", file, "--allow-partial", "--drop", "turns")
    assert done.code == PASS
    assert "is incomplete (40 turns of 4 conversations of 32)" in done.err


def test_an_update_prints_every_score_old_and_new_with_its_paired_interval(runs: Path, file: Path) -> None:
    judged = json.loads(gate(runs / "better", "--baseline", file, "--json", "-").out)
    check = next(c for c in judged["checks"] if c["metric"] == "strategy_acc")
    done = update(runs / "better", file, "--markdown", file.with_name("m.md"))
    assert done.out.splitlines()[0].startswith(f"{file}: baseline of csconv-retrieval, ")
    assert "before: csconv-random" in done.out
    cells = next(line for line in done.out.splitlines() if "  strategy_acc " in line).split()
    assert cells[:4] == [
        RESPONSE,
        "strategy_acc",
        f"{100 * check['baseline']:.1f}",
        f"{100 * check['value']:.1f}",
    ]
    assert cells[4] == f"+{-100 * check['drop']:.1f}"
    assert (cells[5][0], cells[6][-1]) == ("[", "]")
    assert any("distinct_2" in line and line.endswith("no interval") for line in done.out.splitlines())
    assert f"| {RESPONSE} | strategy_acc | {cells[2]} | {cells[3]} |" in file.with_name("m.md").read_text(
        encoding="utf-8"
    )
    # Columns are aligned: every row's first number ends at the same place.
    rows = [line for line in done.out.splitlines() if line.startswith(RESPONSE)]
    assert len({line.index(line.split()[2]) + len(line.split()[2]) for line in rows}) == 1


def test_an_update_says_everything_as_json_too(runs: Path, file: Path) -> None:
    told = json.loads(update(runs / "better", file, "--json", "-").out)
    assert (told["exit"], told["outcome"], told["before"]) == (0, "baseline written", "csconv-random")
    by_metric = {each["metric"]: each for each in told["deltas"]}
    found = by_metric["strategy_acc"]
    assert found["difference"]["low"] < found["first"] - found["second"] < found["difference"]["high"]
    assert by_metric["distinct_2"]["difference"]["low"] is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"version": "zh-2"', '"version": "zh-9"', "prompt zh-9"),
        ('"fingerprint": "630eb555345da059"', '"fingerprint": "0000000000000000"', "data mini (00000000)"),
    ],
)
def test_what_may_not_be_compared_with_the_old_file_stands_beside_it_with_the_reason(
    better: Path, file: Path, old: str, new: str, words: str
) -> None:
    logs.edit_results(better, old, new)
    done = update(better, file)
    assert done.code == PASS, done.output
    assert "not comparable with the file before" in done.out
    assert words in done.out
    row = next(line for line in done.out.splitlines() if "  strategy_acc " in line)
    assert row.endswith("not comparable")
    assert "[" not in row


def test_a_metric_that_is_computed_otherwise_is_said_to_be(better: Path, file: Path) -> None:
    formula = '"rouge_l": "rouge-score formula, sentence level'
    logs.edit_results(better, formula, '"rouge_l": "another formula')
    done = update(better, file)
    row = next(line for line in done.out.splitlines() if "  rouge_l " in line)
    assert "computed in two ways" in row
    assert "[" not in row


def test_another_way_to_ask_is_told_of(runs: Path, file: Path) -> None:
    """A gate would refuse to hold the one against the other."""

    def asked(temperature: str) -> Callable[[ModelResults], ModelResults]:
        def model(results: ModelResults) -> ModelResults:
            assert results.identity is not None
            how = results.sections[RESPONSE].how
            assert how is not None
            how = dataclasses.replace(how, generation={**how.generation, "temperature": temperature})
            identity = dataclasses.replace(results.identity, is_floor=False)
            return with_section(dataclasses.replace(results, identity=identity), RESPONSE, how=how)

        return model

    new = Path(shutil.copy(file, file.with_name("new.json")))
    change(file, asked("0.0"))
    change(new, asked("0.7"))
    assert gate(new, "--baseline", file).code == NOT_COMPARABLE
    done = update(new, file)
    assert done.code == PASS
    assert "note: asked otherwise: temperature 0.7 against 0.0" in done.err


def test_a_link_to_a_baseline_file_stays_a_link(runs: Path, file: Path) -> None:
    link = file.with_name("link.json")
    link.symlink_to(file)
    before = file.read_bytes()
    assert update(runs / "better", link).code == PASS
    assert link.is_symlink()
    assert file.read_bytes() != before


def test_a_floor_in_a_models_place_is_told_of(runs: Path, file: Path) -> None:
    def model(results: ModelResults) -> ModelResults:
        assert results.identity is not None
        return dataclasses.replace(results, identity=dataclasses.replace(results.identity, is_floor=False))

    change(file, model)
    done = update(runs / "better", file)
    assert "note: csconv-retrieval is a floor, csconv-random was a model" in done.err


@pytest.mark.parametrize(
    "option",
    [
        ["--max-drop", "strategy_acc=0.01"],
        ["--min", "strategy_acc=0.1"],
        ["--floor", "strategy_acc=0.1"],
        ["--rules", "gate.yaml"],
        ["--min-coverage", "0.9"],
        ["--min-turns", "5"],
        ["--base-model", "csconv-random"],
        ["--allow", "generation"],
        ["--junit", "j.xml"],
    ],
)
def test_an_option_that_an_update_would_ignore_is_an_error(
    runs: Path, file: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    monkeypatch.chdir(file.parent)
    before = file.read_bytes()
    done = update(runs / "better", file, *option)
    assert done.code == WRONG_USE
    assert f"{option[0]}: of no use here" in done.err
    assert file.read_bytes() == before


def test_a_drop_without_an_update_or_without_a_file_is_an_error(runs: Path, file: Path) -> None:
    judging = gate(runs / "better", "--baseline", file, "--drop", "turns")
    assert (judging.code, "--drop: of no use here" in judging.err) == (WRONG_USE, True)
    first = update(runs / "better", file.with_name("new.json"), "--drop", "turns")
    assert (first.code, "nothing that is watched would be lost" in first.err) == (WRONG_USE, True)
    assert not file.with_name("new.json").exists()


@pytest.mark.parametrize("content", ["", "{", "# Read me", '{"kind": "csconv-baseline", "format": 9}', None])
def test_a_file_that_is_no_baseline_is_never_overwritten(runs: Path, file: Path, content: str | None) -> None:
    if content is None:
        shutil.copy(logs.results_file(runs / "worse"), file)
    else:
        file.write_text(content, encoding="utf-8")
    before = file.read_bytes()
    done = update(runs / "better", file)
    assert done.code == INCOMPLETE
    assert "restore it, or delete it first" in done.err
    assert file.read_bytes() == before


def test_a_folder_is_no_place_for_a_baseline_file(runs: Path, tmp_path: Path) -> None:
    done = update(runs / "better", tmp_path)
    assert (done.code, "a folder; --update-baseline writes a file" in done.err) == (WRONG_USE, True)


def test_a_refused_update_writes_the_report_that_it_was_asked_for(runs: Path, file: Path) -> None:
    change(file, two_sections)
    report = file.with_name("r.json")
    assert update(runs / "better", file, "--json", report).code == INCOMPLETE
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["exit"] == INCOMPLETE
    assert "response/generated" in told["checks"][0]["message"]


def test_after_an_update_the_gate_holds_to_the_new_file(runs: Path, file: Path) -> None:
    assert update(runs / "better", file).code == PASS
    assert gate(runs / "worse", "--baseline", file).code == REGRESSION
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []

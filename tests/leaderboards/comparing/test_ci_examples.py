"""The examples of docs/ci.md: the workflows are what the systems expect, and their commands run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.door import Done, csconv, program
from tests.leaderboards import logs
from tests.paths import ROOT

TEXT = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def example(name: str) -> Any:
    match = re.search(rf"<!-- tested: {name} -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert match
    return yaml.safe_load(match.group(1))


def commands(name: str) -> list[str]:
    """The shell lines of a workflow."""
    content = example(name)
    if name == "gitlab":
        scripts: list[str] = content["csconv"]["script"]
    else:
        scripts = [step["run"] for step in content["jobs"]["csconv"]["steps"] if "run" in step]
    return [line for script in scripts for line in script.strip().splitlines()]


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, once: Callable[[str, Callable[[Path], object]], Path]
) -> Path:
    """A project as the examples expect it: results, a committed baseline, and the rules of the page."""

    def make(folder: Path) -> None:
        logs.evaluate(folder / "results", "retrieval", "csconv_mini_response,csconv_mini_dialogue")
        logs.evaluate(folder / "worse", "random", "csconv_mini_response,csconv_mini_dialogue")

    runs = once("ci-runs", make)
    (tmp_path / "results").symlink_to(runs / "results")
    (tmp_path / "worse").symlink_to(runs / "worse")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    rules = re.search(r"## Rules.*?```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert rules
    # The example is for the full data and a real model: the smoke test has fewer turns and a lower floor.
    text = (
        rules.group(1)
        .replace("min_turns: 1000", "min_turns: 400")
        .replace("strategy_acc: 0.35", "strategy_acc: 0.15")
    )
    assert text != rules.group(1)
    (tmp_path / "gate.yaml").write_text(text)
    done = run("csconv gate results --baseline csconv-baseline.json --update-baseline")
    assert done.code == 0, done.output
    return tmp_path


def run(line: str) -> Done:
    program, *arguments = shlex.split(line)
    assert program == "csconv"
    return csconv(*arguments)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_the_gate_of_a_workflow_passes_the_same_model_and_fails_a_worse_one(project: Path, name: str) -> None:
    (line,) = [line for line in commands(name) if line.startswith("csconv gate")]
    done = run(line)
    assert done.code == 0, done.output
    assert all((project / f"gate.{suffix}").stat().st_size for suffix in ("xml", "md", "json"))
    worse = run(line.replace("gate results", "gate worse"))
    assert worse.code == 1, worse.output


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_the_evaluation_of_a_workflow_is_a_command_that_lm_eval_takes(name: str) -> None:
    from lm_eval._cli.harness import HarnessCLI

    (line,) = [line for line in commands(name) if line.startswith("lm_eval")]
    parsed = HarnessCLI()._parser.parse_args(shlex.split(line)[1:])
    assert (parsed.log_samples, parsed.output_path) == (True, "results")
    assert "csconv_lite" in str(parsed.tasks)


def test_the_power_commands_of_the_page_run(project: Path) -> None:
    Path("results/new").parent.mkdir(exist_ok=True)
    lines = [line.split("#")[0] for line in TEXT.splitlines() if line.startswith("csconv gate power")]
    assert len(lines) == 5
    for line in lines:
        done = run(line.replace("results/new", "worse"))
        assert done.code == 0, done.output


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of a table of the page by their first cell."""
    _, _, table = TEXT.partition(heading)
    lines = table.split("\n\n")[0].splitlines()[2:]
    return {
        cells[0]: cells[1:] for cells in ([c.strip() for c in line.strip("| ").split("|")] for line in lines)
    }


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ("(17 rules, the default)", ""),
        ("`--tests 1`", "--tests 1"),
        ("`--tests 1 --max-drop 0.01`", "--tests 1 --max-drop 0.01"),
    ],
)
def test_the_figures_of_the_page_are_those_that_the_command_prints(row: str, options: str) -> None:
    printed = run(f"csconv gate power {options}").output
    line = next(line for line in printed.splitlines() if "strategy_acc" in line)
    assert re.findall(r"\d+\.\d+", line)[-3:] == rows("| `csconv gate power` | mini ")[row]
    assert ("17 tests" in printed) == (not options)


@pytest.mark.parametrize(("drop", "chance"), [("2.0", 21), ("3.0", 51), ("4.0", 81)])
def test_the_chances_of_the_page_are_those_that_the_command_names(drop: str, chance: int) -> None:
    assert "a true drop of 2, 3 and 4 points fails 21, 51 and 81 % of the time" in " ".join(TEXT.split())
    options = f"--max-drop 0.01 --tests 1 --n-conversations 128 --power {chance / 100}"
    line = next(x for x in run(f"csconv gate power {options}").output.splitlines() if "strategy_acc" in x)
    assert re.findall(r"\d+\.\d+", line) == ["1.0", drop]


@pytest.mark.slow
def test_what_the_best_of_many_costs_is_what_the_simulation_prints() -> None:
    done = program("tools/best_of_checkpoints.py", cwd=ROOT)
    assert done.code == 0, done.err
    printed = {fields[0]: fields[1:] for fields in (line.split() for line in done.out.splitlines()[1:])}
    said = rows("| baseline | the same conversations ")
    for name, many in (
        ("any one", "1"),
        ("the best of 5", "5"),
        ("the best of 10", "10"),
        ("the best of 20", "20"),
    ):
        assert [cell.replace(" ", "") for cell in said[name]] == printed[many]


def test_the_workflows_have_the_shape_that_the_systems_expect() -> None:
    github, gitlab = example("github"), example("gitlab")
    assert github[True] == {"pull_request": {"paths": ["training/**"]}}  # YAML 1.1 reads `on` as true
    assert all("uses" in step or "run" in step for step in github["jobs"]["csconv"]["steps"])
    assert gitlab["csconv"]["artifacts"]["reports"] == {"junit": "gate.xml"}

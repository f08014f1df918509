"""The examples of docs/ci.md: the workflows are what the systems expect, and their commands run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.door import Done, csconv
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
    assert len(lines) == 3
    for line in lines:
        done = run(line.replace("results/new", "worse"))
        assert done.code == 0, done.output


def test_the_figures_of_the_page_are_those_that_the_command_prints() -> None:
    said = re.search(
        r"accuracy of ([\d.]+) points on\s`mini`, ([\d.]+) on `lite` and ([\d.]+) on the full", TEXT
    )
    assert said
    printed = run("csconv gate power").output
    row = next(line for line in printed.splitlines() if "strategy_acc" in line)
    assert re.findall(r"\d+\.\d+", row) == list(said.groups())


def test_the_workflows_have_the_shape_that_the_systems_expect() -> None:
    github, gitlab = example("github"), example("gitlab")
    assert github[True] == {"pull_request": {"paths": ["training/**"]}}  # YAML 1.1 reads `on` as true
    assert all("uses" in step or "run" in step for step in github["jobs"]["csconv"]["steps"])
    assert gitlab["csconv"]["artifacts"]["reports"] == {"junit": "gate.xml"}

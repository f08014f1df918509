"""What a release says of itself in several places is the same in all of them."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from typing import Any

import yaml
from packaging.requirements import Requirement

import csc_tasks
from csc_tasks.protocol.signature import BENCHMARK_VERSION
from tests.paths import ROOT


def project() -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return content


def test_the_version_is_the_same_in_package_citation_and_changelog() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    latest = re.fullmatch(r"(\d+\.\d+\.\d+), (unreleased|\d{4}-\d{2}-\d{2})", headings[0])
    assert latest, headings[0]
    assert csc_tasks.__version__ == citation["version"] == latest[1]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+, \d{4}-\d{2}-\d{2}", older) for older in headings[1:])


def test_a_released_version_has_its_date_in_the_citation() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    heading = re.search(r"^## .*, (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heading
    assert str(citation.get("date-released", "unreleased")) == heading[1]


def test_every_task_file_has_the_benchmarks_version() -> None:
    files = sorted((ROOT / "task_configs").glob("*.yaml"))
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    found = {name: re.findall(r"^  version: (\S+)$", text, re.MULTILINE) for name, text in texts.items()}
    assert {version for versions in found.values() for version in versions} == {str(BENCHMARK_VERSION)}


def test_every_dependency_has_a_lower_bound_and_is_tested_at_it() -> None:
    spec = importlib.util.spec_from_file_location("lowest", ROOT / "tools" / "lowest.py")
    assert spec is not None
    assert spec.loader is not None
    lowest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lowest)
    written = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8")
    assert written == lowest.constraints(), "run python tools/lowest.py"
    bounded = {line.split("==")[0] for line in written.splitlines() if "==" in line}
    extras = project()["optional-dependencies"]
    named = [
        Requirement(x) for x in project()["dependencies"] + [y for extra in extras.values() for y in extra]
    ]
    assert {r.name.lower() for r in named} - {"csconv-eval"} == bounded

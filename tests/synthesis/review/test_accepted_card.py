"""What was accepted has a card that is true of it, where the run that made it says how it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from csc_tasks.data.files import read_file
from csc_tasks.synthesis.output.provenance_file import read_provenance
from tests.door import Done, csconv

COUNT = 14


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "made"
    options = ("--offline", "--n", COUNT, "--license", "cc-by-4.0", "--out", folder)
    assert csconv("synthesize", "roleplay", *options).code == 0
    return folder


def accept(run: Path, out: Path, *more: str) -> Done:
    """Five accepted, one of them without its goodbye, one rejected."""
    ids = list(read_provenance(run))
    items: dict[str, dict[str, Any]] = {key: {"decision": "accept"} for key in ids[:5]}
    items[ids[0]]["keep"] = 10
    items[ids[5]] = {"decision": "reject", "reason": "unnatural"}
    content = {
        "format": "csconv-review-1",
        "file": "conversations.json",
        "fingerprint": json.loads((run / "info.json").read_text("utf-8"))["fingerprint"],
        "person": "<b>王敏</b>",
        "exported": "",
        "shown": ids,
        "items": items,
    }
    decisions = out.parent / "decisions.json"
    decisions.write_text(json.dumps(content), encoding="utf-8")
    return csconv("synthesize", "accept", run / "conversations.json", decisions, "--out", out, *more)


def test_the_accepted_set_has_a_card_and_figures_of_its_own(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "reviewed" / "own.json"
    out.parent.mkdir()
    done = accept(run, out)
    assert done.code == 0, done.err
    text = out.with_name("README.md").read_text("utf-8")
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["license"] == "cc-by-4.0"
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "own.json"}]
    assert "# 5 Chinese customer-support conversations" in text
    assert "Reviewers: 1. Conversations accepted as they were: 4, with corrections: 1, rejected: 1." in text
    assert "since they were corrected: 1 (ends with 感谢与告别)" in text
    assert "Overlap was NOT checked" in text
    assert "No person has read" not in text
    assert "王敏" not in text
    info = json.loads(out.with_name("info.json").read_text("utf-8"))
    assert info["conversations"] == len(read_file(out).conversations) == 5
    cases = info["cases"]
    left = sum((*cases["dropped"].values(), *cases["refused"].values()))
    assert cases["ended"] == COUNT == left + cases["conversations"]


def test_a_second_review_still_knows_how_the_set_was_made(run: Path, tmp_path: Path) -> None:
    first = tmp_path / "one" / "own.json"
    first.parent.mkdir()
    assert accept(run, first).code == 0
    again = csconv("synthesize", "review", first, "--sheet", tmp_path / "two.csv")
    assert again.code == 0, again.err
    done = csconv(
        "synthesize",
        "accept",
        first,
        tmp_path / "two.csv",
        "--keep-undecided",
        "--out",
        tmp_path / "two/own.json",
    )
    assert done.code == 0, done.err
    text = (tmp_path / "two" / "README.md").read_text("utf-8")
    assert "roleplay-zh-1" in text
    assert "decided by nobody" in text


def test_a_readme_of_something_else_is_never_written_over(run: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project", encoding="utf-8")
    done = accept(run, tmp_path / "own.json", "--force")
    assert done.code == 1
    assert "no card of csconv's, and stays as it is" in done.err
    assert (tmp_path / "README.md").read_text("utf-8") == "# My project"
    assert not (tmp_path / "own.json").exists()

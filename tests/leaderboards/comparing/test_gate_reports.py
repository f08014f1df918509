"""What `csconv gate` writes for a CI system and for people."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.leaderboards import logs
from tests.leaderboards.comparing.gates import INCOMPLETE, PASS, REGRESSION, WRONG_USE, gate


def test_reports_are_written_for_ci_and_for_people(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = gate(
        *(
            runs / "worse",
            "--baseline",
            runs / "better",
            "--min",
            "no_answer=0.1",
            "--max-drop",
            "rouge_l=0",
        ),
        *("--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md", "--json", tmp_path / "r.json"),
        *("--max-drop", "strategy_acc=0.01"),
    )
    assert done.code == REGRESSION
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(len(cases)), "2", "0")
    assert cases["max_drop strategy_acc"].find("failure") is not None
    assert cases["min no_answer"].find("failure") is None
    markdown = (tmp_path / "m.md").read_text(encoding="utf-8")
    assert "❌ csconv gate: regression" in markdown
    assert summary.read_text(encoding="utf-8") == "before\n" + markdown + "\n"
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert (report["exit"], report["outcome"]) == (1, "regression")
    check = next(c for c in report["checks"] if c["metric"] == "strategy_acc")
    assert check["drop"] == pytest.approx(check["baseline"] - check["value"])
    assert check["allowed"] < check["low"] < check["drop"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere", "--baseline", "better"], INCOMPLETE, "nowhere: no such file or folder"),
        (["better", "--baseline", "empty.json"], INCOMPLETE, "empty.json"),
        (["better", "worse", "--baseline", "better"], WRONG_USE, "results of several models"),
        (["better", "--baseline", "better", "--max-drop", "bleu_9=0.1"], WRONG_USE, "no metric 'bleu_9'"),
        (["better", "--baseline", "better", "--allow", "luck"], WRONG_USE, "luck"),
    ],
)
def test_every_end_writes_the_reports(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "empty.json").write_text("")
    for name in ("better", "worse"):
        (tmp_path / name).symlink_to(runs / name)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.chdir(tmp_path)
    done = gate(*arguments, "--junit", "j.xml", "--markdown", "m.md", "--json", "r.json")
    assert done.code == code, done.output
    suite = ElementTree.parse("j.xml").getroot()
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert float(str(suite.get("time"))) >= 0
    (error,) = suite.iter("error")
    assert words in str(error.get("message"))
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert report["exit"] == code
    assert words in report["checks"][0]["message"]
    assert Path("summary.md").read_text(encoding="utf-8") == Path("m.md").read_text(encoding="utf-8") + "\n"


def test_a_report_that_cannot_be_written_does_not_hide_what_went_wrong(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = gate(tmp_path / "nowhere", "--baseline", runs / "better", "--json", tmp_path / "file" / "r.json")
    assert done.code == INCOMPLETE
    assert "r.json: cannot be written" in done.err
    assert f"{tmp_path / 'nowhere'}: no such file or folder" in done.err


def test_a_summary_page_that_cannot_be_written_changes_no_answer(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "folder"))
    assert gate(runs / "better", "--baseline", runs / "better").code == PASS


def test_a_hostile_model_name_is_inert_in_every_report(better: Path, runs: Path, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>|`x`\\u202e\\u0000@team" + "y" * 300
    logs.edit_results(better, "model=csconv-retrieval", f"model={name}")
    file = logs.results_file(better)
    content = json.loads(file.read_text(encoding="utf-8"))
    content["config"]["model_args"] = {"model": json.loads(f'"{name}"')}
    file.write_text(json.dumps(content), encoding="utf-8")
    done = gate(
        better, "--baseline", runs / "better", "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md"
    )
    assert done.code == PASS, done.output
    assert len(list(ElementTree.parse(tmp_path / "j.xml").getroot().iter("testcase"))) > 5
    line = next(
        x for x in (tmp_path / "m.md").read_text(encoding="utf-8").splitlines() if "against baseline" in x
    )
    assert line.startswith("`<script>alert(1)</script>¦'x'")
    assert len(line) < 200
    assert "\u202e" not in line

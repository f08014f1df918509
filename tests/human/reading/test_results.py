"""What people said in tables and comparisons, beside a judge, and how studies are planned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.human.study import ItemRole, StudyKey
from csc_tasks.leaderboards.build import build_board
from csc_tasks.metrics.judge import Status, Verdict
from csc_tasks.results.log_file import log_stem
from tests.door import csconv
from tests.human.reading.simulated import SimulatedRater, World, send_back

WORLD = World([3.9, 3.0])


@pytest.fixture
def moved(rated_runs: Path, tmp_path: Path) -> Path:
    """The runs in another place than where the study was made of them."""
    return Path(shutil.copytree(rated_runs / "runs", tmp_path / "moved"))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_reply_shows_what_every_rater_said_of_it_by_number(rate: Path, moved: Path, kept: Path) -> None:
    key = send_back(rate, WORLD, [SimulatedRater(name="Zhang San"), SimulatedRater()])
    _forget_place(rate, json.loads((rate / "key.json").read_text()))
    assert csconv("human", "read", rate, "--runs", moved, "--names").code == 0
    files = sorted(moved.rglob("ratings_*.jsonl"))
    assert len(files) == 2
    assert not any("Zhang" in file.read_text() for file in files)
    board = build_board([moved], cache=kept, browse=None)
    said = [r for row in board.remarks.values() for s in row.values() for rs in s.values() for r in rs]
    items = [item for item in key.items if item.role is ItemRole.ITEM]
    had = [name for rater in key.raters[:2] for name in rater.items]
    assert len(said) == sum(had.count(item.id) for item in items)
    assert {(r.human, r.by) for r in said} == {(True, "1"), (True, "2")}
    assert all({"strategy_choice", "empathy"} <= dict(r.scores).keys() for r in said)
    files[0].write_text('{"conversation": 1}\n')
    broken = build_board([moved], cache=kept, browse=None)
    assert any("ratings_" in problem.path and "line 1" in problem.message for problem in broken.problems)
    files[0].unlink()
    gone = build_board([moved], cache=kept, browse=None)
    assert any("single ratings of people are not shown" in problem.message for problem in gone.problems)


def test_tables_and_comparisons_show_what_people_said_and_nothing_is_overwritten(
    rate: Path, moved: Path, rated_runs: Path
) -> None:
    for log in (rated_runs / "runs").rglob("samples_*"):
        assert log.is_file()
    before = contents(moved)
    send_back(rate, WORLD, [SimulatedRater(name="Zhang San"), SimulatedRater(), SimulatedRater(clicks=True)])
    key = json.loads((rate / "key.json").read_text())
    _forget_place(rate, key)
    done = csconv("human", "read", rate)
    assert "org__good: no results are written: " in done.err
    assert "say where it is with --runs" in done.err
    done = csconv("human", "read", rate, "--runs", moved, "--names")
    assert done.code == 0, done.output
    files = [Path(line) for line in done.out.splitlines() if line.endswith(".json")]
    assert len(files) == 2
    assert all(file.parent.parent == moved and "_human_" in file.name for file in files)
    assert not any("Zhang" in file.read_text() for file in files)
    assert {path: contents(moved)[path] for path in before} == before
    shown = csconv("table", moved)
    assert "People, overall" in shown.out
    assert "Empathy (people)" in shown.out
    assert "turn-zh-2: 3 raters@" in shown.out
    compared = csconv("compare", moved / "org__good", moved / "org__poor", "--all")
    assert "People, overall" in compared.out
    # A second reading is a file of its own, and the newest counts.
    again = csconv("human", "read", rate, "--runs", moved, "--exclude-failed")
    assert again.code == 0, again.output
    assert len(list(moved.rglob("*_human_*.json"))) == 4
    assert all(file.read_bytes() == content for file, content in before.items())
    shown = csconv("table", moved)
    assert "turn-zh-2: 2 raters, 1 excluded@" in shown.out
    assert "turn-zh-2: 3 raters@" not in shown.out
    assert "is an earlier reading of the same study" in shown.err


def _forget_place(study: Path, key: dict[str, Any]) -> None:
    """As if the study had been made where its runs no longer are."""
    for run in key["runs"]:
        for name in ("log", "results"):
            run[name] = run[name].replace("/runs/", "/gone/")
    signed = StudyKey.model_validate(key).signed()
    (study / "key.json").write_text(signed.model_dump_json())
    for path in (study / "answers").iterdir():
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "fingerprint": signed.fingerprint}))


def test_a_judge_is_held_against_people_by_question_and_strategy(rate: Path, moved: Path) -> None:
    key = send_back(rate, WORLD, [SimulatedRater(), SimulatedRater(), SimulatedRater()])
    _forget_place(rate, json.loads((rate / "key.json").read_text()))
    kind = SimulatedRater(noise=0.2, bias=1.0)
    for number, run in enumerate(key.runs):
        (log,) = moved.glob(f"{run.model}/{Path(run.log).name}")
        said = WORLD.answers(key, 0, kind)
        lines = [
            {
                "conversation": item.conversation,
                "turn": item.turn,
                "rubric": f"{key.rubric.name}@{key.rubric.sha256}",
                **Verdict(Status.SCORED, said[item.id]["scores"], model="kind-judge").record(),
            }
            for item in key.items
            if item.role is ItemRole.ITEM and item.runs == [number] and item.id in said
        ]
        path = log.with_name(f"verdicts_{log_stem(log)}_0badc0de.jsonl")
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = csconv("human", "read", rate, "--runs", moved, "--no-results", "--json")
    assert done.code == 0, done.output
    (judge,) = json.loads(done.out)["judges"]
    assert judge["judge"] == "kind-judge@0badc0de"
    empathy = next(a for a in judge["overall"] if a["dimension"] == "empathy")
    assert empathy["items"] == 120
    assert 0.6 < empathy["bias"] < 1.05
    assert empathy["spearman"] > 0.7
    strategies = judge["strategies"]
    assert set(strategies) == {item.strategy for item in key.items if item.role is ItemRole.ITEM}
    assert (
        sum(next(a["items"] for a in found if a["dimension"] == "empathy") for found in strategies.values())
        == 120
    )
    shown = csconv("human", "read", rate, "--runs", moved, "--no-results")
    assert "Judge kind-judge@0badc0de with people, kappa by strategy" in shown.out


def test_a_judge_of_pairs_is_held_against_people(pair: Path, moved: Path) -> None:
    key = send_back(pair, World([3.6, 3.0, 2.6]), [SimulatedRater(0.2)] * 3)
    said = World([3.6, 3.0, 2.6]).answers(key, 0, SimulatedRater(0.2), seed=5)
    turned = {"甲": "乙", "乙": "甲", "平": "平"}
    _forget_place(pair, json.loads((pair / "key.json").read_text()))
    lines = []
    for item in key.items:
        if item.role is ItemRole.ITEM:
            first, second = (key.runs[run].model for run in item.runs)
            winner = said[item.id]["scores"]["winner"]
            for order, value in (("a", winner), ("b", turned[winner])):
                lines.append(
                    {
                        "conversation": f"{item.conversation}/{order}",
                        "turn": item.turn,
                        "rubric": f"{key.rubric.name}@{key.rubric.sha256}",
                        "first": first,
                        "second": second,
                        **Verdict(Status.SCORED, {"winner": value}, model="m").record(),
                    }
                )
    (moved / key.runs[0].model / f"verdicts_pairwise_{key.task}_0badc0de.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines)
    )
    done = csconv("human", "read", pair, "--runs", moved, "--json")
    assert done.code == 0, done.output
    (judge,) = json.loads(done.out)["judges"]
    assert judge["pairs"]["items"] == sum(item.role is ItemRole.ITEM for item in key.items)
    assert judge["pairs"]["kappa"] > 0.7
    assert judge["pairs"]["same"] > 0.7
    assert len(judge["pair_strategies"]) > 3
    shown = csconv("table", moved)
    assert "Win rate (people)" in shown.out
    assert "pairwise-zh-2: 3 raters@" in shown.out
    (contest,) = moved.rglob("pairwise_*_human_*.json")
    content = json.loads(contest.read_text())
    assert content["judge"]["line"].startswith("people, pairwise-zh-2: 3 raters@")
    assert [p["pairs"] for p in content["pairings"]] == [60, 60, 60]
    assert content["pairings"][0]["low"] < content["pairings"][0]["win_rate"] < content["pairings"][0]["high"]
    assert set(content["ratings"]["models"]) == {run.model for run in key.runs}


def test_a_study_is_planned_before_anyone_is_paid() -> None:
    done = csconv("human", "power", "--difference", "0.3", "--agreement", "0.5", "--raters", "4", "--json")
    assert done.code == 0, done.output
    ways = json.loads(done.out)["ways"]
    assert [way["raters"] for way in ways] == [1, 2, 3]
    assert [way["ratings"] for way in ways] == [2 * way["raters"] * way["items"] for way in ways]
    assert ways[0]["items"] > ways[1]["items"] > ways[2]["items"] > 50
    assert ways[2]["hours"] == pytest.approx(ways[2]["ratings"] / 60)
    assert ways[2]["hours_each"] == pytest.approx(ways[2]["hours"] / 4)
    shown = csconv(
        "human", "power", "--kind", "pair", "--difference", "0.1", "--agreement", "0.4", "--models", "3"
    )
    assert "To find a win rate of 60 % with power 0.8" in shown.out
    assert "3 comparisons of 3 models" in shown.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--difference", "0.6", "--kind", "pair"], "--difference 0.6: must be above 0 and below 0.5"),
        (["--difference", "0"], "--difference 0: must be above 0 and below 4"),
        (["--difference", "nan"], "--difference nan"),
        (["--difference", "0.3", "--agreement", "1"], "--agreement 1: must be above 0 and below 1"),
        (["--difference", "0.3", "--power", "1"], "--power 1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(options: list[str], message: str) -> None:
    agreed = [] if "--agreement" in options else ["--agreement", "0.5"]
    done = csconv("human", "power", *options, *agreed)
    assert done.code == 1
    assert message in done.err

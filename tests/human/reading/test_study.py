"""Raters of known quality: what the kit finds of them and of the models is what they were made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csc_tasks.human.reading.collected import RaterAnswers
from csc_tasks.human.reading.raters import check_raters
from csc_tasks.human.sheet.items import WINNER
from csc_tasks.human.study import ItemRole, RatingAnswer, read_key
from csc_tasks.metrics.judge.pairs import FIRST, SECOND
from csc_tasks.metrics.reliability import krippendorff_alpha
from tests.door import csconv
from tests.human.reading.simulated import SIGNAL, TIE_WIDTH, SimulatedRater, World, send_back

GRADED = World([3.6, 3.0])
COMPARED = World([3.4, 3.0, 2.6])
HARSH = SimulatedRater(bias=-0.7)


def read(study: Path, *options: str | Path) -> dict[str, Any]:
    done = csconv("human", "read", study, "--json", *options)
    assert done.code == 0, done.output
    content = json.loads(done.out)
    assert isinstance(content, dict)
    return content


def expected_alpha(raters: list[SimulatedRater], worths: list[float]) -> float:
    """Of very many items, by the law that the raters are made of."""
    luck = np.random.default_rng(0)
    worth = np.concatenate([w + SIGNAL * luck.normal(size=20_000) for w in worths])
    felt = [worth + r.bias + r.noise * luck.normal(size=len(worth)) for r in raters]
    return krippendorff_alpha(np.clip(np.rint(felt), 1, 5))


def test_grades_bias_and_agreement_come_out_as_simulated(rate: Path) -> None:
    raters = [SimulatedRater(0.3), SimulatedRater(0.6), HARSH]
    send_back(rate, GRADED, raters)
    found = read(rate, "--no-results")
    (difference,) = found["differences"]
    assert difference["low"] < 0.6 < difference["high"]
    assert difference["p"] < 0.01
    assert difference["items"] == 60
    for model, worth in zip(found["models"], GRADED.worth, strict=True):
        overall = model["scores"]["human_overall"]
        # Ends of the scale pull a little, the harsh one by a third of what they take off.
        assert overall["low"] - 0.1 < worth - 0.7 / 3 < overall["high"] + 0.1
        assert model["scores"]["human_coverage"]["value"] == 1
    for question in found["agreement"]:
        if question["question"] != "resolved_step":
            assert question["alpha"]["units"] == 120
            assert (
                question["alpha"]["low"]
                < expected_alpha(raters, list(GRADED.worth))
                < question["alpha"]["high"]
            )
    biases = [np.mean([b for q, b in r["bias"].items() if q != "resolved_step"]) for r in found["raters"]]
    # Against the mean of the two others, of whom for the first two one is the harsh one.
    assert biases == pytest.approx([0.35, 0.35, -0.7], abs=0.1)
    consistent, inconsistent, _ = (r["consistency"]["value"] for r in found["raters"])
    assert consistent > inconsistent + 0.1 > 0.4
    assert not any(r["faults"] for r in found["raters"])
    assert [r["seconds"] for r in found["raters"]] == [20, 21, 22]
    assert "Krippendorff's alpha" in found["summary"]


def test_win_rates_and_strengths_come_out_as_simulated(pair: Path) -> None:
    key = send_back(pair, COMPARED, [SimulatedRater(0.3), SimulatedRater(0.4), SimulatedRater(0.5)])
    assert {d.why for d in key.decided} == {"equal"}
    found = read(pair, "--no-results")
    assert [(p["first"], p["second"]) for p in found["pairs"]] == [
        ("org__good", "org__other"),
        ("org__good", "org__poor"),
        ("org__other", "org__poor"),
    ]
    luck = np.random.default_rng(1)
    for each, apart in zip(found["pairs"], (0.4, 0.8, 0.4), strict=True):
        # The conversation's share of what a reply is worth is the same for both.
        own = SIGNAL * np.sqrt(2 * (1 - 0.35)) * luck.normal(size=100_000)
        thought = apart + own + 0.4 * np.sqrt(2) * luck.normal(size=100_000)
        expected = (thought > TIE_WIDTH).mean() + (abs(thought) < TIE_WIDTH).mean() / 2
        # Where the two said the same nobody was asked.
        equal = sum(
            {key.runs[r].model for r in d.runs} == {each["first"], each["second"]} for d in key.decided
        )
        expected += (0.5 - expected) * equal / 60
        assert each["rate"]["low"] < expected < each["rate"]["high"]
        assert each["rate"]["items"] == each["to_compare"] == 60
    assert found["ratings"]["models"] == ["org__good", "org__other", "org__poor"]
    ratings = found["ratings"]
    assert all(
        low < r < high
        for low, r, high in zip(ratings["low"], ratings["rating"], ratings["high"], strict=True)
    )
    by_model = {m["model"]: m["scores"]["human_win_rate"]["value"] for m in found["models"]}
    assert by_model["org__good"] > by_model["org__other"] > by_model["org__poor"]
    assert sum(by_model.values()) == pytest.approx(1.5)
    assert [a["question"] for a in found["agreement"]] == ["winner"]
    assert not any(r["faults"] for r in found["raters"])
    assert all(0.35 < r["first"] < 0.65 for r in found["raters"])


@pytest.mark.parametrize("kind", ["rate", "pair"])
def test_who_clicks_at_random_is_found_and_left_out_only_when_asked(
    kind: str, request: pytest.FixtureRequest
) -> None:
    study: Path = request.getfixturevalue(kind)
    world = GRADED if kind == "rate" else COMPARED
    send_back(study, world, [SimulatedRater(), SimulatedRater(clicks=True), SimulatedRater()])
    found = read(study, "--no-results")
    honest, clicker, other = found["raters"]
    assert honest["faults"] == other["faults"] == []
    faults = " ".join(clicker["faults"])
    assert "attention: " in faults
    assert "self-consistency is that of chance" in faults
    assert "agreement with the others is that of chance" in faults
    assert all(r["counts"] for r in found["raters"])
    kept = read(study, "--no-results", "--exclude-failed")
    assert [r["counts"] for r in kept["raters"]] == [True, False, True]
    assert "2 raters (1 of 3 excluded by the checks)" in kept["summary"]
    assert kept["agreement"][0]["alpha"]["value"] > found["agreement"][0]["alpha"]["value"] + 0.2
    shown = csconv("human", "read", study, "--no-results", "--exclude-failed")
    assert "(1 of 3 raters excluded)" in shown.out
    assert "fails, excluded" in shown.out


def test_who_says_the_same_of_everything_or_does_not_look_is_found(rate: Path) -> None:
    def always_four(number: int, content: dict[str, Any]) -> None:
        if number == 0:
            for item in content["items"].values():
                item["scores"] = {
                    name: True if isinstance(value, bool) else 4 for name, value in item["scores"].items()
                }

    raters = [SimulatedRater(), SimulatedRater(attentive=False), SimulatedRater()]
    send_back(rate, GRADED, raters, always_four)
    same, blind, honest = (" ".join(r["faults"]) for r in read(rate, "--no-results")["raters"])
    assert "gave the same answer to everything" in same
    assert blind.startswith("attention: 0 of")
    assert honest == ""


def test_a_model_that_wins_every_pair_is_no_fault_of_its_raters_and_always_the_first_side_is(
    pair: Path,
) -> None:
    key = read_key(pair)
    by_id = key.by_id

    def answer(number: int, content: dict[str, Any]) -> None:
        for name, said in content["items"].items():
            item = by_id[name]
            if item.role is not ItemRole.ATTENTION:
                better_first = item.runs[0] < item.runs[1]
                said["scores"] = {WINNER: FIRST if number == 0 or better_first else SECOND}

    send_back(pair, COMPARED, [SimulatedRater(), SimulatedRater(), SimulatedRater()], answer)
    lazy, *honest = (r["faults"] for r in read(pair, "--no-results")["raters"])
    assert "gave the same answer to everything" in lazy
    assert honest == [[], []]


@pytest.mark.slow
def test_honest_raters_are_rarely_taken_for_clickers(rate: Path) -> None:
    """Of eighteen who err as much as what they rate varies, one is accused at most."""
    key = read_key(rate)
    accused = 0
    for seed in range(6):
        raters = []
        for number in range(3):
            said = World([3.3, 3.0]).answers(key, number, SimulatedRater(0.8), seed)
            answers = {item: RatingAnswer.model_validate(fields) for item, fields in said.items()}
            raters.append(RaterAnswers(number + 1, f"rater-{number + 1}", "", len(answers), answers))
        accused += sum(check.failed for check in check_raters(key, raters).checks)
    assert accused <= 1

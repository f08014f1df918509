"""Two models' role-plays held against each other: by cards, with the same customers, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.door import csconv
from tests.role_plays import OtherCustomers, card_set, supporter_lm, write_role_plays

RESOLVED = "response/roleplay/resolved"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped number of cards, once each: a good model, one that is good on half of them, and a rude one."""
    folder, cards = tmp_path_factory.mktemp("pairs"), card_set(24)
    write_role_plays(folder / "good", "org/good", supporter_lm("good"), cards)
    write_role_plays(folder / "half", "org/half", supporter_lm("good", "polite", 0.5), cards)
    return folder


def test_role_plays_are_compared_by_cards_and_shown_by_how_they_ended(pairs: Path) -> None:
    done = csconv("compare", pairs / "good", pairs / "half", "--format", "json")
    assert done.code == 0
    (section,) = json.loads(done.out)["sections"]
    resolved = next(delta for delta in section["deltas"] if delta["metric"] == "resolved")
    assert resolved["clusters"] == 24
    assert resolved["outcome"] == "A better"
    lost = round(24 * (resolved["first"] - resolved["second"]))
    assert section["effects"]["resolved"] == {"better": lost, "worse": 0, "same": 24 - lost}
    assert {topic["turns"] for topic in section["topics"]} == {8}
    first = section["changed"][0]
    assert first["first_text"] == "resolved at turn 8; the customer leaves content"
    assert first["second_text"].startswith("not resolved: not asked: ")
    assert first["second_text"].endswith("; 0 of 2 steps; demand not refused; the customer gives up")
    told = csconv("compare", pairs / "good", pairs / "half", "--full").out
    assert f"response/roleplay: the {lost} role-plays that changed most, by resolved" in told
    assert "trial 1 (" in told
    assert "), resolved: yes → no" in told
    assert "gold" not in told
    document = csconv("compare", pairs / "good", pairs / "half", "--full", "--format", "markdown").out
    assert f"## response/roleplay: the {lost} role-plays that changed most, by resolved" in document


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("scripted/org__good", "other", "model:org/customer@"),
        ("scripted/org__good", "once", "against scripted:customer-zh-1@"),
    ],
)
def test_other_customers_and_other_trials_are_not_compared(
    first: str, second: str, said: str, role_played: Path
) -> None:
    done = csconv("compare", role_played / first, role_played / second)
    assert done.code == 1
    assert "may not be compared: customer scripted:customer-zh-1@" in done.err
    assert said in done.err
    gate = csconv("gate", role_played / first, "--baseline", role_played / second, "--json", "-")
    assert gate.code == 3
    assert "customer scripted:customer-zh-1@" in gate.out
    assert "Have the customers played as the baseline's were" in gate.out


@pytest.mark.parametrize("by_file", [False, True])
@pytest.mark.parametrize("rule", ["resolved=0.05", f"{RESOLVED}=0.05", "response/roleplay/facts_asked=0.05"])
def test_a_gate_on_role_plays_fails_for_the_worse_and_passes_for_the_same(
    by_file: bool, rule: str, pairs: Path, tmp_path: Path
) -> None:
    baseline = pairs / "good"
    if by_file:
        baseline = tmp_path / "baseline.json"
        assert csconv("gate", pairs / "good", "--baseline", baseline, "--update-baseline").code == 0
    worse = csconv("gate", pairs / "half", "--baseline", baseline, "--max-drop", rule)
    assert worse.code == 1
    assert "24 role-plays of 24 cards" in worse.out
    assert csconv("gate", pairs / "good", "--baseline", baseline, "--max-drop", rule).code == 0


def test_scores_that_are_withheld_are_incomplete_with_the_reason_and_never_a_pass(
    pairs: Path, tmp_path: Path
) -> None:
    cards, lm = card_set(24), supporter_lm("good")
    write_role_plays(tmp_path / "whole", "org/a", lm, cards, 1, OtherCustomers())
    faulty = OtherCustomers(faults=0.3)
    write_role_plays(tmp_path / "lost", "org/b", lm, cards, 1, faulty)
    done = csconv("gate", tmp_path / "lost", "--baseline", tmp_path / "whole", "--max-drop", "resolved=0.05")
    assert done.code == 4
    assert "role-plays could be played to their end" in done.out


def test_power_is_told_for_as_many_cards_as_there_are(pairs: Path) -> None:
    done = csconv("gate", "power", "--baseline", pairs / "half", "--max-drop", "resolved=0")
    assert done.code == 0
    assert "24 cards" in done.out
    assert "128 cards" in done.out
    assert "1855" not in done.out
    assert "org/half, 24 cards, correlation 0.5 assumed" in done.out
    assert "conversations" not in done.out

"""Experts review cards in a sheet: what they say is settled, applied, checked, and nothing is lost without a word."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csc_tasks.roleplay.card_sets import read_card_set
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.synthesis.cards.fields import changed_record, fields_of
from tests.door import csconv
from tests.roleplay.own_cards import card, written

Rows = list[dict[str, str]]
COLUMNS = ["card", "field", "text", "new_text", "verdict", "comment", "reviewer", "file"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    return written(
        tmp_path / "own.json",
        card(id="a", who="=你是一位老师，上周网购了投影仪。"),
        card(id="b", demand=None),
        card(id="c"),
        card(id="d"),
    )


def rows_of(cards: Path) -> Rows:
    sheet = cards.with_name("sheet.csv")
    done = csconv("cards", "review", cards, "--out", sheet, "--force")
    assert done.code == 0, done.output
    return list(csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"), newline="")))


def filled(cards: Path, name: str, fill: Callable[[dict[tuple[str, str], dict[str, str]]], object]) -> Path:
    """A sheet that somebody filled in, as Excel on a Chinese Windows saves it."""
    rows = rows_of(cards)
    fill({(row["card"], row["field"]): row for row in rows})
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    path = cards.with_name(f"{name}.csv")
    path.write_bytes(out.getvalue().encode("gb18030"))
    return path


def test_a_sheet_has_a_row_a_field_and_nothing_that_a_spreadsheet_computes(cards: Path) -> None:
    rows = rows_of(cards)
    assert list(rows[0]) == COLUMNS
    shown = {row["field"]: row["text"] for row in rows if row["card"] == "a"}
    assert shown["who"].startswith("'=你是")
    assert shown["facts.1.asked_by"] == "什么时候买\n哪天买\n购买时间"
    assert shown["steps.2.done_by.2"] == "小票"
    assert shown["facts.1.says"] == "上个礼拜二下的单。"
    assert shown["patience"] == "'4"
    assert "id" not in shown
    assert {row["file"][:2] for row in rows} == {"f_"}


def test_verdicts_and_corrections_of_two_reviewers_are_settled_and_all_is_said(
    cards: Path, tmp_path: Path
) -> None:
    def first(rows: Any) -> None:
        rows["a", "who"].update(
            verdict="通过", new_text="你是一位大学老师，上周网购了投影仪。", comment="更具体"
        )
        rows["a", "facts.1.asked_by"]["new_text"] = "什么时候买\r\n哪天买\r\n购买时间\r\n下单时间"
        rows["b", "goal"]["verdict"] = "accept"
        rows["c", "who"]["verdict"] = "退回（词语不准）"

    def second(rows: Any) -> None:
        rows["a", "never"].update(verdict="accept。", new_text="双倍赔偿\n三倍赔偿")
        rows["b", "goal"]["verdict"] = "reject: unreal"
        rows["c", "who"]["verdict"] = "reject"

    sheets = filled(cards, "甲", first), filled(cards, "乙", second)
    out = tmp_path / "accepted.json"
    done = csconv("cards", "accept", cards, *sheets, "--out", out)
    assert done.code == 0, done.output
    (kept,) = read_card_set(out).cards
    assert kept.id == "a"
    assert kept.who.startswith("你是一位大学老师")
    assert kept.facts[0].asked_by[-1] == "下单时间"
    assert kept.never == ("双倍赔偿", "三倍赔偿")
    for words in (
        "4 cards, 2 reviewers",
        "1  accepted with changes",
        "1  rejected",
        "1  conflict, left out",
        "1  undecided, left out",
        "甲: 2 × accept, 1 × reject",
        "甲 and 乙 agree on 2 of 3 cards that both decided on",
        "conflict, left out: b: 甲 accepts it, 乙 rejects it",
    ):
        assert words in done.out, words
    readme = (tmp_path / "accepted.README.md").read_text(encoding="utf-8")
    for words in ("| 甲 | 1 |", "| 乙 | 1 |", "| words | 1 |", "`facts.1.asked_by`", "更具体"):
        assert words in readme, words


def test_a_correction_that_makes_a_card_unplayable_is_named_and_left_out(cards: Path, tmp_path: Path) -> None:
    def fill(rows: Any) -> None:
        rows["a", "who"]["verdict"] = rows["b", "who"]["verdict"] = rows["c", "who"]["verdict"] = "accept"
        rows["a", "facts.1.asks"]["new_text"] = "您好？"
        rows["b", "patience"]["new_text"] = "很久"

    out = tmp_path / "accepted.json"
    done = csconv("cards", "accept", cards, filled(cards, "甲", fill), "--out", out)
    assert done.code == 1
    assert "unplayable, left out: a: facts 订单时间: no word of asked_by" in done.out
    assert "unplayable, left out: b: patience: input should be a valid integer" in done.out
    assert [c.id for c in read_card_set(out).cards] == ["c"]


def test_two_who_change_one_field_otherwise_are_in_conflict(cards: Path, tmp_path: Path) -> None:
    sheets = [
        filled(
            cards, who, lambda rows, who=who: rows["d", "who"].update(verdict="ok", new_text=f"你是{who}。")
        )
        for who in "甲乙"
    ]
    done = csconv("cards", "accept", cards, *sheets, "--out", tmp_path / "x.json")
    assert done.code == 1
    assert "conflict, left out: d: who: 乙 changes it otherwise than another" in done.out
    assert "no card is accepted, and nothing written" in done.err
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (lambda r: r["a", "who"].update(verdict="maybe"), "verdict 'maybe': must be accept"),
        (lambda r: r["a", "who"].update(verdict="reject: blah"), "verdict 'reject: blah': must be accept"),
        (lambda r: r["a", "who"].update(verdict="cut"), "verdict 'cut'"),
        (lambda r: (r["a", "who"].update(verdict="ok"), r["a", "goal"].update(verdict="退回")), "accepted in one row"),
        (lambda r: r["a", "who"].update(text="你是别人。"), "the text of who was changed"),
        (lambda r: r["a", "who"].update(file="f_0123456789abcdef"), "made on a file with fingerprint 0123456789abcdef"),
        (lambda r: r["a", "who"].update(card="z"), "card z is not in"),
        (lambda r: r["a", "who"].update(field="whom"), "card a has no field whom"),
        (lambda r: r["a", "who"].update(r["a", "goal"]), "goal of card a stands there twice"),
        (lambda r: (r["a", "who"].update(reviewer="甲"), r["b", "who"].update(reviewer="乙")), "of 2 reviewers"),
    ],
)  # fmt: skip
def test_a_sheet_that_cannot_be_read_is_said_by_line(
    fill: Callable[[Any], object], message: str, cards: Path, tmp_path: Path
) -> None:
    done = csconv("cards", "accept", cards, filled(cards, "甲", fill), "--out", tmp_path / "x.json")
    assert done.code == 1
    assert message in done.err


def test_a_reviewer_has_one_sheet_and_nothing_is_overwritten(cards: Path, tmp_path: Path) -> None:
    sheet = filled(cards, "甲", lambda rows: rows["a", "who"].update(verdict="ok"))
    assert (
        "has another sheet here"
        in csconv("cards", "accept", cards, sheet, sheet, "--out", tmp_path / "x.json").err
    )
    assert "is there; name another" in csconv("cards", "accept", cards, sheet, "--out", cards).err
    assert "name a .csv file" in csconv("cards", "review", cards, "--out", tmp_path / "page.html").err
    written(cards, {"id": "a"})
    assert "mend it first" in csconv("cards", "review", cards, "--out", tmp_path / "s.csv").err


def test_fields_that_are_not_changed_are_the_card() -> None:
    made = CaseCard.model_validate(card())
    fields = fields_of(made)
    assert CaseCard.model_validate(changed_record(made, fields)) == made
    assert changed_record(made, {"demand.about": "（空）"})["demand"]["about"] == []


@settings(max_examples=20)
@given(st.text(max_size=40))
def test_any_text_in_any_field_is_a_record_that_json_can_hold(text: str) -> None:
    made = CaseCard.model_validate(card())
    for place in fields_of(made):
        json.dumps(changed_record(made, {place: text}))

"""Whether a card can be played: what contradicts itself, or can never be resolved, is found before a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.domains import Domain
from csc_tasks.errors import DataError
from csc_tasks.roleplay.card_sets import CardSet, cards_of_subset, read_card_set, shipped_card_set
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.playable import faults_of
from csc_tasks.roleplay.playing import play
from csc_tasks.roleplay.rules import rules_digest
from csc_tasks.roleplay.scripted_customer import ScriptedCustomer, script_digest
from csc_tasks.roleplay.scripted_supporters import ScriptedSupporter, SupporterKind
from csc_tasks.roleplay.supporter_texts import supporter_text_digest
from csc_tasks.roleplay.transcript import End

CARDS = shipped_card_set().cards
CARD = next(card for card in CARDS if card.id == "lost-bag-bus")
RECORD: dict[str, Any] = json.loads(CARD.model_dump_json(exclude_defaults=True))
FACT = RECORD["facts"][0]["name"]


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(json.dumps(RECORD))
    change(record)
    return record


def test_there_are_three_cards_on_each_domain_and_demands_among_them() -> None:
    assert Counter(card.topic for card in CARDS) == dict.fromkeys(map(str, Domain), 3)
    assert sum(card.demand is not None for card in CARDS) >= 12
    assert sum(CaseInPlay(card, "x").has_private for card in CARDS) >= 8


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_every_shipped_card_can_be_played(card: CaseCard) -> None:
    assert faults_of(card) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda r: [f.update(optional=True) for f in r["facts"]], "facts: none is needed"),
        (lambda r: [s.pop("done_by", None) for s in r["steps"]], "done_by"),
        (lambda r: r.pop("gives_up"), "gives_up: missing"),
        (lambda r: r.pop("lookups"), "lookups: missing"),
        (lambda r: r["demand"].pop("about"), "demand.about: missing"),
        (lambda r: r["steps"][0].update(done_by=[["月亮"]]), "steps 1: done_by does not find the step"),
        (lambda r: r["demand"].update(refusal=["好的，我这就给您送过去。"]), "is not read as a refusal"),
        (lambda r: r.update(never=[r["steps"][0]["done_by"][0][0]]), "says what never forbids"),
        (lambda r: r["lookups"].append({"name": "登记", "finds": "请问是几号线的车？"}), "reading one aloud would ask"),
        (lambda r: r.update(opening=[*r["opening"], r["facts"][2]["says"][0]]), "opening: tells"),
        (lambda r: r.update(scenario=r["goal"]), "scenario: gives the goal away"),
        (lambda r: r["lookups"][0].update(shown_by=["月亮"]), "shown_by 月亮 is not in what it finds"),
    ],
)  # fmt: skip
def test_a_card_that_contradicts_itself_or_lacks_what_a_role_play_needs_is_told_field_by_field(
    change: Callable[[dict[str, Any]], object], fault: str
) -> None:
    found = faults_of(CaseCard.model_validate(changed(change)))
    assert any(fault in each for each in found), found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no [[card]]"),
        ("{", "no JSON"),
        ("[[card]\n", "no TOML"),
        (json.dumps({"card": []}), "no [[card]]"),
        (json.dumps({"card": [changed(lambda r: r.pop("opening"))]}), "opening"),
        (json.dumps({"card": [changed(lambda r: r.update(opening=[]))]}), "opening"),
        (json.dumps({"card": [changed(lambda r: r["facts"][0].pop("says"))]}), "says"),
        (json.dumps({"card": [RECORD, RECORD]}), "there is another card of this id"),
        (json.dumps({"card": [changed(lambda r: r.pop("gives_up"))]}), "gives_up: missing"),
        (json.dumps({"card": [changed(lambda r: r.update(mood=3))]}), "mood"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_card_and_field(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "cards.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_card_set(file)
    assert str(error.value).startswith(f"{file}: ")
    assert message in str(error.value)


def test_a_set_is_known_by_its_content_and_not_by_its_form(tmp_path: Path) -> None:
    as_json, as_toml = tmp_path / "one.json", Path(str(tmp_path / "two.toml"))
    as_json.write_text(json.dumps({"card": [RECORD]}, ensure_ascii=False), encoding="utf-8")
    assert read_card_set(as_json).fingerprint == CardSet.of("x", [CARD]).fingerprint
    as_toml.write_text("[[card]]\n" + _toml(RECORD), encoding="utf-8")
    assert read_card_set(as_toml).fingerprint == read_card_set(as_json).fingerprint
    other = changed(lambda r: r.update(patience=9))
    as_json.write_text(json.dumps({"card": [other]}), encoding="utf-8")
    assert read_card_set(as_json).fingerprint != CardSet.of("x", [CARD]).fingerprint


def _toml(record: dict[str, Any]) -> str:
    """As a TOML inline: JSON's texts, numbers and lists are TOML's, objects are written with '='."""

    def value(each: Any) -> str:
        if isinstance(each, dict):
            return (
                "{"
                + ", ".join(f"{json.dumps(k, ensure_ascii=False)} = {value(v)}" for k, v in each.items())
                + "}"
            )
        if isinstance(each, list):
            return "[" + ", ".join(map(value, each)) + "]"
        return json.dumps(each, ensure_ascii=False)

    return "".join(f"{name} = {value(each)}\n" for name, each in record.items())


def test_lite_takes_at_most_128_cards_by_topic_and_always_the_same() -> None:
    from csc_tasks.data.splits import Subset

    many = CardSet.of(
        "m", [CaseCard.model_validate({**RECORD, "id": f"c{n}", "topic": f"t{n % 4}"}) for n in range(400)]
    )
    few = cards_of_subset(many, Subset.LITE)
    assert len(few) == 128
    assert {t: sum(c.topic == t for c in few) for t in ("t0", "t1", "t2", "t3")} == dict.fromkeys(
        ("t0", "t1", "t2", "t3"), 32
    )
    assert cards_of_subset(many, Subset.LITE) == few
    assert cards_of_subset(many, Subset.FULL) == many.cards


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_the_scripted_customer_keeps_to_its_card_with_every_supporter(card: CaseCard) -> None:
    for kind in SupporterKind:
        case = CaseInPlay(card, CaseInPlay.key_of(card, 0))
        played = play(case, ScriptedSupporter(kind, case).say, ScriptedCustomer(case))
        assert played.end in (End.RESOLVED, End.GAVE_UP, End.GOODBYES, End.OUT_OF_SCOPE)
        asked: set[str] = set()
        said = ""
        for turn, heard in played.turns:
            asked |= {fact.name for fact in case.asked(turn.text)}
            if heard is None:
                continue
            said += heard.text
            assert set(heard.told) <= asked
            assert 1 <= heard.mood <= 5
            assert heard.text == " ".join(heard.text.split())
            assert "{" not in heard.text
        for fact in case.needed:
            assert fact.name in asked or case.tells(fact) not in said
        assert case.goal not in said


def test_what_is_published_never_changes() -> None:
    """Whatever moves a score of role-plays has a new name: cards, rules, the script, what a supporter is shown."""
    digests = (
        shipped_card_set().fingerprint[:16],
        rules_digest(),
        script_digest(),
        supporter_text_digest(),
    )
    assert digests == ("99ef58e469aeea1f", "c30de78cafc13ea0", "d487ae4556360285", "63aca05e862c5802")

"""Case cards: the shipped ones hold together, and what is wrong with one's own is said by card and field."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.domains import ROLE_PLAYED
from csc_tasks.errors import DataError
from csc_tasks.framework import Strategy
from csc_tasks.roleplay.cards import CARDS, CaseCard, load_cards, read_cards
from csc_tasks.roleplay.wordings import Wordings, wordings_of

SHIPPED = list(load_cards().values())
FILE = (resources.files("csc_tasks.roleplay") / "cards" / f"{CARDS}.toml").read_text(encoding="utf-8")
PERSONAL = re.compile(r"\d{7,}|[a-z0-9]+@|(?:先生|女士)(?![们])")


def sentences(part: Any) -> list[Wordings]:
    if isinstance(part, Wordings):
        return [part]
    if isinstance(part, CaseCard) or hasattr(part, "model_fields"):
        return [s for name in type(part).model_fields for s in sentences(getattr(part, name))]
    return [s for each in part for s in sentences(each)] if isinstance(part, tuple) else []


def test_there_are_two_cards_on_each_topic_that_is_role_played() -> None:
    assert Counter(card.topic for card in SHIPPED) == dict.fromkeys(map(str, ROLE_PLAYED), 2)


@pytest.mark.parametrize("card", SHIPPED, ids=lambda card: card.id)
def test_a_card_shows_placeholders_and_nothing_personal(card: CaseCard) -> None:
    assert "[公司名称]" in card.company
    for sentence in sentences(card):
        assert not PERSONAL.search(sentence.text), sentence.text
        assert all(
            2 <= len(said.replace("{", "").replace("}", "")) <= 160
            for said in itertools.islice(sentence.every(), 64)
        )


@pytest.mark.parametrize("card", SHIPPED, ids=lambda card: card.id)
def test_a_demand_is_refused_for_a_reason_and_each_fact_is_asked_for_by_its_own_words(card: CaseCard) -> None:
    assert card.demand
    assert card.demand.does in (Strategy.OTHERS, Strategy.INFORMATION_DELIVERY)
    assert len(card.demand.because) > 10
    assert len(card.facts) >= 3
    assert card.lookups
    for fact in card.facts:
        assert card.asked_in(next(iter(fact.asks[0].every()))) is fact
    assert card.asked_in("您好，请问有什么可以帮您？") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("您好。", ["您好。"]),
        ("(您好|喂)，在吗？", ["您好，在吗？", "喂，在吗？"]),
        # An empty alternative leaves out.
        ("(好，|)走。", ["好，走。", "走。"]),
        ("{价}(元|块)", ["{价}元", "{价}块"]),
        ("(要{价}|不要)", ["要{价}", "不要"]),
        # Placeholders and Chinese brackets are as they are.
        ("我叫[姓名]（本人）。", ["我叫[姓名]（本人）。"]),
    ],
)
def test_a_sentence_has_the_wordings_that_its_brackets_say(text: str, said: list[str]) -> None:
    assert list(wordings_of(text).every()) == said
    assert wordings_of(text).count == len(said)


@pytest.mark.parametrize(
    "text", ["", "  ", "(a|b", "a)b", "((a|b)|c)", "a|b", "{a", "a}b", "{}", "(a{b|c})", "长" * 301]
)
def test_a_sentence_whose_brackets_do_not_match_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"sentence|where it can be|does not match"):
        wordings_of(text)


def test_a_value_is_filled_in_once_and_not_expanded() -> None:
    assert wordings_of("{甲}和{乙}").one(lambda _: 0, {"甲": "{乙}(|)", "乙": "二"}) == "{乙}(|)和二"


def broken(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    card = tomllib.loads(FILE)["card"][0]
    change(card)
    return card


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("goal"), "goal: field required"),
        (lambda c: c.update(id="No 1"), "id: string should match"),
        (lambda c: c.update(opening=[]), "opening: tuple should have at least 1 item"),
        (lambda c: c.update(opening=["(a|b"]), "opening.0: ( ), { } or | is not where it can be"),
        (lambda c: c.update(opening=["多少{钱}"]), "values has no 钱, which a sentence shows"),
        (lambda c: c["values"].update(颜色=["红"]), "no sentence shows the value 颜色"),
        (lambda c: c["values"].update(型号=["(大)"]), "a value cannot have"),
        (lambda c: c["steps"][0].update(does="解释"), "steps.0.does: '解释' is none of the twelve strategies"),
        (lambda c: c["steps"][0].update(done=1), "steps.0.done: extra inputs are not permitted"),
        (lambda c: c["facts"][0].update(asks=["您好？"]), "facts 厨房的情况: no word of asked_by"),
        (lambda c: c["facts"][0].update(asks=["水槽在哪，几口人？"]), "or one of another fact"),
        (lambda c: c["steps"][1].update(does="信息传达"), "steps: three in a row have one strategy"),
        # Left out, the optional one in between makes it three.
        (lambda c: [c["steps"][n].update(does="提供建议") for n in (1, 4)], "steps: three in a row have one strategy"),
        (lambda c: c["mood"].pop("eased_by"), "mood.eased_by: field required"),
        (lambda c: c.update(who="两\n行"), "who: must be a line of text"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_card_is_said_by_card_and_field(
    change: Callable[[dict[str, Any]], None], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    card = broken(change)
    path = tmp_path / "own.toml"
    path.write_text("[[card]]\n", encoding="utf-8")
    monkeypatch.setattr(tomllib, "loads", lambda _: {"card": [card]})
    with pytest.raises(DataError) as error:
        read_cards(path)
    assert str(error.value).startswith(f"{path}: card 1 ({card['id']!r}): ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no [[card]] in it"),
        (b"card = 3", "no [[card]] in it"),
        (b"card = [3]", "card 1: must be an object"),
        (b"[[card]", "no TOML: "),
        ("名 = '客户'".encode("gbk"), "not UTF-8"),
    ],
)
def test_a_file_that_has_no_cards_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(data)
    with pytest.raises(DataError, match=re.escape(message)):
        read_cards(path)
    with pytest.raises(DataError, match="No such file"):
        read_cards(tmp_path / "none.toml")


def test_two_cards_of_one_id_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(FILE + FILE.partition("\n\n")[2], encoding="utf-8")
    with pytest.raises(DataError, match=r"card 15 \('water-purifier'\): there is another card of this id"):
        read_cards(path)

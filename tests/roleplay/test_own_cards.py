"""One's own cards at the command line: every fault of every card is said, and a card can be seen and tried."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import DataError
from csc_tasks.roleplay import soundness
from csc_tasks.roleplay.card_sets import read_card_set, shipped_card_set
from tests.door import csconv
from tests.paths import ROOT
from tests.roleplay.own_cards import card, written

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path / "cache"))


def test_a_sound_file_is_said_to_be_sound_with_its_fingerprint(tmp_path: Path) -> None:
    path = written(tmp_path / "own.json", card(), card(id="another", demand=None))
    done = csconv("cards", "validate", path)
    assert done.code == 0, done.output
    fingerprint = read_card_set(path).fingerprint[:16]
    assert done.out == f"{path}: 2 cards, every one sound; fingerprint {fingerprint}\n"
    assert json.loads(csconv("cards", "validate", path, "--json").out)["sound"] is True


CONTRADICTIONS: list[tuple[Change, str]] = [
    (lambda c: c.pop("opening"), "opening: field required"),
    (lambda c: c.update(opening=["  "]), "opening.0: a sentence is empty"),
    (lambda c: c.update(opening=["喂\x1b[31m"]), "opening.0: must be a line of text"),
    (lambda c: c.update(opening=[3]), "opening.0: must be a sentence"),
    (lambda c: c.update(who="半个\ud800字"), "who: "),
    (lambda c: c["facts"][0].update(asks=["您好？"]), "facts 订单时间: no word of asked_by"),
    (lambda c: c["facts"][1].update(name="订单时间"), "facts: there are two of the name 订单时间"),
    (lambda c: [f.update(optional=True) for f in c["facts"]], "facts: none is needed"),
    # Its question is asked in words that both facts know: nobody can ask for it alone.
    (lambda c: c["facts"][0]["asked_by"].append("现象"), "facts 毛病的样子: no word of asked_by, or one of another"),
    (
        lambda c: [
            part.update({name: ["上个礼拜二在你们商城下的单。"]})
            for part, name in ((c["facts"][0], "says"), (c, "opening"))
        ],
        "opening: tells 订单时间, which the supporter has to find out",
    ),
    (lambda c: c["steps"][0].update(done_by=[["退款"]]), "steps 1: done_by does not find the step in its own words"),
    (lambda c: c.update(never=["换新"]), "steps 1: says what never forbids"),
    (lambda c: c["demand"].update(granted_by=["免费换新"]), "steps 1: grants the demand"),
    (lambda c: c["demand"].update(refusal=["好的。"]), "demand.refusal: is not read as a refusal"),
    (lambda c: c.update(scenario=c["goal"]), "scenario: gives the goal away"),
    (lambda c: c["lookups"][0].update(finds=c["goal"]), "lookups: gives the goal away"),
    (lambda c: c["lookups"][0].update(shown_by=["尾号"]), "lookups 售后规定: shown_by 尾号 is not in what it finds"),
    (lambda c: c.update(gives_up=[]), "gives_up: missing"),
    (lambda c: c.update(lookups=[]), "lookups: missing"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), CONTRADICTIONS)
def test_a_card_that_contradicts_itself_is_refused_by_field(
    change: Change, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.json"
    # As JSON with escapes, for half a character is no UTF-8.
    path.write_text(json.dumps({"card": [card(change)]}), encoding="utf-8")
    done = csconv("cards", "validate", path)
    assert done.code == 1
    assert message in done.out
    assert "\x1b" not in done.output
    with pytest.raises(DataError, match=r"own\.json"):
        read_card_set(path)


def test_every_fault_of_every_card_is_a_line_and_one_field_hides_no_other(tmp_path: Path) -> None:
    def several(c: dict[str, Any]) -> None:
        del c["opening"], c["mood"]["eased_by"]
        c["steps"][0].update(does="解释")

    def contradicts(c: dict[str, Any]) -> None:
        c["facts"][0]["asks"] = ["您好？"]
        c["facts"][1]["asks"] = ["喂？"]
        c["values"] = {"颜色": ["红"]}

    path = written(
        tmp_path / "own.json",
        card(several),
        card(contradicts, id="b"),
        card(),
        card(),
        card(id="d", gives_up=[]),
    )
    lines = csconv("cards", "validate", path).out.splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in lines[:-1]] == [
        *("opening", "mood.eased_by", "steps.0.does", "no sentence shows the value 颜色"),
        *("facts 订单时间", "facts 毛病的样子", "there is another card of this id; rename one of them", "gives_up"),
    ]  # fmt: skip
    assert lines[0].startswith("card 1 ('yellow-projector'): ")
    assert lines[-1] == f"{path}: 4 of 5 cards cannot be played; 8 faults"
    record = json.loads(csconv("cards", "validate", path, "--json").out)
    assert (record["cards"], record["sound"], len(record["faults"])) == (5, False, 8)
    assert record["faults"][2]["field"] == "steps.0.does"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no [[card]] in it"),
        (b'{"version": "x", "card": []}', "no [[card]] in it"),
        (b"[]", "no [[card]] in it"),
        ("名 = '客户'".encode("gbk"), "not UTF-8; save it as UTF-8"),
        (b'{"card": [{"id": "a"', "no JSON: "),
        (b'[[card]]\nid = "a', "no TOML: "),
        (b"a = " + b"[" * 5000, "nested too deep"),
        (b'{"card": ' + b"[" * 5000, "nested too deep"),
        (b'{"card": [{"id": "a", "id": "b"}]}', "'id' stands twice"),
    ],
)
def test_a_file_without_cards_gives_one_clear_error(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "own"
    path.write_bytes(data)
    done = csconv("cards", "validate", path)
    assert done.code == 1
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert message in json.loads(csconv("cards", "validate", path, "--json").out)["error"]


def test_a_file_that_is_not_there_or_a_folder_without_cards_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        done = csconv("cards", "validate", path)
        assert (done.code, "No such file" in done.err) == (1, True)


def test_a_card_found_sound_is_known_again_and_a_changed_one_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "own.json", card())
    first = read_card_set(path)
    looked: list[str] = []
    real = soundness.playing_faults
    monkeypatch.setattr(soundness, "playing_faults", lambda c: looked.append(c.id) or real(c))
    assert read_card_set(path).fingerprint == first.fingerprint
    assert looked == []
    written(path, card(), card(id="b", gives_up=[]))
    with pytest.raises(DataError, match="card b: gives_up"):
        read_card_set(path)
    with pytest.raises(DataError, match="card b: gives_up"):  # what is wrong is not kept
        read_card_set(path)
    assert looked == ["b", "b"]


def test_where_nothing_can_be_kept_cards_are_checked_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path / "file"))
    path = written(tmp_path / "own.json", card())
    assert len(read_card_set(path).cards) == 1
    written(path, card(gives_up=[]))
    with pytest.raises(DataError):
        read_card_set(path)


@pytest.mark.parametrize(
    "change",
    [
        # Each has more combinations than could ever be gone through.
        lambda c: c.update(steps=c["steps"] + 40 * [{**c["steps"][0], "optional": True}, c["steps"][1]]),
        lambda c: c.update(opening=["(喂|你好)，" * 30]),
        lambda c: c["facts"][0].update(says=["(上个|上)礼拜二，" * 25], asks=["(哪天买|哪天买的)？" * 14]),
    ],
)
def test_a_card_with_many_combinations_is_read_in_time(change: Change, tmp_path: Path) -> None:
    path = written(tmp_path / "own.json", card(change))
    start = time.perf_counter()
    csconv("cards", "validate", path)
    assert time.perf_counter() - start < 5


def test_a_card_is_shown_as_people_read_it_and_can_be_tried(tmp_path: Path) -> None:
    path = written(
        tmp_path / "own.json", card(who="你是\u202e一位老师。"), card(id="b", demand=None), {"id": "c"}
    )
    listed = csconv("cards", "show", path)
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == ["yellow-projector", "b"]
    assert "card 3 ('c'): topic: field required" in listed.err
    shown = csconv("cards", "show", path, "yellow-projector").out
    for words in (
        "asked by: 什么时候买、哪天买、购买时间",
        "done by: (城东仓库) and (小票)",
        "granted by: 赔您一台",
    ):
        assert words in shown
    assert "\u202e" not in shown
    good = csconv("cards", "show", path, "b", "--play", "good").out
    assert "resolved after" in good
    assert "2 of 2 needed facts, 2 of 2 steps" in good
    assert "not resolved" in csconv("cards", "show", path, "yellow-projector", "--play", "promiser").out
    assert "no card 'z'" in csconv("cards", "show", path, "z").err


def test_the_shipped_cards_are_listed() -> None:
    done = csconv("cards", "show", "shipped")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == [c.id for c in shipped_card_set().cards]


def test_the_example_of_the_documentation_is_sound(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "roleplay-cards.md").read_text(encoding="utf-8")
    path = tmp_path / "example.toml"
    path.write_text(text.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    assert csconv("cards", "validate", path).code == 0
    assert "  resolved after" in csconv("cards", "show", path, "--play", "good").out

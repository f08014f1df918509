"""Who calls about what, and a run without any model from the command to its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from csc_tasks.data.domains import ROLE_PLAYED
from csc_tasks.errors import ConfigError
from csc_tasks.roleplay.cards import load_cards
from csc_tasks.synthesis.output.provenance_file import read_provenance
from csc_tasks.synthesis.playing.casting import cast
from tests.door import csconv
from tests.synthesis.plays import conversations, lines_of


def people(path: Path, count: int) -> Path:
    lines = (
        json.dumps({"text": f"你是第{i}位客户，四十岁，做小生意。"}, ensure_ascii=False) for i in range(count)
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("count", [1, 3, 6, 7, 13, 14])
def test_every_profile_has_every_topic_once_and_none_comes_again_before_all_had_their_turn(
    tmp_path: Path, count: int
) -> None:
    settings = cast(people(tmp_path / "p.jsonl", count), "", 0, scripted=False).settings
    assert len(settings) == 7 * count == len({(s.profile, s.topic) for s in settings})
    assert len({s.profile for s in settings[:count]}) == count
    assert {s.topic for s in settings[: max(count, 7)]} == set(ROLE_PLAYED) or count < 7


def test_topics_may_be_ones_own(tmp_path: Path) -> None:
    casting = cast(people(tmp_path / "p.jsonl", 2), "保修, 退货", 0, scripted=False)
    assert {s.topic for s in casting.settings} == {"保修", "退货"}
    with pytest.raises(ConfigError, match="named twice"):
        cast(None, "保修,保修", 0, scripted=False)


def test_scripts_need_a_card_and_a_price_does_not() -> None:
    with pytest.raises(ConfigError, match="no case card on '保修'"):
        cast(None, "保修", 0, scripted=True)
    assert cast(None, "保修", 0, scripted=False, dry_run=True).settings[0].card


def test_a_profile_that_stands_there_twice_is_taken_once_and_said(tmp_path: Path) -> None:
    path = people(tmp_path / "p.jsonl", 2)
    path.write_text(path.read_text("utf-8") * 2, encoding="utf-8")
    casting = cast(path, "", 0, scripted=False)
    assert len(casting.settings) == 14
    assert "2 profiles stand there twice" in casting.remarks[0]
    assert len(casting.remarks) == 1
    assert "scripts play the customers of the case cards" in cast(path, "", 0, scripted=True).remarks[1]


def test_the_customer_that_provenance_shows_is_the_one_that_was_played(tmp_path: Path) -> None:
    done = csconv("synthesize", "roleplay", "--offline", "--n", "14", "--out", tmp_path / "one")
    assert done.code == 0, done.err
    told = [line["provenance"] for line in read_provenance(tmp_path / "one").values()]
    assert [each["profile"] for each in told] == [load_cards()[each["card"]].who for each in told]
    assert len(told) == 14


def test_twenty_conversations_without_a_model_are_valid_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        done = csconv("synthesize", "roleplay", "--offline", "--n", "20", "--out", str(tmp_path / name))
        assert done.code == 0, done.err
        assert "wrote 20 conversations" in done.out
    made = (tmp_path / "one" / "conversations.json").read_bytes()
    assert made == (tmp_path / "two" / "conversations.json").read_bytes()
    checked = csconv("data", "validate", str(tmp_path / "one" / "conversations.json"), "--strict")
    assert (checked.code, checked.out.split(": ")[1]) == (
        0,
        "20 sound conversations, 0 errors, 0 broken rules\n",
    )
    card = (tmp_path / "one" / "README.md").read_text("utf-8")
    assert "Templates wrote these texts, no model did" in card
    assert "Overlap was NOT checked" in card


def test_more_of_them_are_added_and_a_second_call_makes_none(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert csconv("synthesize", "roleplay", "--offline", "--n", "3", "--out", out).code == 0
    first = conversations(tmp_path / "out")
    lines = len(lines_of(tmp_path / "out"))
    assert csconv("synthesize", "roleplay", "--offline", "--n", "3", "--out", out).code == 0
    assert len(lines_of(tmp_path / "out")) == lines
    assert csconv("synthesize", "roleplay", "--offline", "--n", "5", "--out", out).code == 0
    assert conversations(tmp_path / "out").items() >= first.items()


def test_a_run_stops_when_the_shares_of_strategies_are_near_those_of_csconv(tmp_path: Path) -> None:
    options = ("--offline", "--n", "60", "--balance", "0.05", "--out", str(tmp_path / "out"))
    done = csconv("synthesize", "roleplay", *options)
    assert done.code == 0, done.err
    info = json.loads((tmp_path / "out" / "info.json").read_text("utf-8"))
    assert info["cases"]["balanced"] is True
    assert 20 <= info["conversations"] < 60
    assert csconv("synthesize", "roleplay", *options).code == 0
    again = json.loads((tmp_path / "out" / "info.json").read_text("utf-8"))
    assert again["sha256"] == info["sha256"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--config: name a synthesis.yaml"),
        (("--offline", "--budget", "1"), "--budget: scripts cost nothing"),
        (("--offline", "--engine", "ray"), "scripts need no cluster"),
        (("--offline", "--workers", "2"), "go with --engine ray"),
        (("--offline", "--prompts", "roleplay-zh-9"), "there are no prompts 'roleplay-zh-9'; there are"),
        (("--offline", "--profiles", "none.jsonl"), "none.jsonl"),
        (("--offline", "--against", "none.json"), "none.json"),
        (("--offline", "--balance", "3"), "--balance: 3"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_made(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    done = csconv("synthesize", "roleplay", "--out", str(tmp_path / "out"), *options, cwd=tmp_path)
    assert done.code == 1
    assert said in done.err
    assert not list(tmp_path.glob("out/journals/*"))

"""Who rates what: every model on the same turns, as much for everybody, and nothing that says who wrote it."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.study import ItemRole, StudyItem, StudyKey, read_key
from csc_tasks.judging.samples import choose_sample, strata_of_log
from csc_tasks.metrics.judge.rubric import Unit
from csc_tasks.results.find_logs import find_logs
from tests.door import csconv
from tests.human.sheet.studies import DIALOGUE, RESPONSE, data_of, for_raters, given, make

Place = tuple[str, int | None]


def places_of(key: StudyKey) -> dict[Place, list[tuple[int, ...]]]:
    """The runs of each item and of each decision, by turn."""
    found: dict[Place, list[tuple[int, ...]]] = defaultdict(list)
    for item in (*key.items, *key.decided):
        if not isinstance(item, StudyItem) or item.role is ItemRole.ITEM:
            found[item.conversation, item.turn].append(tuple(sorted(item.runs)))
    return found


def raters_of(key: StudyKey) -> dict[Place, set[str]]:
    found: dict[Place, set[str]] = defaultdict(set)
    for rater in key.raters:
        for name in rater.items:
            if (item := key.by_id[name]).role is ItemRole.ITEM:
                found[item.conversation, item.turn].add(rater.name)
    return found


@pytest.fixture(scope="module")
def rated(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyKey]:
    out = tmp_path_factory.mktemp("studies") / "rate"
    return out, make(measured, out, "--sample", "30", "--raters", "4", "--overlap", "6", "--each", "2")


@pytest.fixture(scope="module")
def paired(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyKey]:
    out = tmp_path_factory.mktemp("studies") / "pair"
    return out, make(measured, out, "--kind", "pair", "--sample", "20", "--raters", "2", "--overlap", "50%")


def test_every_models_reply_to_every_turn_of_the_sample_is_rated(rated: tuple[Path, StudyKey]) -> None:
    _, key = rated
    assert [run.model for run in key.runs] == ["csconv-random", "org__good", "org__other", "org__poor"]
    places = places_of(key)
    assert len(places) == 30
    assert all(sorted(runs) == [(0,), (1,), (2,), (3,)] for runs in places.values())


def test_every_two_models_are_compared_on_every_turn_and_each_stands_first_in_half(
    paired: tuple[Path, StudyKey],
) -> None:
    _, key = paired
    everybody = sorted(combinations(range(4), 2))
    assert key.kind is RatingKind.PAIR
    assert all(sorted(runs) == everybody for runs in places_of(key).values())
    first = Counter(
        tuple(i.runs)
        for i in (*key.items, *key.decided)
        if getattr(i, "role", ItemRole.ITEM) is ItemRole.ITEM
    )
    for one, other in everybody:
        assert (first[one, other], first[other, one]) == (10, 10)


def test_the_sample_is_the_one_that_a_judge_is_given(rated: tuple[Path, StudyKey], measured: Path) -> None:
    (log,) = (log for log in find_logs([measured / "org__good"]) if log.task == RESPONSE)
    assert set(places_of(rated[1])) == choose_sample(list(strata_of_log(log, Unit.TURN)), 30)


def test_an_overlapping_turn_has_as_many_raters_as_was_said_and_any_other_one(
    rated: tuple[Path, StudyKey],
) -> None:
    _, key = rated
    raters = raters_of(key)
    assert Counter(map(len, raters.values())) == {2: 6, 1: 24}
    together = {frozenset(names) for names in raters.values() if len(names) == 2}
    assert len(together) == 6, "of four raters every two have a turn in common"
    counts = [sum(key.by_id[i].role is ItemRole.ITEM for i in rater.items) for rater in key.raters]
    assert counts == [36, 36, 36, 36]


def test_a_rater_has_all_models_of_a_turn_and_never_two_of_them_in_a_row(
    rated: tuple[Path, StudyKey],
) -> None:
    _, key = rated
    for rater in key.raters:
        shown = [key.by_id[i] for i in rater.items]
        own: dict[Place, set[int]] = defaultdict(set)
        for item in shown:
            if item.role is ItemRole.ITEM:
                own[item.conversation, item.turn].update(item.runs)
        assert all(runs == {0, 1, 2, 3} for runs in own.values())
        places = [(i.conversation, i.turn) for i in shown if i.role is ItemRole.ITEM]
        assert all(one != other for one, other in pairwise(places))


@pytest.mark.parametrize("name", ["rated", "paired"])
def test_nothing_that_a_rater_gets_says_who_wrote_it(name: str, request: pytest.FixtureRequest) -> None:
    folder, key = request.getfixturevalue(name)
    secrets = [
        *(run.model for run in key.runs),
        *(run.log for run in key.runs),
        "org/good",
        "csconv-random",
    ]
    files = for_raters(folder)
    assert len(files) > 8
    for path in files:
        content = path.read_bytes()
        assert [s for s in secrets if s.encode() in content] == [], path.name
    assert (folder / "key.json").stat().st_mode & 0o077 == 0
    fields = set().union(*(item for rater in range(1, 3) for item in given(folder, rater).values()))
    assert fields == {"id", "talk", "strategy", "replies"}


def test_repeats_come_late_with_the_same_texts_and_pairs_turned(
    rated: tuple[Path, StudyKey], paired: tuple[Path, StudyKey]
) -> None:
    for folder, key in (rated, paired):
        for number, rater in enumerate(key.raters, start=1):
            shown = given(folder, number)
            repeats = [key.by_id[i] for i in rater.items if key.by_id[i].role is ItemRole.REPEAT]
            assert len(repeats) >= 2
            for item in repeats:
                assert item.repeats in rater.items
                before = key.by_id[item.repeats]
                assert rater.items.index(item.id) - rater.items.index(before.id) > len(rater.items) / 8
                said, again = ([text for _, text in shown[i]["replies"]] for i in (before.id, item.id))
                assert (again, item.runs) == (said[::-1], before.runs[::-1])
                assert shown[item.id]["talk"] == shown[before.id]["talk"]


def test_attention_items_say_what_to_answer_and_no_two_in_a_row_want_the_same(
    rated: tuple[Path, StudyKey], paired: tuple[Path, StudyKey]
) -> None:
    folder, key = rated
    asked = [item for item in key.items if item.role is ItemRole.ATTENTION]
    grades = {item.right["empathy"] for item in asked}
    assert len(grades) == len(asked) == 2
    assert 3 not in grades
    for item in asked:
        ((_, text),) = given(folder)[item.id]["replies"]
        assert f"打 {item.right['empathy']} 分" in text
        assert f"give {item.right['empathy']} wherever" in text
        assert ("answer yes" if item.right["resolved_step"] else "answer no") in text
        assert set(item.right) == {d.name for d in key.rubric.dimensions}
    folder, key = paired
    words = {"甲": "choose “A is better”", "乙": "choose “B is better”", "平": "choose “Neither”"}
    for item in key.items:
        if item.role is ItemRole.ATTENTION:
            replies = [text for _, text in given(folder)[item.id]["replies"]]
            assert sum(words[str(item.right["winner"])] in text for text in replies) == 1


def test_the_same_study_is_made_again_and_another_seed_makes_another(short: Path, tmp_path: Path) -> None:
    options = ("--sample", "12", "--raters", "2")
    for name, seed in (("one", "0"), ("again", "0"), ("other", "7")):
        make(short, tmp_path / name, *options, "--seed", seed)
    bytes_of = {
        name: {
            p.name: p.read_bytes()
            for p in (tmp_path / name).rglob("*")
            if p.suffix in (".html", ".csv", ".json")
        }
        for name in ("one", "again", "other")
    }
    assert bytes_of["one"] == bytes_of["again"]
    one, other = (set(places_of(read_key(tmp_path / name))) for name in ("one", "other"))
    assert len(one & other) < 6


def test_whole_conversations_and_role_plays_are_rated_by_the_rubric_for_dialogues(
    measured: Path, role_played: Path, tmp_path: Path
) -> None:
    key = make(measured, tmp_path / "a", "--sample", "4", task=DIALOGUE)
    assert (key.rubric.name, key.raters[0].name, {i.turn for i in key.items}) == (
        "dialogue-zh-2",
        "rater-1",
        {None},
    )
    data = data_of(tmp_path / "a" / "rater-1.html")
    assert {who for talk in data["material"]["talks"] for who, _, _ in talk} == {"customer", "supporter"}
    assert "rule_fixed" in data["material"]["rules"]
    done = csconv(
        "human", "sheet", role_played / "scripted", "--sample", "5", "--out", tmp_path / "b", "--lang", "en"
    )
    assert done.code == 0, done.output
    assert "5 of 16 role-plays" in done.out
    data = data_of(tmp_path / "b" / "rater-1.html")
    assert data["languages"] == ["en"]
    assert all(set(question) >= {"en"} and "zh" not in question for question in data["material"]["questions"])

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import pytest

from csc_tasks.framework import Strategy
from csc_tasks.metrics.judge import JudgeError, Kind, load_rubric, shipped_rubrics
from csc_tasks.metrics.judge.rubric import Unit, rubric_for_unit
from csc_tasks.metrics.strategy_definitions import strategy_definitions

# A published rubric never changes: old verdicts would be read as the new rubric's. Copy it to a new folder.
DIGESTS = {
    "dialogue-zh-1": "d4fcd15a77d25549",
    "dialogue-zh-2": "01ae64ae87e1a5fc",
    "pairwise-zh-1": "ab7542822cf355d5",
    "pairwise-zh-2": "226781b69a12c47a",
    "turn-zh-1": "df345193ea9c480b",
    "turn-zh-2": "ad1357497a1e9c0d",
}


def copied(tmp_path: Path, name: str = "turn-zh-1") -> Path:
    source = Path(str(resources.files("csc_tasks.metrics.judge") / "rubrics" / name))
    return Path(shutil.copytree(source, tmp_path / "mine"))


def test_the_shipped_rubrics_are_those_that_were_published() -> None:
    assert {name: load_rubric(name).sha256 for name in shipped_rubrics()} == DIGESTS


def test_every_grade_of_every_scale_is_described_and_shown_to_the_judge() -> None:
    for name in ("turn-zh-1", "dialogue-zh-1", "turn-zh-2", "dialogue-zh-2"):
        rubric = load_rubric(name)
        assert len(rubric.scales) >= 5
        for dimension in rubric.scales:
            assert len({text for _, text in dimension.anchors}) == 5
            assert all(text in rubric.system for _, text in dimension.anchors)


def test_the_schema_admits_exactly_the_offered_values() -> None:
    schema = load_rubric("turn-zh-2").schema
    assert next(iter(schema["properties"])) == "reason"  # the judge explains before it grades
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False
    assert schema["properties"]["empathy"] == {"type": "integer", "enum": [1, 2, 3, 4, 5]}
    assert schema["properties"]["resolved_step"] == {"type": "boolean"}
    assert load_rubric("pairwise-zh-2").schema["properties"]["winner"]["enum"] == ["甲", "乙", "平"]


def test_a_rubric_of_the_users_own_is_a_folder(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    assert load_rubric(str(folder)).sha256 == DIGESTS["turn-zh-1"]  # the content counts, not the place
    system = folder / "system.txt"
    system.write_text(system.read_text() + "请从严。\n")
    changed = load_rubric(str(folder))
    assert changed.sha256 not in DIGESTS.values()
    assert [d.kind for d in changed.dimensions].count(Kind.SCALE) == 5


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("rubric.toml", '4 = "策略合适', '6 = "策略合适', "strategy_alignment.*anchors must describe each"),
        ("rubric.toml", 'name = "empathy"', 'name = "naturalness"', "dimensions with different names"),
        ("rubric.toml", 'name = "empathy"', 'name = "Em pathy"', "small letters"),
        ("rubric.toml", 'unit = "turn"', 'unit = "word"', "not a rubric .*'word'"),
        ("rubric.toml", 'unit = "turn"', "unit = turn", r"rubric.toml: .*line 3"),
        ("system.txt", "$format", "$forma", "KeyError: 'forma'"),
        (
            "rubric.toml",
            'unit = "turn"',
            'unit = "turn"\ndefinitions = "zh-9"',
            "no definitions 'zh-9'; 'zh-2'",
        ),
        (
            "rubric.toml",
            'unit = "turn"',
            'unit = "turn"\ndefinitions = "../zh-2"',
            "no definitions '../zh-2'",
        ),
        ("rubric.toml", 'unit = "turn"', 'unit = "turn"\ndefinitions = ["zh-2"]', "no definitions .'zh-2'"),
        ("system.txt", "$format", "$format$strategy_1", "KeyError: 'strategy_1'"),
    ],
)
def test_a_broken_rubric_is_named_with_its_defect(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    path = copied(tmp_path) / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(JudgeError, match=message):
        load_rubric(str(path.parent))


def test_single_brackets_in_place_of_double_ones_are_a_defect_with_a_name(tmp_path: Path) -> None:
    path = copied(tmp_path) / "rubric.toml"
    head, _, rest = path.read_text().partition("[[block]]")
    path.write_text(
        head
        + "[block]"
        + rest.partition("[[block]]")[0]
        + "[[dimension]]"
        + rest.partition("[[dimension]]")[2]
    )
    with pytest.raises(JudgeError, match=r"not a rubric \((Attribute|Type)Error"):
        load_rubric(str(path.parent))


def test_an_unknown_rubric_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(
        JudgeError, match="no rubric 'turn-zh-9'; there are dialogue-zh-1, dialogue-zh-2, pairwise-zh-1, pair"
    ):
        load_rubric("turn-zh-9")


def test_the_shipped_rubrics_show_the_shared_definitions_and_their_digest_covers_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = strategy_definitions("zh-2")
    for name in ("turn-zh-2", "dialogue-zh-2", "pairwise-zh-2"):
        shown = load_rubric(name).system
        for strategy, text in zip(Strategy, texts, strict=True):
            assert f"\n- {strategy.zh}：{text}\n" in shown
    folder = copied(tmp_path, "turn-zh-2")
    assert load_rubric(str(folder)).sha256 == DIGESTS["turn-zh-2"]
    reworded = (*texts[:11], texts[11] + "。")
    monkeypatch.setattr("csc_tasks.metrics.judge.rubric.strategy_definitions", lambda _: reworded)
    assert load_rubric(str(folder)).sha256 != DIGESTS["turn-zh-2"]
    assert load_rubric(str(folder)).system != load_rubric("turn-zh-2").system


@pytest.mark.parametrize(
    ("unit", "name", "rubric"),
    [
        (Unit.TURN, None, "turn-zh-2"),
        (Unit.DIALOGUE, None, "dialogue-zh-2"),
        (Unit.PAIR, None, "pairwise-zh-2"),
        (Unit.TURN, "zh-2", "turn-zh-2"),
        (Unit.TURN, "zh-1", "turn-zh-1"),
        (Unit.DIALOGUE, "zh-1", "dialogue-zh-1"),
        (Unit.PAIR, "zh-1", "pairwise-zh-1"),
        (Unit.DIALOGUE, "turn-zh-1", "turn-zh-1"),
    ],
)
def test_the_newest_rubrics_are_the_default_and_a_version_names_those_of_every_unit(
    unit: Unit, name: str | None, rubric: str
) -> None:
    assert rubric_for_unit(unit, name).name == rubric


def test_the_reference_is_the_data_sets_and_nobody_says_that_a_human_wrote_it() -> None:
    for name in ("turn-zh-2", "dialogue-zh-2", "pairwise-zh-2"):
        rubric = load_rubric(name)
        (title,) = (block.title for block in rubric.blocks if block.field == "reference")
        assert title.startswith("【数据集的参考回复")
        assert "真人" not in title + rubric.system


def test_the_form_of_an_answer_is_described_and_has_no_slots_that_a_judge_could_copy() -> None:
    for name in ("turn-zh-2", "dialogue-zh-2", "pairwise-zh-2"):
        rubric = load_rubric(name)
        assert not set("{}…|") & set(rubric.system)
        assert all(d.name in rubric.system for d in rubric.dimensions)


def test_choice_and_execution_of_a_strategy_are_graded_apart() -> None:
    for name in ("turn-zh-2", "dialogue-zh-2"):
        names = [d.name for d in load_rubric(name).dimensions]
        assert {"strategy_choice", "strategy_execution"} < set(names)
        assert "strategy_alignment" not in names

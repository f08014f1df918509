"""What people are asked: the rubric's own words, and the English beside them."""

from __future__ import annotations

import re
import shutil
from importlib import resources
from pathlib import Path

import pytest

from csc_tasks.metrics.judge import JudgeError, load_rubric
from csc_tasks.metrics.judge.rubric import DIALOGUE_RUBRIC, PAIR_RUBRIC, TURN_RUBRIC
from csc_tasks.metrics.judge.wording import english_wording, own_wording


@pytest.mark.parametrize("name", [TURN_RUBRIC, DIALOGUE_RUBRIC, PAIR_RUBRIC])
def test_the_rubrics_in_use_ask_the_same_in_both_languages(name: str) -> None:
    rubric = load_rubric(name)
    own, english = own_wording(rubric), english_wording(rubric, name)
    assert english is not None
    assert list(own.questions) == list(english.questions) == [d.name for d in rubric.dimensions]
    assert own.blocks.keys() == english.blocks.keys()
    for dimension in rubric.dimensions:
        zh, en = own.questions[dimension.name], english.questions[dimension.name]
        assert zh.anchors == dict(dimension.anchors)
        assert list(zh.anchors) == list(en.anchors)
        for text in (en.title, en.question, *en.anchors.values()):
            assert not re.search("[\u4e00-\u9fff]", text), text


def test_an_older_rubric_has_its_own_words_alone() -> None:
    rubric = load_rubric("turn-zh-1")
    assert english_wording(rubric, "turn-zh-1") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Consideration"', "", "nothing is said for 'title'"),
        ('title = "Consideration"', "title = 5", "not the wording of a rubric"),
        ("[dimension.empathy.anchors]\n1 =", "[dimension.empathy.anchors]\n7 =", "nothing is said for '1'"),
        ('reply = "The reply to be rated"', "", "nothing is said for 'reply'"),
        ("[blocks]", "[blocks", "cannot be read"),
    ],
)
def test_an_english_wording_that_leaves_something_out_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    folder = Path(
        shutil.copytree(
            str(resources.files("csc_tasks.metrics.judge") / "rubrics" / TURN_RUBRIC), tmp_path / "own"
        )
    )
    path = folder / "en.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    rubric = load_rubric(str(folder))
    assert rubric.sha256 == load_rubric(TURN_RUBRIC).sha256, "which the English has no part in"
    with pytest.raises(JudgeError, match=re.escape(said)):
        english_wording(rubric, str(folder))

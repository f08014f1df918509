"""What models are called in charts: both ends of a long name are there, and no two are alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from csc_tasks.leaderboards.rendering.chart_names import fitted, model_names, names_of_rows
from csc_tasks.leaderboards.rendering.language import Language, resolve
from csc_tasks.sentences import Sentence
from tests.leaderboards import boards


@pytest.mark.parametrize(
    ("texts", "most", "shown"),
    [
        (["org/short"], 34, ["org/short"]),
        # Both ends.
        (["organisation/" + "x" * 40 + "/end"], 20, ["organisation…xxx/end"]),
        # A wide letter takes two columns.
        (["客服对话模型甲乙丙丁"], 9, ["客服…丙丁"]),
        # Alike without their middle: what is before the stroke goes first.
        (
            ["Qwen/Qwen2.5-72B-Instruct", "Qwen/Qwen2.5-7B-Instruct"],
            19,
            ["Qwen2.5-72B-…struct", "Qwen2.5-7B-Instruct"],
        ),
        # Alike even so: from where they differ.
        (
            ["o/" + "a" * 30 + "1" + "b" * 30, "o/" + "a" * 30 + "2" + "b" * 30],
            12,
            ["…aa1bbb…bbbb", "…aa2bbb…bbbb"],
        ),
        # Nothing tells them apart.
        (["same", "same", "same"], 10, ["same", "same #2", "same #3"]),
        (["x" * 30, "x" * 30], 10, ["xxxxxx…xxx", "xxxx…xx #2"]),
        (["a #2", "a", "a"], 10, ["a #2", "a", "a #3"]),
        ([""], 10, [""]),
    ],
)
def test_a_name_keeps_what_tells_it_from_others(texts: list[str], most: int, shown: list[str]) -> None:
    assert fitted(texts, most) == shown


def test_names_stay_apart_however_narrow() -> None:
    texts = [row.model for row in boards.crowded_table().rows]
    for most in (34, 19, 8):
        assert len(set(fitted(texts, most))) == len(texts)


def test_only_what_is_shorter_is_told_twice() -> None:
    rows = boards.table().rows
    full, short, narrow = (each["value"] for each in names_of_rows(rows, [row.id for row in rows]))
    assert list(full) == [row.id for row in rows]
    assert set(short) < set(narrow) < set(full)
    assert "tuned-1" not in short


def test_a_floor_and_a_row_that_lacks_turns_are_marked_and_words_are_said_in_the_language() -> None:
    rows = list(boards.table().rows)
    rows[0] = replace(rows[0], words=(Sentence("chart.field.step", "step"),))
    english, chinese = (resolve(model_names(rows), language) for language in (Language.EN, Language.ZH))
    assert english["floor"] == "retrieval (floor)"
    assert english["partial"] == "deepseek-ai/DeepSeek-V3 *"
    assert english[rows[0].id].endswith(" step")
    assert chinese[rows[0].id].endswith(" 训练步")


@pytest.mark.parametrize("name", ["@chart.depth.title", "{name}", "", "\u202e\x00", "\ud800", "@"])
def test_a_name_that_looks_like_something_else_is_a_name(name: str) -> None:
    row = replace(boards.table().rows[0], model=name, words=())
    shown = resolve(model_names([row]), Language.ZH)[row.id]
    assert shown == (name if name.isprintable() and name else "?")

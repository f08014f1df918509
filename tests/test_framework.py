"""Strategies, stages, and reading labels as files and models write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csc_tasks.framework import Stage, Strategy
from csc_tasks.labels import read_strategy
from tests.texts import any_text

PS, OT, RP, IV = (
    Strategy.PROVIDING_SUGGESTIONS,
    Strategy.OTHERS,
    Strategy.RESTATEMENT,
    Strategy.IDENTITY_VERIFICATION,
)


def test_there_are_twelve_strategies_numbered_1_to_12_in_five_stages() -> None:
    assert [s.number for s in Strategy] == list(range(1, 13))
    assert [s.index for s in Strategy] == list(range(12))
    assert "".join(s.letter for s in Strategy) == "ABCDEFGHIJKL"
    assert {s.stage for s in Strategy if s.stage} == set(Stage)
    assert [s for s in Strategy if s.stage is None] == [OT]


@pytest.mark.parametrize(
    ("label", "strategy"),
    [
        ("策略6 提供建议", PS),  # the published form
        ("策略6: 提供建议", PS),
        ("策略6：提供建议", PS),
        ("策略 6、提供建议", PS),
        ("提供建议", PS),
        (" 提 供 建 议 ", PS),
        ("６．提供建议", PS),  # full-width digits
        ("6", PS),
        (6, PS),
        ("策略6", PS),
        ("Strategy 6: Providing Suggestions", PS),
        ("providing suggestions", PS),
        ("PS", PS),
        ("提供建议（PS）", PS),
        ("Providing Suggestions (提供建议)", PS),
        ("[提供建议]", PS),
        ("**提供建议**", PS),
        ("其他", OT),  # the two spellings of 其它
        ("策略12 其它", OT),
        ("12", OT),
        ("Identity-Verification", IV),
        ("重述", RP),
        ("Restatement or Paraphrasing", RP),
        ("禮貌問候", Strategy.GREETING),  # traditional characters
        ("確認身份", IV),
        ("細化問題", Strategy.PROBLEM_REFINEMENT),
        ("情感管理策略", Strategy.EMOTIONAL_MANAGEMENT),
        ("感谢和告别", Strategy.APPRECIATION_AND_CLOSURE),  # whatever joins the words of a name
        ("感谢告别", Strategy.APPRECIATION_AND_CLOSURE),
        ("告别与感谢", Strategy.APPRECIATION_AND_CLOSURE),  # in any order
        ("身份确认", IV),
        ("延续关系", Strategy.RELATIONSHIP_CONTINUATION),
        ("Appreciation & Closure", Strategy.APPRECIATION_AND_CLOSURE),
        ("EmotionalManagement", Strategy.EMOTIONAL_MANAGEMENT),
        ("策略六", PS),
        ("十二", OT),
        ("第十一种策略", Strategy.APPRECIATION_AND_CLOSURE),
        ("⑥", PS),
        ("提供建议（探索方案）", PS),  # as the prompt prints it
        ("提供建议/PS", PS),
        ("情绪管理", None),  # synonyms are not read
        ("身份核实", None),
        ("信息提供", None),
        ("感谢与道别", None),
        ("安抚情绪", None),
        ("感谢", None),  # half a name
        ("提供建议（情感管理）", None),
        ("情感管理提供建议", None),
        ("策略6 礼貌问候", None),  # number and name contradict each other
        ("提供建议（GT）", None),
        ("礼貌问候、确认身份", None),  # two strategies are none
        ("礼貌问候+确认身份", None),
        ("13", None),
        ("0", None),
        (0, None),
        ("66", None),
        ("安抚", None),
        ("A", None),  # an option letter means something only beside options
        ("", None),
        (None, None),
        (True, None),
        (6.0, None),
        (["提供建议"], None),
        ("提供建议" * 30, None),
    ],
)
def test_labels_are_read(label: object, strategy: Strategy | None) -> None:
    assert read_strategy(label) is strategy


@pytest.mark.parametrize("strategy", Strategy)
def test_every_name_of_every_strategy_is_read(strategy: Strategy) -> None:
    names = [
        strategy.zh,
        strategy.en,
        strategy.abbreviation,
        str(strategy.number),
        f"策略{strategy.number} {strategy.zh}",
    ]
    assert [read_strategy(name) for name in names] == [strategy] * len(names)


@given(st.one_of(any_text, st.integers(), st.floats(), st.none(), st.binary(), st.lists(st.text())))
def test_reading_a_label_never_raises(label: object) -> None:
    assert read_strategy(label) is None or isinstance(read_strategy(label), Strategy)

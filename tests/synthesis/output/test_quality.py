"""What a set is like: figures of small sets counted by hand."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.data.published import KNOWN_SHARES
from csc_tasks.data.sources import load
from csc_tasks.data.statistics import summarise
from csc_tasks.framework import Strategy
from csc_tasks.metrics.variety import Distinct
from csc_tasks.synthesis.output.quality import Quality, QualityFigures
from csc_tasks.synthesis.output.stock_phrases import StockPhrases
from tests.synthesis.talks import ORDER, said, talk

PR, ID, AC = Strategy.PROBLEM_REFINEMENT, Strategy.INFORMATION_DELIVERY, Strategy.APPRECIATION_AND_CLOSURE


def figures(*conversations: Conversation, **provenance: object) -> QualityFigures:
    quality = Quality()
    for conversation in conversations:
        quality.add(conversation, provenance)
    return quality.figures()


def test_the_figures_of_the_mini_set_are_those_of_data_info_and_of_the_metrics() -> None:
    conversations = load("mini").conversations
    found = figures(*conversations, ended="closure")
    assert found.statistics == summarise(conversations)
    for speaker in Speaker:
        texts = [u.text for c in conversations for u in c.utterances if u.speaker is speaker]
        assert found.distinct[speaker] == (Distinct(1).score(texts), Distinct(2).score(texts))
    assert found.closed == 32
    assert found.endings == {"closure": 32}
    assert sum(found.broken.values()) == 0
    assert [share.csconv for share in found.known] == [known.share for known in KNOWN_SHARES]
    assert {share.csconv for share in found.strategies} == {None}


@pytest.mark.parametrize(
    ("strategies", "broken"),
    [
        (ORDER, set()),
        (ORDER[1:], {"10 to 50 utterances", "礼貌问候 at least once"}),
        (ORDER[:-1], {"10 to 50 utterances", "感谢与告别 at least once", "ends with 感谢与告别"}),
        (
            (ORDER[0], ORDER[1], AC, PR, PR, PR),
            {"no strategy more than twice in a row", "ends with 感谢与告别"},
        ),
        ((*ORDER, *[PR, ID] * 11), {"10 to 50 utterances", "ends with 感谢与告别"}),
    ],
)
def test_each_rule_that_a_conversation_breaks_is_counted(
    strategies: tuple[Strategy, ...], broken: set[str]
) -> None:
    found = figures(talk(1, strategies), talk(2))
    assert {rule: n for rule, n in found.broken.items() if n} == dict.fromkeys(broken, 1)


def test_runs_and_steps_back_are_counted() -> None:
    found = figures(talk(1, (PR, PR, ID, PR, AC)), talk(2, (PR, Strategy.OTHERS, ID)))
    assert found.longest_run == (1.5, 2)
    # From 信息传达 back to 细化问题; 其它 has no stage, so that its neighbours are a pair.
    assert (found.stage_order.pairs, found.stage_order.back) == (5, 1)


def test_how_a_conversation_ended_is_what_its_pipeline_says() -> None:
    quality = Quality()
    for ended in ("closure", "closure", "customer", None, "\x1b[31mred\n"):
        quality.add(talk(1), {"ended": ended})
    quality.add(talk(1), {})
    assert quality.figures().endings == {"closure": 2, "not said": 2, "customer": 1, "[31mred": 1}


def test_ways_to_end_without_end_are_a_bounded_table() -> None:
    quality = Quality()
    for number in range(200):
        quality.add(talk(1), {"ended": f"way {number}"})
    endings = quality.figures().endings
    assert len(endings) == 31
    assert endings["other"] == 170


def test_of_no_conversation_nothing_is_known_and_nothing_fails() -> None:
    found = Quality().figures()
    assert math.isnan(found.known[0].share)
    assert found.record()["longest_run"] == {"mean": None, "largest": 0}


def test_csconv_s_twelve_shares_stand_beside_where_it_is_here() -> None:
    quality = Quality()
    quality.add(talk(1), {})
    found = quality.figures(load("mini"))
    assert sum(share.csconv or 0 for share in found.strategies) == pytest.approx(1, abs=1e-3)


def test_a_stock_phrase_counts_once_a_conversation_by_how_its_sentence_begins() -> None:
    phrases = StockPhrases()
    for number in range(4):
        greeting = "您好，请问有什么可以帮您？" if number else "您好，请问有什么可以帮到您？"
        phrases.add([greeting, "好的。好的。请您稍等！", "请您稍等", f"第{number}件事已经登记好了"])
    # 好的 has two letters; the two greetings begin alike; 第N件事… are four different ones.
    assert phrases.most_used(10) == [("您好请问有什么可以帮…", 1.0), ("请您稍等", 1.0)]
    assert phrases.conversations == 4


def test_both_speakers_have_phrases_of_their_own() -> None:
    found = figures(*(said(f"谢谢您的耐心等待，{n}", "我再想一想吧") for n in range(2)))
    assert [p.phrase for p in found.phrases[Speaker.CUSTOMER]] == ["我再想一想吧"]
    assert [p.phrase for p in found.phrases[Speaker.SUPPORTER]] == []
    assert figures(said("谢谢您的等待。一", "嗯"), said("谢谢您的等待。二", "嗯")).phrases[
        Speaker.SUPPORTER
    ] == (("谢谢您的等待", 1.0),)


def test_what_comes_up_late_is_not_forgotten() -> None:
    """Four in each thousand from the fourth thousand on."""
    phrases = StockPhrases()
    for number in range(6000):
        phrases.add(["后来才说的话"] if number >= 3000 and number % 250 == 0 else [])
    assert phrases.most_used(1) == [("后来才说的话", 12 / 6000)]


def test_of_many_conversations_a_share_is_at_most_a_thousandth_too_small_and_memory_is_bounded() -> None:
    chance, phrases, exact = random.Random(1), StockPhrases(), Counter[str]()
    names = [f"常用的话第{n:04}句" for n in range(400)]
    for number in range(5000):
        texts = [name for k, name in enumerate(chance.sample(names, 12)) if k < 3 or chance.random() < 0.5]
        phrases.add([*texts, *(f"只说一次{number}之{k}" for k in range(20))])
        exact.update(texts)
    found = dict(phrases.most_used(1000))
    for name, count in exact.items():
        assert count / 5000 - 0.001 <= found.get(name, 0) <= count / 5000
    assert len(phrases._counts) < 25_000

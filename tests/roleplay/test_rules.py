"""What an utterance does, by words: a clause that denies a word does not say it, and a statement asks nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csc_tasks.roleplay import rules


@pytest.mark.parametrize(
    ("said", "words", "affirmed"),
    [
        ("我这就为您办理退款，三到五个工作日到账。", ["退款"], True),
        ("这笔订单不能退款。", ["退款"], False),
        ("退款是不能办的", ["退款"], True),  # what denies comes after: docs/roleplay.md says so
        ("不用担心，退款已经提交。", ["退款"], True),
        ("没有办法给您退款，可以换货。", ["退款"], False),
        ("没有办法给您退款，可以换货。", ["退款", "换货"], True),
        ("Ｗi-Fi 密码 重置好了", ["wi-fi密码重置", "Wi-Fi密码重置"], True),
        ("", ["退款"], False),
        ("先核对，再退款", ["先核对，再退款"], True),
        ("我们不保证收益", ["保证收益"], False),
        ("市场不一定会涨", ["一定会涨"], False),
        ("我已分别为您的主卡和副卡办理停机", ["停机"], True),
        ("未成年人可以退款", ["退款"], True),
        ("没有受伤的朋友可以购买", ["购买"], True),
        ("不敢说肯定能批", ["肯定能批"], False),
    ],
)
def test_a_word_counts_where_no_word_before_it_in_its_clause_denies_it(
    said: str, words: list[str], affirmed: bool
) -> None:
    assert rules.affirms(said, words) is affirmed


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("请问您的订单号是多少？", True),
        ("麻烦您提供一下订单号。", True),
        ("订单号，方便告诉我吗", True),
        ("您的订单号已经登记。", False),
        ("我看到订单号了。请问您贵姓？", False),
        ("请您上传订单号的截图，平台先行处理，您看这样可以吗？", False),
        ("您的订单号，方便告诉我吗？", True),
        ("请您提供一下姓名，手机号，还有订单号。", True),
        ("订单号已经查到了，请问您是哪天买的？", False),
    ],
)
def test_what_is_asked_stands_in_a_question_or_a_request(said: str, asked: bool) -> None:
    assert ("订单号" in rules.questions_in(said)) is asked


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ("一共260元，3天内到。", {"260元", "3天"}),
        ("￥1,260.50", {"1260.5元"}),
        ("年利率３．５％", {"3.5%"}),
        ("3到5个工作日", {"5工作日"}),
        ("请等1分钟，24小时都有人。", set()),
        ("第2步，点右上角", set()),
        ("尾号1234", set()),
        ("200块", {"200元"}),
        ("十四个月，两千六百块，2.6万", {"14个月", "2600元", "26000元"}),
    ],
)
def test_figures_are_those_that_a_customer_goes_by(said: str, figures: set[str]) -> None:
    assert rules.figures_in(said) == figures


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("非常抱歉，这个要求我们没法答应。", {"refuses", "comforts"}),
        ("没问题，马上给您办。", {"consents"}),
        ("请问怎么称呼您？", {"asks_identity"}),
        ("您的姓名我已经核对过了。", set()),
        ("祝您生活愉快，再见！", {"says_goodbye"}),
        ("这不归我们管，您找别的部门吧。", {"sends_elsewhere"}),
        ("你自己不看说明，烦不烦。", {"is_rude"}),
        ("好的", set()),
        ("", set()),
    ],
)
def test_what_an_utterance_does(said: str, what: set[str]) -> None:
    names = ("refuses", "consents", "asks_identity", "says_goodbye", "sends_elsewhere", "is_rude", "comforts")
    assert {name for name in names if getattr(rules, name)(said)} == what


@given(st.text(max_size=400))
def test_any_text_can_be_read(said: str) -> None:
    rules.questions_in(said)
    rules.figures_in(said)
    assert rules.affirms(said, ["退款"]) <= ("退款" in rules.plain(said))


@pytest.mark.parametrize("piece", ["吗", "1", "1,", "。", "不", "a", "，", "￥1.", "1万"])
def test_reading_takes_time_in_proportion_to_the_text(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    begun = time.monotonic()
    rules.questions_in(text)
    rules.figures_in(text)
    rules.affirms(text, ["吗", "1"])
    assert time.monotonic() - begun < 5  # a quadratic one takes minutes


@pytest.mark.parametrize(
    ("figure", "known", "follows"),
    [
        ("300元", {"100元", "200元"}, True),
        ("50元", {"250元", "200元"}, True),
        ("20元", {"100元", "20%"}, True),
        ("80元", {"100元", "20%"}, True),
        ("1200元", {"100元", "12期"}, True),
        ("301元", {"100元", "200元", "12期"}, False),
        ("7天", {"100元"}, False),
        ("7天", set(), False),
    ],
)
def test_a_figure_that_two_known_ones_give_is_not_invented(
    figure: str, known: set[str], follows: bool
) -> None:
    assert rules.follows_from(figure, known) is follows

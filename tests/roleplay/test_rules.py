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
        ("请您提供姓名和订单号可以吗？", True),
        ("需要您提供您的订单号", True),
        ("请您先提供订单号", True),
        ("麻烦您告诉我订单号，可以吗？", True),
        ("请您描述下订单号", True),
        ("请您说明一下订单号。", True),
        ("请您确认订单号。", True),
        ("还请您回忆一下订单号。", True),
        ("能不能提供订单号", True),
        ("这是您的订单号，是吗？", True),
        ("您看订单号是多少？", True),
        ("想先了解几个情况：1. 姓名；2. 日期；3. 订单号", True),
        ("需要以下信息：\n1. 姓名\n2. 订单号", True),
        ("请您提供以下信息，可以吗？\n1. 姓名\n2. 订单号", True),
        ("我已经了解订单号了。", False),
        ("我把订单号发到您手机上可以吗？", False),
        ("我按订单号登记，您看这样行吗？", False),
        ("请问" + "，".join("订单号姓名日期时间地点原因方式金额颜色型号") + "分别是什么？", False),
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
        ("两万六千块", {"26000元"}),
        ("百分之二十，首付两成", {"20%"}),
        ("九五折", {"9.5折"}),
        ("3块5，九块九", {"3.5元", "9.9元"}),
        ("7日内", {"7天"}),
        ("2. 45000元的尾款", {"45000元"}),
        ("千万不要，万一漏气", set()),
        ("一天都没逾期，这两天，第一期，一块处理，两块内容，三五天", set()),
        ("30000000000000000000元", set()),
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
        ("可以的，按规定给您照办。", {"consents"}),
        ("好的，这就给您办，一律免费。", {"consents"}),
        ("没问题，请您提供订单号。", set()),
        ("可以的，您可以到网点办理。", set()),
        ("包在里面的费用", set()),
        ("马上帮您查一下", set()),
        ("马上给您办理挂失手续", set()),
        ("这个我帮不了您。", {"refuses"}),
        ("我们没有这种政策。", {"refuses"}),
        ("审核通过后才可以退。", {"refuses"}),
        ("我们仅支持到店领取。", {"refuses"}),
        ("您必须先提供身份证。", set()),
        ("我们会尽快处理，不会耽误您。", set()),
        ("请您不要挂断。", set()),
        ("感谢您的来电，请问怎么了？", set()),
        ("这种情况不会再见到了。", set()),
        ("这不属于我们负责。", {"refuses", "sends_elsewhere"}),
        ("这笔钱不属于我们公司收取。", {"refuses"}),
        ("家里有病人，听不懂方言。", set()),
        ("你有病吧。", {"is_rude"}),
        ("道理解释一下，处理解决。", set()),
        ("我能理解您，让您久等了。", {"comforts"}),
        ("能告诉我您是谁吗？", {"asks_identity"}),
        ("请您提供注册信息以便核实", {"asks_identity"}),
    ],
)
def test_what_an_utterance_does(said: str, what: set[str]) -> None:
    names = ("refuses", "consents", "asks_identity", "says_goodbye", "sends_elsewhere", "is_rude", "comforts")
    assert {name for name in names if getattr(rules, name)(said)} == what


@pytest.mark.parametrize(
    ("said", "promised"),
    [
        ("好的，今天就退给您。", True),
        ("今天就退给您，可以吗？", True),
        ("规定是不能的，不过我今天就退给您。", True),
        ("今天就退给您，没有任何费用。", True),
        ("今天就退给您是做不到的。", False),
        ("今天就退给您的话，不符合流程。", False),
        ("今天就退给您，但是需要先审核。", False),
        ("我也想今天就退给您。", False),
        ("如果今天就退给您，就违规了。", False),
        ("审核之后，今天就退给您。", False),
        ("您要求今天就退给您？", False),
        ("我没说今天就退给您。", False),
    ],
)
def test_what_is_taken_back_in_its_sentence_is_not_promised(said: str, promised: bool) -> None:
    assert rules.commits(said, ["今天就退给您"]) is promised


def test_advice_against_something_is_of_what_its_sentence_names() -> None:
    assert rules.warns_of("千万不要断电。", ["断电"])
    assert not rules.warns_of("千万不要开火。断电我来想办法。", ["断电"])
    assert rules.refuses("千万不要断电。")
    assert not rules.refuses_flatly("千万不要断电。")


@given(st.text(max_size=400))
def test_any_text_can_be_read(said: str) -> None:
    rules.questions_in(said)
    known = {"999999999999元", "0.000001元", "12期", "3%"}
    for figure in rules.figures_in(said):
        rules.follows_from(figure, known)
    assert rules.commits(said, ["退款"]) <= ("退款" in rules.plain(said))
    assert rules.affirms(said, ["退款"]) <= ("退款" in rules.plain(said))


@pytest.mark.parametrize(
    "piece",
    [
        "吗",
        "1",
        "1,",
        "。",
        "不",
        "a",
        "，",
        "￥1.",
        "1万",
        "百分之",
        "一",
        "没问题",
        "没问题，",
        "1.\n",
        "块",
    ],
)
def test_reading_takes_time_in_proportion_to_the_text(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    begun = time.monotonic()
    rules.questions_in(text)
    rules.figures_in(text)
    rules.affirms(text, ["吗", "1"])
    rules.commits(text, ["吗", "1", "没问题"])
    rules.consents(text)
    rules.refuses(text)
    rules.warns_of(text, ["不"])
    rules.says_goodbye(text)
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
        ("999999999999元", {"999999999999元", "999999999999.999999%", "0.000001期"}, False),
        ("999999999999元", {"1元", "999999999999期"}, True),
    ],
)
def test_a_figure_that_two_known_ones_give_is_not_invented(
    figure: str, known: set[str], follows: bool
) -> None:
    assert rules.follows_from(figure, known) is follows

"""One spelling of Chinese text: what becomes the same, and what stays as it is."""

from __future__ import annotations

import unicodedata

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.metrics.orthography import are_changed, normal_forms
from csc_tasks.metrics.tokenizers import tokenize_norm, tokenize_zh
from tests.texts import ALL, any_text


def normal(text: str) -> str:
    (form,) = normal_forms([text])
    return form


GOLD = [u.text for split in Split for c in load("mini", split).conversations for u in c.utterances]


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("您好,请问有什么可以帮您?好的!谢谢;再见:", "您好，请问有什么可以帮您？好的！谢谢；再见："),
        ("办好了.", "办好了。"),
        ("（含税）(含税)", "（含税）（含税）"),
        ("ＡＢＣ１２３％", "ABC123%"),
        ("¥58￥58", "¥58¥58"),
        (
            "1,299.00元，1，299.00元，1,2，3",
            "1,299.00元，1,299.00元，1，2，3",
        ),  # a number's comma
        ("15:30，15：30，时间:15点", "15:30，15:30，时间：15点"),
        ("v2.0-beta don’t don't", "v2.0-beta don't don't"),
        ("3-5天，3–5天，2024−01", "3-5天，3-5天，2024-01"),
        ("这个——那个—那个--那个―那个", "这个——那个——那个——那个——那个"),
        ("嗯…嗯……嗯...嗯。。。嗯．．．", "嗯……嗯……嗯……嗯……嗯……"),
        ('“设置”"设置"「设置」＂设置＂', "“设置““设置““设置““设置“"),  # a straight quote has no direction
        ("‘好’『好』", "‘好‘‘好‘"),
        ("【手机号码】［手机号码］〔手机号码〕[手机号码]", "[手机号码][手机号码][手机号码][手机号码]"),
        ("《合同》〈合同〉<合同>", "《合同》《合同》《合同》"),
        ("10~20，10～20，10〜20", "10~20，10~20，10~20"),
        ("時間、發票，後來，裡面，臺灣，乾燥，乾隆，回覆", "时间、发票，后来，里面，台湾，干燥，乾隆，回复"),
        ("我看著這個", "我看着这个"),  # Taiwan's form, in a text that is traditional
        ("著名", "著名"),  # and a word of its own in a simplified one
        ("零\u200b宽\ufeff字\u2060符\ufe0f", "零宽字符"),
        ("控\x00制\x07\x1e符", "控制 符"),
        ("半\ud800个", "半\ufffd个"),
        ("é e\u0301 한 \u1112\u1161\u11ab ｶﾞ", "é é 한 한 ガ"),  # what Unicode composes
        ("①㈱½℃", "1（株）1⁄2°C"),
        ("App与APP", "App与APP"),  # the case of letters stays
        ("", ""),
    ],
)
def test_texts_get_one_spelling(written: str, form: str) -> None:
    assert normal(written) == form


@given(st.lists(any_text, max_size=6))
@settings(max_examples=300)
def test_many_texts_at_once_are_each_alone(texts: list[str]) -> None:
    together = normal_forms(texts)
    assert together == [normal(text) for text in texts]
    assert normal_forms(together) == together  # and a normal form is its own


def test_ordinary_text_is_its_own_normal_form() -> None:
    changed = [text for text, is_so in zip(GOLD, are_changed(GOLD, normal_forms(GOLD)), strict=True) if is_so]
    assert len(changed) < len(GOLD) / 100, changed


HALF = str.maketrans("，。！？：；（）“”‘’", ",.!?:;()\"\"''")
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
CONVERTERS = {each: opencc.OpenCC(each) for each in ("s2t", "s2tw", "s2hk")}


@pytest.mark.parametrize(
    "script", [*(pytest.param(s, marks=pytest.mark.slow) for s in ("s2tw", "s2hk")), "s2t"]
)
def test_traditional_copies_of_the_gold_have_its_tokens_but_for_one_in_a_thousand(script: str) -> None:
    copies = [CONVERTERS[script].convert(text) for text in GOLD]
    pairs = [
        (a, b)
        for text, copy in zip(GOLD, copies, strict=True)
        for a, b in zip(tokenize_norm(text), tokenize_norm(copy), strict=True)
    ]
    assert sum(a != b for a, b in pairs) < len(pairs) / 1000


@pytest.mark.parametrize("width", [HALF, WIDE], ids=["half-width", "full-width"])
def test_copies_of_the_gold_in_another_width_have_its_tokens(width: dict[int, int]) -> None:
    differ = [text for text in GOLD if tokenize_norm(text.translate(width)) != tokenize_norm(text)]
    assert differ == []


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("您的[手机号码]对吗?", ["您", "的", "[手机号码]", "对", "吗", "？"]),
        ("【身份证号】", ["[身份证号]"]),
        ("[A_1]和[ID]", ["[A_1]", "和", "[ID]"]),
        (
            "[手机，号码]",
            ["[", "手", "机", "，", "号", "码", "]"],
        ),  # a sentence in brackets is no placeholder
        ("[一二三四五六七八九十一二三]", list("[一二三四五六七八九十一二三]")),  # nor is a long one
        ("[][ ]", ["[", "]", "[", "]"]),
        ("打APP的热线400-800", ["打", "APP", "的", "热", "线", "400", "-", "800"]),
        ("", []),
    ],
)
def test_a_placeholder_is_one_token(text: str, tokens: list[str]) -> None:
    assert tokenize_norm(text) == tokens


@pytest.mark.parametrize("text", [*ALL, *GOLD[:200]], ids=lambda text: repr(text[:12]))
def test_without_placeholders_the_tokens_are_those_of_zh_over_the_normal_form(text: str) -> None:
    if "[" not in (form := normal(text)):
        assert tokenize_norm(text) == tokenize_zh(form)


@given(any_text)
@settings(max_examples=300)
def test_composition_is_unicodes(text: str) -> None:
    """Texts without marks and traditional characters come out as NFKC makes them."""
    letters = "".join(c for c in text if unicodedata.category(c)[0] in "LM" and not "\u2e80" <= c <= "\ufaff")
    letters = "".join(c for c in letters if c < "\U00020000" and unicodedata.category(c) != "Cs")
    selectors = {*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}
    letters = "".join(c for c in letters if c not in selectors)
    expected = unicodedata.normalize("NFKC", letters)
    if expected.isalpha() and not any("\u2e80" <= c <= "\ufaff" or c > "\U0001ffff" for c in expected):
        assert normal(letters) == expected

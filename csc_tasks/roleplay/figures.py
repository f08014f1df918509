"""The figures of a text that a customer would go by, and which of them follow from others. Linear in the text."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Context, Decimal
from itertools import combinations

from csc_tasks.roleplay.plain_text import plain, remembered

__all__ = ["figures_in", "follows_from"]

_MOST_DIGITS = 12
"""Of a number before its point; a longer one is no figure, and neither is a part of it."""
_DIGITS_ALONE = r"\d{1,400}"
_NUMBER = rf"(?:\d{{1,3}}(?:，\d{{3}}){{1,8}}(?!\d)|{_DIGITS_ALONE})(?:\.\d{{1,6}})?"
_WRITTEN = r"[零〇一二两三四五六七八九十百千万]{1,16}"
_FIGURE = re.compile(
    rf"(?P<ordinal>[第这那前后过上下头同])?(?P<before>[¥￥])?(?<!\d)"
    rf"(?:(?P<share>百分之)(?P<of_hundred>{_NUMBER}|{_WRITTEN})|(?P<number>{_NUMBER}|{_WRITTEN}))"
    r"(?P<ten_thousand>万)?"
    r"(?P<unit>元|块(?![内儿地区屏电砖玻板])|%|个工作日|工作日|天|日(?=之?内|以内)|个月|期|成(?![功为员就立本长交绩])|折"
    r"|年(?![级终底初前龄])|GB|G|倍)?"
    # 3块5 is 3.5元
    r"(?:(?<=块)(?P<tenths>[1-9一二三四五六七八九])(?![\d零一二两三四五六七八九十百千万个工天日年月期折倍%]))?"
)
"""With the units that a customer goes by; hours of service, minutes and steps are anybody's to name."""
_LIST_MARK = re.compile(r"(?:^|(?<=[：:；;。\n\s，,]))[(（]?\d{1,2}[)）.、．]\s{1,8}")
_SAME_UNIT = {"块": "元", "个工作日": "工作日", "G": "GB", "日": "天", "成": "%"}
_DIGITS = {**{d: n for n, d in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_IDLE = frozenset({"1天", "2天", "1年", "1期", "1倍", "1元", "2元"})
"""Of a number in words: 一天都没晚, 这两天, 一块处理."""
_SHOWN = re.compile(r"(\d{1,24}(?:\.\d{1,12})?)(.{1,8})")
_EXACT = Context(prec=120)
"""Of the product of two figures; Python's own loses digits, and raises where a cent is to be kept."""


@remembered
def figures_in(text: str) -> frozenset[str]:
    """The figures that a customer would go by, each with its unit: ``260元``, ``15%``, ``3天``.

    However they are written: 2.6万, 26,000元 and 两万六千块 are one figure, 百分之二十, 两成 and 20% another.
    """
    # The list number is told from the figure by the blank after it.
    matches = _FIGURE.finditer(plain(_LIST_MARK.sub("，", text)))
    return frozenset(figure for match in matches if (figure := _figure(match)))


def _figure(match: re.Match[str]) -> str:
    number, unit = match["of_hundred"] or match["number"], match["unit"] or ""
    in_words = not number[0].isdigit()
    if match["share"]:
        unit = "%"
    elif in_words and match["ordinal"]:
        return ""
    elif not unit and (match["before"] or match["ten_thousand"] or (number.endswith("万"))):
        unit = "元"
    value = _written(number, unit) if in_words else _in_digits(number)
    if not unit or value is None:
        return ""
    if match["ten_thousand"]:
        value *= 10_000
    if match["unit"] == "成" and not match["share"]:
        value *= 10
    if match["tenths"]:
        tenths = match["tenths"]
        value += Decimal(_DIGITS.get(tenths) or int(tenths)) / 10
    figure = _shown(value) + _SAME_UNIT.get(unit, unit)
    return "" if in_words and not match["share"] and figure in _IDLE else figure


def _in_digits(number: str) -> Decimal | None:
    digits = number.replace("，", "")
    return Decimal(digits) if len(digits.partition(".")[0]) <= _MOST_DIGITS else None


def _written(number: str, unit: str) -> Decimal | None:
    """A number in words; ``None`` where the words are none: 千万, 三五天."""
    if number[0] in "百千万":
        return None
    if not set(number) & {"万", *_PLACES}:
        value = Decimal("".join(str(_DIGITS[each]) for each in number))
        if len(number) == 2:
            # 九五折 is 9.5折; 两三天 is about so many.
            return value / 10 if unit == "折" else None
        return value
    total = section = last = 0
    for each in number:
        if each == "万":
            total, section, last = total + (section + last) * 10_000, 0, 0
        elif each in _DIGITS:
            last = _DIGITS[each]
        else:
            section, last = section + (last or 1) * _PLACES[each], 0
    return Decimal(total + section + last)


def _shown(value: Decimal) -> str:
    plain_text = format(value, "f")
    return plain_text.rstrip("0").rstrip(".") if "." in plain_text else plain_text


def follows_from(figure: str, known: Collection[str]) -> bool:
    """Whether a figure is the sum, difference, share or multiple of two that are known."""
    value, unit = _parted(figure)
    parts = [_parted(each) for each in known]
    same = [v for v, u in parts if u == unit]
    if any(value in (a + b, abs(a - b)) for a, b in combinations(same, 2)):
        return True
    for a in same:
        for b, other in parts:
            if other == "%" and unit != "%" and value in (_share(a, b), _share(a, 100 - b)):
                return True
            if other != unit and b and value in (_cent(_EXACT.multiply(a, b)), _cent(_EXACT.divide(a, b))):
                return True
    return False


def _share(whole: Decimal, percent: Decimal) -> Decimal:
    return _cent(_EXACT.divide(_EXACT.multiply(whole, percent), Decimal(100)))


def _cent(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), context=_EXACT)


def _parted(figure: str) -> tuple[Decimal, str]:
    match = _SHOWN.match(figure)
    assert match is not None
    return Decimal(match[1]), match[2]

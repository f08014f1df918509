"""The kinds of personal data, their placeholders, and a text as the finders read it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

__all__ = ["HIDDEN", "PLACEHOLDERS", "PersonalData", "Span", "blanked", "placeholders_hidden", "plain_text"]


class PersonalData(StrEnum):
    """What is replaced; the value stands in the square brackets, in CSConv's words where it has one."""

    PHONE = "手机号码"
    LANDLINE = "电话号码"
    IDENTITY = "身份证号"
    BANK_CARD = "银行卡号"
    EMAIL = "电子邮箱"
    NAME = "姓名"
    ADDRESS = "地址"
    PASSPORT = "护照号"
    PLATE = "车牌号"
    WECHAT = "微信号"
    QQ = "QQ号"
    ORDER = "订单号"
    POLICY = "保单号"
    ACCOUNT = "账号"
    BIRTH = "出生日期"
    CODE = "验证码"
    PASSWORD = "密码"
    URL = "网址"
    IP = "IP地址"
    NUMBER = "号码"
    """A long number of which nobody says what it is."""

    @property
    def placeholder(self) -> str:
        """What stands in a text instead of it."""
        return f"[{self.value}]"


_OTHERS = (
    *(
        "公司名称",
        "银行名称",
        "手机号",
        "电话",
        "身份证号码",
        "银行卡",
        "邮箱",
        "邮箱地址",
        "住址",
        "详细地址",
    ),
    *(
        "客户姓名",
        "编号",
        "证件号码",
        "日期",
        "时间",
        "金额",
        "城市",
        "工号",
        "保单号码",
        "订单编号",
        "账户",
        "卡号",
    ),
)
PLACEHOLDERS = frozenset({*map(str, PersonalData), *_OTHERS})
"""What stands in square brackets for something that has been taken out, by us or by whoever came before."""

HIDDEN = "\ue000"
"""Stands in a text as the finders read it for each character that is not to be looked at."""
_PLACEHOLDER = re.compile(
    "|".join(re.escape(f"[{each}]") for each in sorted(PLACEHOLDERS, key=len, reverse=True))
)


class Span(NamedTuple):
    """A stretch of a text that is personal data of a kind."""

    start: int
    end: int
    kind: PersonalData


class _Plain(dict[int, str]):
    """One character for one: full width and every script's digits as ASCII; fills itself."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if 0xFF01 <= code <= 0xFF5E:
            plain = chr(code - 0xFEE0)
        elif code == 0x3000:
            plain = " "
        elif code > 0x7F and (digit := unicodedata.digit(character, None)) is not None:
            plain = str(digit)
        else:
            plain = "?" if character == HIDDEN else character
        self[code] = plain
        return plain


_PLAIN = _Plain()


def plain_text(text: str) -> str:
    """The text with ASCII for full width and for digits of any script; of the same length."""
    return text if text.isascii() else text.translate(_PLAIN)


def blanked(text: str, spans: Sequence[Span]) -> str:
    """The text with stretches of it hidden, which are in order and do not overlap; in one go, however many."""
    out, at = [], 0
    for span in spans:
        out += [text[at : span.start], HIDDEN * (span.end - span.start)]
        at = span.end
    return "".join([*out, text[at:]]) if spans else text


def placeholders_hidden(text: str) -> str:
    """The text with its placeholders hidden, so that neither their words nor what is in them is looked at."""
    return _PLACEHOLDER.sub(lambda found: HIDDEN * len(found[0]), text) if "[" in text else text

"""What a number is, by the words around it, and what the other speaker has just asked for."""

from __future__ import annotations

import re

from csc_tasks.synthesis.own_calls.personal.kinds import PersonalData as Kind

__all__ = ["asked_for", "is_connected", "is_tail", "kind_before", "speaks_of_money"]

WINDOW = 24
"""Characters before a number that can say what it is."""

_WORDS: tuple[tuple[Kind | None, str], ...] = (
    (Kind.IDENTITY, "身份证|身份号|证件号?|社保号?"),
    (Kind.BANK_CARD, "银行卡|卡号|卡的?(?=尾号|尾数|[后末])|信用卡|储蓄卡|借记卡|这张卡|那张卡|卡片"),
    (Kind.LANDLINE, "座机|固话|固定电话|传真"),
    (Kind.PHONE, "手机|电话|联系方式|来电|号码|机主"),
    (Kind.POLICY, "保单|保险单"),
    (Kind.ORDER, "订单|单号|运单|快递单|物流单|流水号?|工单|合同号|取件码|票号"),
    (Kind.CODE, "验证码|校验码|动态码|动态密码|短信码"),
    (Kind.PASSWORD, "密码|口令|密保"),
    (
        Kind.ACCOUNT,
        "账号|帐号|账户号?|帐户号?|户号|会员号|会员卡|客户号|用户名|登录名|编号|学号|机号|设备号|序列号",
    ),
    (Kind.PASSPORT, "护照|通行证"),
    (Kind.PLATE, "车牌"),
    (Kind.WECHAT, "微信|(?i:wechat|vx)"),
    (Kind.QQ, "(?i:qq)|扣扣"),
    (Kind.BIRTH, "生日|出生|生于"),
    (None, "工号|坐席号"),
)
_CONTEXT = re.compile("|".join(f"(?P<k{i}>{words})" for i, (_, words) in enumerate(_WORDS)))
_MONEY = re.compile(
    r"(?:金额|余额|额度|欠款|保额|保费|价格|总价|本金|利息|费用|工资|收入|花|充|转|还|欠|扣|付|贷|借|收|退|赔|存|取|交|卖|买|省|亏|赚|涨|降|"
    r"缴|给|共|分别|大概|大约|一共|总共|多达|超过|不到|将近|差不多|人民币|RMB|[¥￥$])"
    r"[你您我他了过给是为:,\s的也就才有]{0,3}$"
)
_TAIL = re.compile(
    r"(?:尾号|尾数|(?:后|末|尾|最后|前|头|开头|中间)[一二三四五六七八两几\d]{1,2}(?:位|个数)|(?:后|前|下|末)[面边半]|开头|中间|末尾)"
    r"(?:数字|号码|数|号)?[是为:,\s呢啊的就那个呃嗯]{0,6}$"
)
_CONNECTED = re.compile(
    r"(?:号码?|码|编号|账户|帐户|口令|QQ|qq|扣扣|微信|(?:身份证|手机|电话|银行卡|信用卡|座机|护照|订单|保单)(?:号码?)?(?=[是为:]))"
    r"(?:我的|[是为:,\s呢啊叫的就那个报呃嗯]){0,6}$"
)
_ASKS = re.compile(
    r"报|提供|告诉|告知|说一?下|说说|念|输|多少|什么|核对|核实|核验|验证|确认|几位|吗|\?|哪|贵姓|称呼|麻烦|请|留|填|方便|记|发给|收到|查"
    r"|[后末尾前][一二三四五六七八两几\d]{1,2}位|尾号"
)
_ASKS_NAME = re.compile(
    r"贵姓|怎么称呼|如何称呼|称呼您|称呼你|姓名|名字|叫什么|尊姓|哪位"
    r"|(?:收件|收货|联系|持卡|负责|监护|投保|被保险?|受益|申请|经办|借款|开户)人|[车机户]主|户名"
)
_ASKS_ADDRESS = re.compile(r"地址|住址|住在?哪|住什么|寄到哪|送到哪|收货地|门牌")


def kind_before(text: str, at: int, window: int = WINDOW) -> tuple[bool, Kind | None]:
    """Whether one of the words before a place says what stands there, and what: ``None`` is a number that may stay."""
    found = None
    for found in _CONTEXT.finditer(text, max(0, at - window), at):  # noqa: B007  # the last one counts
        pass
    if found is None:
        return False, None
    assert found.lastgroup is not None
    return True, _WORDS[int(found.lastgroup[1:])][0]


def speaks_of_money(text: str, at: int) -> bool:
    """Whether what stands right before a place says that an amount follows."""
    return _MONEY.search(text[max(0, at - WINDOW) : at]) is not None


def is_tail(text: str, at: int) -> bool:
    """Whether what stands right before a place says that a part of a number follows: 尾号, 后四位, 前面是."""
    return _TAIL.search(text[max(0, at - WINDOW) : at]) is not None


def is_connected(text: str, at: int) -> bool:
    """Whether a word for a number stands right before a place, as in 卡号是."""
    return _CONNECTED.search(text[max(0, at - WINDOW) : at]) is not None


def asked_for(text: str) -> frozenset[Kind]:
    """What the other speaker is going to say after this: the kind of number of which it speaks last, name, address."""
    if _ASKS.search(text) is None:
        return frozenset()
    known, number = kind_before(text, len(text), len(text))
    asked = {number} if known else set()
    asked |= {Kind.NAME} if _ASKS_NAME.search(text) else set()
    asked |= {Kind.ADDRESS} if _ASKS_ADDRESS.search(text) else set()
    return frozenset(kind for kind in asked if kind is not None)

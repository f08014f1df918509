"""What is written rather than said: addresses of the net, names of accounts, plates, passports, codes of letters and
digits; and days of birth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from csc_tasks.synthesis.own_calls.personal.kinds import PersonalData as Kind
from csc_tasks.synthesis.own_calls.personal.kinds import Span, blanked

__all__ = ["KEPT", "as_typed", "find_written"]

_NOTHING: Mapping[str, Kind] = MappingProxyType({})
_SIGNS = {
    **dict.fromkeys(("下划线", "下滑线"), "_"),
    **dict.fromkeys(("中划线", "横线", "横杠", "减号", "杠"), "-"),
    **dict.fromkeys(("艾特", "爱特"), "@"),
    "点": ".",
}
_IS = r"(?:号码?|账号|帐号|码)?(?:我的|[是为叫:,\s呢啊就]){0,6}"
_DAY = (
    r"(?:(?:19|20|一九|二零|二〇)?[0-9零〇一二三四五六七八九]{2}\s?[-/.年]\s?[0-9一二三四五六七八九十]{1,3}\s?[-/.月]"
    r"\s?[0-9一二三四五六七八九十]{1,3}\s?[日号]?|(?:19|20)[0-9]{6}(?!\d)|[0-9一二三四五六七八九十]{1,3}月[0-9一二三四五六七八九十]{1,3}[日号]?"
    r"|(?:19|20|一九|二零|二〇)?[0-9零〇一二三四五六七八九]{2}年(?:\s?[0-9一二三四五六七八九十]{1,3}月)?)"
)
_MOON_DAY = (
    r"[0-9一二三四五六七八九十正冬腊]{1,2}月(?:初[一二三四五六七八九十]|[0-9一二三四五六七八九十廿]{1,3})"
    r"[日号]?"
)
_BORN = re.compile(
    r"(?:(?:19|20|一九|二零|二〇)?[0-9零〇一二三四五六七八九]{2}\s?年\s?(?:[农阴]历)?)?"
    rf"{_MOON_DAY}(?:[,\s]{{0,2}}(?:19|20|一九|二零|二〇)?[0-9零〇一二三四五六七八九]{{2}}年)?|{_DAY}"
)
"""A day, where a day of birth has been asked for."""
_ID = r"(?P<{}>(?=[A-Za-z0-9_-]{{0,30}}\d)[A-Za-z0-9][A-Za-z0-9_-]{{3,39}})(?![A-Za-z0-9_-])(?!\s?[年月元块])"

_AT = r"(?:@|艾特|爱特|小老鼠|圈\s?[aA]|(?<=[\s\u4e00-\u9fff])at(?=[\s\u4e00-\u9fff]))"
_SIGN = r"(?:下划线|下滑线|中划线|横线|横杠|减号|杠|点)"
_SPOKEN_NAME = rf"[A-Za-z0-9](?:\s{{0,2}}(?:[A-Za-z0-9._%+-]|{_SIGN})){{0,60}}"
_SPOKEN_HOST = (
    r"[A-Za-z0-9一二三六](?:\s?[A-Za-z0-9一二三六-]){0,40}"
    r"(?:\s?(?:\.|点|dot)\s?[A-Za-z0-9](?:\s?[A-Za-z0-9-]){1,12}){1,3}"
)
_SPELLED_OUT = re.compile(
    rf"(?<![A-Za-z0-9._%+-]){_SPOKEN_NAME}\s?{_AT}\s?"
    rf"(?:{_SPOKEN_HOST}|(?:qq|163|126|一六三|一二六|gmail|foxmail|sina|hotmail|outlook)(?:邮箱)?)",
    re.IGNORECASE,
)
"""An e-mail address: w a n g 下划线 8 8 艾特 1 6 3 点 com."""
_AN_AT = re.compile(_AT, re.IGNORECASE)
_FINDERS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        Kind.IDENTITY,  # read out with its day of birth as a day
        re.compile(
            r"(?<!\d)\d{6}[,\s]{0,3}(?:19|20)\d{2}年\d{1,2}月\d{1,2}[日号]?[,\s]{0,3}\d{3}[\dXx](?!\d)"
        ),
    ),
    (Kind.NUMBER, re.compile(r"(?<![0-9A-Za-z:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Za-z:-])")),
    (Kind.ADDRESS, re.compile(r"(?<![\d.])\d{1,3}\.\d{4,9}[,\s]{1,2}\d{1,3}\.\d{4,9}(?![\d.])")),
    (
        Kind.EMAIL,
        re.compile(
            r"(?<![A-Za-z0-9._%+-])(?:[A-Za-z0-9._%+-]{1,64}|[\u4e00-\u9fff]{1,3})\s?@\s?[A-Za-z0-9-]{1,63}(?:\s?\.\s?[A-Za-z0-9-]{1,24}){0,4}"
            r"|(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{2,64}\s?(?:艾特|圈[aA]|(?<=\s)at(?=\s))\s?[A-Za-z0-9-]{1,40}\s?(?:\.|点)\s?"
            r"(?:com|cn|net|org|edu)(?:\s?(?:\.|点)\s?cn)?",
            re.IGNORECASE,
        ),
    ),
    (Kind.IP, re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")),
    (
        Kind.WECHAT,
        re.compile(
            rf"(?:微信|薇信|威信|(?i:wechat|v信|vx|wx))\s?(?:(?i:wx|id|昵称|名)\s?){{0,2}}{_IS}(?:"
            rf"(?P<id1>[A-Za-z0-9](?:\s?[A-Za-z0-9]){{0,24}}\s?(?:_|{_SIGN})\s?[A-Za-z0-9](?:\s?[A-Za-z0-9_-]){{0,24}}"
            r"|[A-Za-z](?:\s[A-Za-z0-9]){4,24}(?![A-Za-z0-9]))|(?P<id2>[A-Za-z0-9][A-Za-z0-9_-]{4,31}))"
        ),
    ),
    (
        Kind.QQ,
        re.compile(
            rf"(?:(?i:qq)|扣扣){_IS}(?P<id1>[0-9零〇幺一二三四五六七八九](?:\s?[0-9零〇幺一二三四五六七八九]){{4,11}})"
        ),
    ),
    (
        Kind.PASSWORD,
        re.compile(
            r"(?:密码|口令)[^A-Za-z0-9]{0,12}[是为叫:]\s?(?P<id1>(?=[0-9]{0,20}[A-Za-z])(?=[A-Za-z]{0,20}[0-9])[A-Za-z0-9][\x21-\x7e]{3,39})"
        ),
    ),
    (Kind.PASSWORD, re.compile(rf"(?:密码|口令|密保答案){_IS}(?P<id1>[A-Za-z0-9][\x21-\x7e]{{3,39}})")),
    (
        Kind.PASSPORT,
        re.compile(
            rf"(?:护照|通行证){_IS}(?P<id1>[A-Za-z]{{1,2}}(?:\s?\d){{7,10}})"
            r"|(?<![A-Za-z0-9])(?P<id2>[EGDSPKegdspk][A-Za-z]?\d{7,8}|[HMhm]\d{8,10})(?![A-Za-z0-9])"
        ),
    ),
    (
        Kind.PLATE,
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领]\s?[A-HJ-NP-Za-hj-np-z]\s?[·•.\-]?\s?"
            r"(?=[A-Za-z]{0,5}[\s零〇幺一二三四五六七八九洞拐勾]{0,2}[0-9零〇幺一二三四五六七八九洞拐勾])"
            r"(?:[A-HJ-NP-Za-hj-np-z0-9零〇幺一二三四五六七八九洞拐勾]\s?){4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳零〇幺一二三四五六七八九洞拐勾]?(?![A-Za-z0-9])"
        ),
    ),
    (Kind.POLICY, re.compile(rf"(?:保单|保险单){_IS}" + _ID.format("id1"))),
    (
        Kind.ORDER,
        re.compile(rf"(?:订单|单号|运单|快递单|物流单|流水|工单|合同|取件码|票号){_IS}" + _ID.format("id1")),
    ),
    (
        Kind.ACCOUNT,
        re.compile(
            rf"(?:账号|帐号|账户|帐户|户号|会员号|客户号|用户名|登录名|序列号|设备号){_IS}"
            r"(?P<id1>[A-Za-z][A-Za-z0-9_-]{3,39})(?![A-Za-z0-9_-])"
        ),
    ),
    (
        Kind.ACCOUNT,
        re.compile(
            rf"(?:账号|帐号|账户|帐户|户号|会员号|客户号|编号|序列号|设备号){_IS}"
            r"(?P<id1>[A-Za-z](?:\s?[0-9A-Za-z零〇幺一二三四五六七八九洞拐勾]){4,30})(?![A-Za-z0-9])"
        ),
    ),
    (
        Kind.NUMBER,  # hidden in the middle: 139****5678
        re.compile(r"(?<![0-9*])[0-9]{2,6}\s?(?:[*＊×•]{2,14}|[xX]{3,14})\s?[0-9]{2,6}(?![0-9*])"),
    ),
    (
        Kind.CODE,
        re.compile(
            rf"(?:验证码|校验码|动态码|动态密码){_IS}(?P<id1>(?=[A-Za-z]{{0,7}}\d)[A-Za-z0-9]{{4,8}})(?![A-Za-z0-9元块次分秒年])"
        ),
    ),
    (
        Kind.BIRTH,
        re.compile(
            rf"(?:生日|出生日期|出生年月日?|出生|生于)(?:[农阴]历|[是为在于:,\s呢啊的日期年月都]){{0,6}}"
            rf"(?P<id1>{_DAY}|(?:[0-9零〇一二三四五六七八九]{{2,4}}年\s?(?:[农阴]历)?)?{_MOON_DAY})"
            rf"|(?:我|他|她|我是|他是|她是)(?P<id3>{_DAY})(?=的(?:$|[,.。!]))"
            rf"|(?P<id2>{_DAY})(?=\s?(?:份|的)?(?:出生|生的|生人|生日|生$|生[,。，]))"
        ),
    ),
    (
        Kind.ORDER,
        re.compile(
            r"(?<![A-Za-z0-9])(?:SF|JD|YT|ZTO|STO|YD|EMS|JT|DPK|TB|CNG)[A-Z]{0,3}\d{6,20}(?![A-Za-z0-9])",
            re.IGNORECASE,
        ),
    ),
    (
        Kind.NUMBER,  # a code of letters and digits that is too long for a model's name
        re.compile(
            r"(?<![A-Za-z0-9])(?=[A-Za-z-]{0,12}\d)(?=\d{0,12}[A-Za-z-]{0,12}[A-Za-z])[A-Za-z0-9-]{8,40}(?![A-Za-z0-9])"
        ),
    ),
)
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.)[\x21-\x7e]{1,2000}", re.IGNORECASE)
_HARMLESS = re.compile(r"(?:https?://)?[a-z0-9.-]{1,80}(?::\d{1,5})?(?:/[a-z_-]{0,20}){0,4}", re.IGNORECASE)
_LONG = re.compile(r"\d{7}")
_FIVE = re.compile(r"\d")
_ANY = re.compile("[A-Za-z0-9]|扣扣|(?<!先)生|年|月")
"""One of these stands in whatever is found here."""
KEPT = "\ue001"
"""Stands for what has been looked at and stays: the address of a public page."""


def as_typed(text: str) -> str:
    """What was spelled out as one types it: ``lily 杠 1990`` is ``lily-1990``."""
    for said, typed in _SIGNS.items():
        text = text.replace(said, typed)
    return "".join(text.split())


def find_written(
    text: str, born: bool = False, known: Mapping[str, Kind] = _NOTHING
) -> tuple[str, list[Span]]:
    """What is found, and the text with it hidden.

    Args:
        text: as the finders read it.
        born: whether somebody has just been asked for a day of birth: then any day is one.
        known: what has been found elsewhere in the call.
    """
    spans: list[Span] = []
    if _ANY.search(text) is None:
        return text, spans
    if "://" in text or "www." in text.lower():
        for found in list(_URL.finditer(text)):
            whole = found[0].rstrip(".,;:!?)]}>'\"")
            end = found.start() + len(whole)
            if _HARMLESS.fullmatch(whole) and not _LONG.search(whole):
                text = text[: found.start()] + KEPT * len(whole) + text[end:]
            else:
                text = _take(text, [Span(found.start(), end, Kind.URL)], spans)
    for written, kind in known.items():
        again = re.finditer(re.escape(written), text) if written in text else ()
        text = _take(text, [Span(*found.span(), kind) for found in again], spans)
    if _AN_AT.search(text):
        text = _take(text, list(_spans(_SPELLED_OUT, Kind.EMAIL, text)), spans)
    for kind, pattern in _FINDERS:
        text = _take(text, list(_spans(pattern, kind, text)), spans)
    if born:
        text = _take(text, [Span(*found.span(), Kind.BIRTH) for found in _BORN.finditer(text)], spans)
    return text, spans


def _take(text: str, found: Sequence[Span], spans: list[Span]) -> str:
    spans += found
    return blanked(text, found)


def _spans(pattern: re.Pattern[str], kind: Kind, text: str) -> Iterator[Span]:
    for found in pattern.finditer(text):
        if kind is Kind.NUMBER and ":" not in found[0] and len(_FIVE.findall(found[0])) < 5:
            continue
        named = next(
            (name for name in ("id1", "id2", "id3") if found.groupdict().get(name) is not None), None
        )
        start, end = found.span(named) if named else found.span()
        yield Span(start, end - (len(text[start:end]) - len(text[start:end].rstrip())), kind)

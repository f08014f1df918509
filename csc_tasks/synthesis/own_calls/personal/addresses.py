"""Where people live: a chain of province, city, district, road, number, building, room; at least two of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from csc_tasks.synthesis.own_calls.personal.kinds import PersonalData as Kind
from csc_tasks.synthesis.own_calls.personal.kinds import Span

__all__ = ["find_addresses"]

_BREAK = "的了是在我你他她您们到从去往寄送给把住址这那就也都不没吗呢吧啊呀哦嗯呃对和跟说叫请问"
"""Characters that no address's name has: they end it, or stand before it."""
_ADDRESS = rf"(?:(?![{_BREAK}])[\u4e00-\u9fff]|[0-9A-Za-z\-#,\s])"
_STRETCH = re.compile(rf"{_ADDRESS}+")
_NUMERAL = "0-9一二三四五六七八九十百零〇幺两甲乙丙丁"
_UNITS = re.compile(
    r"(?P<admin>(?<=[\u4e00-\u9fff])(?:自治区|自治州|特别行政区|(?<![节钱本外全])省(?![钱心事得电流力])"
    r"|(?<![超股上城门都夜楼])市(?![场民面区政价值])|(?<![专误景社小地市郊片校园战防灾库分时大山限考产灰])区(?![别分域块间号]))"
    r"|(?<=[\u4e00-\u9fff])(?:县|旗(?![舰下]))"
    r"|北京|上海|天津|重庆|广州|深圳|杭州|南京|成都|武汉|西安|苏州|浙江|江苏|广东|山东|河南|河北|湖南|湖北|四川|福建|安徽|江西|云南|贵州|陕西|山西|辽宁|吉林|黑龙江|甘肃|青海|海南|广西|内蒙古|宁夏|新疆|西藏)"
    r"|(?P<street>(?<=[\u4e00-\u9fff])(?:街道|大街|大道|胡同|(?<!上)街|(?<![线电网铁公一半思走马上套出])路(?![上线由费程边过])|(?<![小])巷|弄(?=\d)|镇(?![定静])|(?<![老家城下])乡(?!下)|村))"
    r"|(?P<estate>(?<=[\u4e00-\u9fff])(?:小区|花园|公寓|大厦|广场|新村|家园|花苑|嘉园|社区|新城|名苑|山庄|别墅|府邸|写字楼|科技园|工业园|宿舍|苑(?=[0-9一二三四五六七八九十]|$|[\s,])))"
    rf"|(?P<number>(?<![{_NUMERAL}])[{_NUMERAL}]{{1,6}}(?:-\d{{1,5}})?\s?号(?!码|线|客服|为您|坐席|就|到|之前|前|开始|早|晚|下午|上午)(?:楼|院)?)"
    rf"|(?P<room>(?:(?<![{_NUMERAL}])[{_NUMERAL}]{{1,5}}|[A-Za-z]\d{{0,3}})\s?(?:号楼|栋|幢|座(?!机)|单[元圆园员]|弄|室|房(?![贷子产东])|楼|层|期|区|排|组(?!合))(?:[,\s]{{0,2}}(?:[A-Za-z]?\d{{3,4}}|[零〇幺一二三四五六七八九]{{3,4}})(?![0-9零〇幺一二三四五六七八九十百千元块万年]))?)"
    r"|(?P<rooms>(?<![0-9-])\d{1,3}-\d{1,3}-\d{2,4}(?![0-9-]))"
)
_HOME = re.compile("单[元圆园员]|室|栋|幢|号楼|弄|房")
_HERE = re.compile(r"(?:住址|地址|家住|住在|寄到|送到)[是为在:,\s]{0,3}$")
_NEAR = 14
"""Characters that may stand between two parts of one address."""
_NAME = 8
"""Characters of the name before an address's first unit: 新疆维吾尔自治区."""


def find_addresses(text: str, asked: bool) -> Iterator[Span]:
    """The addresses in a text.

    Args:
        text: as the finders read it.
        asked: whether the other speaker has just asked for the address: then one part is enough.
    """
    if _UNITS.search(text) is None:
        return
    question = asked
    for stretch in _STRETCH.finditer(text):
        asked = question or _HERE.search(text[max(0, stretch.start() - 8) : stretch.start()]) is not None
        parts: list[re.Match[str]] = []
        for unit in _UNITS.finditer(text, stretch.start(), stretch.end()):
            if parts and unit.start() - parts[-1].end() > _NEAR:
                yield from _address(text, stretch.start(), parts, asked)
                parts = []
            parts.append(unit)
        yield from _address(text, stretch.start(), parts, asked)


def _address(text: str, start: int, parts: list[re.Match[str]], asked: bool) -> Iterator[Span]:
    levels = {part.lastgroup for part in parts}
    fine = levels & {"number", "room", "rooms"}
    coarse = levels & {"admin", "street", "estate"}
    admins = sum(part.lastgroup == "admin" for part in parts)
    home = any(_HOME.search(part[0]) for part in parts)
    rooms = home and len(parts) >= 2
    if not ((coarse and fine) or rooms or len(coarse) >= 2 or admins >= 2 or (asked and (coarse or home))):
        return
    first = parts[0]
    if coarse and first.lastgroup in ("number", "room", "rooms"):
        begin = first.start()
    else:
        begin = max(start, first.start() - _NAME)
        name = re.split(r"[,\s0-9]", text[begin : first.start()])[-1]
        begin = first.start() - len(name)
    end = parts[-1].end()
    if fine and (
        room := re.compile(
            r"[,\s]{0,2}(?:[A-Za-z]?\d{3,4}|[零〇幺一二三四五六七八九]{3,4})(?:室|房|号)?(?![0-9零〇幺一二三四五六七八九十百千元块万年])"
        ).match(text, end)
    ):
        end = room.end()
    yield Span(begin, end, Kind.ADDRESS)

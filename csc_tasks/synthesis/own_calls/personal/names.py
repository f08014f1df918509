"""People's names in Chinese: before a title, after 我叫 or 姓名, as an answer, and wherever they come again.

A name that nothing points to cannot be told from other words without a model, and is not found.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Set
from importlib import resources

from csc_tasks.synthesis.own_calls.personal.kinds import HIDDEN, Span
from csc_tasks.synthesis.own_calls.personal.kinds import PersonalData as Kind

__all__ = ["as_it_is_said", "find_names", "names_pattern"]


def _words() -> Mapping[str, tuple[str, ...]]:
    text = (resources.files("csc_tasks.synthesis") / "data" / "names.toml").read_text(encoding="utf-8")
    return {name: tuple(words.split()) for name, words in tomllib.loads(text).items()}


_WORDS = _words()
_ANY = "".join(_WORDS["surnames"])
_ODD = frozenset("".join(_WORDS["odd"]))
_COMMON = "".join(each for each in _ANY if each not in _ODD)
_BOTH = "".join(_WORDS["both"])
_FREQUENT = "".join(_WORDS["frequent"])
_COMPOUND = "|".join(_WORDS["compound"])
_TITLES = "|".join(sorted(_WORDS["titles"], key=len, reverse=True))
_LABELS = "|".join(_WORDS["labels"])
_NOT = frozenset(_WORDS["words"])
_OFFICES = frozenset(_WORDS["offices"])
_NO_GIVEN = "的了是在我你他她它您们吗呢吧啊呀哦嗯呃喂什怎哪谁这那就也都不没"
_NO_SECOND = (
    _NO_GIVEN
    + "和有很到说要去会着看与及为被把让给向对从个么还但而或因所以可能过来再想问"
    + "接查办用打电话号码手机银卡钱住今现先女刚身证联收"
)
_G1 = rf"(?:(?![{_NO_GIVEN}]|先生|女士|小姐|太太|老师|经理|师傅|医生|主任)[\u4e00-\u9fff])"
_G2 = rf"(?:(?![{_NO_SECOND}]|老师|经理|师傅|医生|主任)[\u4e00-\u9fff])"
_FULL = rf"(?:(?:{_COMPOUND}){_G1}{_G2}?|[{_ANY}]{_G1}{_G2}?)"
_SURE = rf"(?:(?:{_COMPOUND}){_G1}{_G2}?|[{_COMMON}]{_G1}{_G2}?)"
_LATIN = r"[A-Z][A-Za-z'-]{1,20}(?:\s[A-Z][A-Za-z'-]{0,20}){1,3}"
_END = r"(?=$|[^\u4e00-\u9fffA-Za-z0-9]|[啊呀呢吧吗嗯哦哈])"
_ENDING = rf"(?:[{_BOTH}]{_G1}{_G2}?{_END})"

_BRIEF = re.compile(
    rf"(?<!谢)(?P<name>[{_COMMON}金高白马任石])(?=(?:哥|姐|总|工|董|嫂|叔|姨|爷|婶)(?:$|[^\u4e00-\u9fff]|[您你好那吗啊呢在说来去给帮让跟上]))"
)
"""A surname before a title of one character, which must end there."""
_NICK = re.compile(
    rf"(?<![\u4e00-\u9fff])[小老](?P<name>[{_FREQUENT}])(?=$|[^\u4e00-\u9fff]|[您你在啊呢吗好说给帮今那])"
    rf"|(?:我是|客服|叫我|联系|让)(?:[小老](?P<other>[{_FREQUENT}])|(?P<third>阿(?![姨里联迪富拉]){_G1}))"
    rf"|(?:喊我|我叫|他叫|她叫|找)(?P<fourth>阿(?![姨里联迪富拉]){_G1})"
)
_SURNAME = re.compile(
    rf"(?:[我他她]|免贵|免貴|[客家单]?姓氏?是?)(?:姓)(?P<name>{_COMPOUND}|[{_ANY}])|(?<![\u4e00-\u9fff])姓(?P<other>{_COMPOUND}|[{_ANY}])(?![名氏])"
)
_WITH_GIVEN = re.compile(rf"[{_ANY}][\u4e00-\u9fff]{{2}}")
_SPELLED = re.compile("|".join(_WORDS["spelled"]))
_SPELLING = re.compile(
    r"(?<![\u4e00-\u9fff])(?P<word>[\u4e00-\u9fff]{0,2}(?P<one>[\u4e00-\u9fff])[\u4e00-\u9fff]{0,2}的(?P=one))(?![\u4e00-\u9fff])"
)
_LABELLED = re.compile(
    rf"(?:{_LABELS})(?:呢|啊|就)?(?:(?P<sure>[是为叫:\s]{{1,4}}(?:我)?(?:叫)?)|[,]?)"
    rf"(?P<name>(?(sure)(?:{_FULL}|{_LATIN}|[A-Z][a-z]{{1,20}}|{_G1}{{2,4}}{_END})|(?:{_SURE}|{_ENDING})))"
)
_SAID = re.compile(
    rf"(?:我叫|叫做|名叫|我名字叫|我的名字叫|我全名叫|我本名|(?i:my name is|i am|i'm)\s)"
    rf"[是:\s,呃嗯]{{0,3}}(?:[{_ANY}][….,、\s呃嗯啊]{{1,4}})?(?P<name>{_FULL}|{_LATIN})"
)
_WEAK = re.compile(
    rf"(?:我是|我就是|我这边是|这里是|这边是|本人|叫|就是|是|找|给|替|帮|跟|同事|我[爱老][人公婆]|我(?:爸|妈|儿子|女儿|弟弟?|妹妹?|哥哥?|姐姐?)(?:爸|妈)?)(?P<name>{_SURE}|{_ENDING}){_END}"
)
_CUED = re.compile(
    rf"(?:我是|找一?下?|请|让|叫|帮|联系|老公|老婆|爱人|妻子|丈夫|父亲|母亲|[爸妈]|儿子|女儿|同事|朋友|公司的|[你我]们的|@)(?P<name>{_SURE})"
    r"(?=的|接|给|打|来|在|说|这|那|电话|手机|$|[^\u4e00-\u9fffA-Za-z0-9])"
    rf"|(?<![\u4e00-\u9fff])我[,\s]{{1,2}}(?P<other>{_SURE}){_END}"
)
_ALONE = re.compile(
    r"(?:单名(?:一个|就?一个字|叫|是|一字)?|名字(?:就?是?一个)?单字)[,\s]?(?P<name>[\u4e00-\u9fff])(?=字|$|[^\u4e00-\u9fff]|[啊呀呢吧])"
)
"""A given name of one character: 单名一个冲字."""
_SERVES = re.compile(
    rf"(?:客服|坐席|专员|顾问|工号\s?[0-9{HIDDEN}]{{1,12}}[,\s号的]{{0,3}}|我是[\u4e00-\u9fff]{{2,8}}?(?:公司|银行|的))"
    rf"(?P<name>{_SURE})(?=很?高兴|竭诚|为您|为你|工号|$|[^\u4e00-\u9fffA-Za-z0-9])"
)
"""Staff that say who they are."""
_KIN = re.compile(
    rf"(?:老公|老婆|爱人|妻子|丈夫|父亲|母亲|我[爸妈]|他[爸妈]|儿子|女儿)(?P<name>{_SURE})(?=[问想要办查有没用买退缴交去已也都被把不今昨])"
)
_LISTED = re.compile(
    rf"{HIDDEN}(?:、|和|跟|与|及|还有|,还有)(?P<name>{_SURE})(?=[和跟与及、都也的还两三他她这]|{_END})"
)
"""One more beside a name that has been found: 李娜、王强和周建."""
_WRITTEN_IN_LETTERS = re.compile(rf"(?P<name>{_SURE})(?=的?名?字?的?(?:全拼|拼音))")
_BESIDE = re.compile(
    rf"(?<![\u4e00-\u9fff])(?P<name>{_SURE}|{_ENDING})(?=[,.、\s]{{0,3}}(?:手机号?码?|电话|身份证号?码?)?[是:\s]?{HIDDEN})"
)
"""A name that stands before a number."""
_FOREIGN = re.compile(r"[\u4e00-\u9fff]{1,8}(?:[·•・‧][\u4e00-\u9fff]{1,8}){1,3}")
_MISTER = re.compile(r"(?:Mrs?|Ms|Miss|Dr)\.?\s(?P<name>[A-Z][A-Za-z'-]{1,20}(?:\s[A-Z][A-Za-z'-]{1,20})?)")
_ANSWER = re.compile(
    rf"^(?:[,.。、!\s]|我|免贵|嗯|呃|啊|哦|喔|对|那个|姓|叫|名字|是|就|本人|您好|你好|您|喂){{0,12}}(?P<name>{_FULL}|{_LATIN}|[{_ANY}])"
    r"(?=$|[^\u4e00-\u9fffA-Za-z0-9]|[啊呀呢吧嗯哦哈]$)"
)


def names_pattern(names: Set[str]) -> re.Pattern[str] | None:
    """What finds full names that are known again, and given ones where one is spoken to; ``None`` for none."""
    known = sorted((name for name in names if len(name) >= 2), key=lambda name: (-len(name), name))[:64]
    if not known:
        return None
    given = "|".join(name[1:] for name in known if _WITH_GIVEN.fullmatch(name) and name[1:] not in _NOT)
    alone = rf"|(?<![^\W是叫找给跟让请和问])(?:{given})(?={_TITLES}|[您你]好|[^\w]|$)" if given else ""
    return re.compile("|".join(map(re.escape, known)) + alone)


def as_it_is_said(text: str, span: Span) -> str:
    """A name as it may come again, with what stands before a surname alone: 小李, 老张."""
    short = span.end - span.start == 1 and text[span.start - 1 : span.start] in ("小", "老")
    return text[span.start - short : span.end]


def find_names(text: str, asked: bool, known: re.Pattern[str] | None) -> Iterator[Span]:
    """The names in a text; some may overlap.

    Args:
        text: as the finders read it.
        asked: whether the other speaker has just asked for the name.
        known: what finds the names that were said elsewhere in the call.
    """
    if known is not None:
        yield from (Span(*found.span(), Kind.NAME) for found in known.finditer(text))
    for pattern in (_LABELLED, _SAID, _MISTER):
        yield from _named(pattern, text)
    yield from (Span(*found.span(), Kind.NAME) for found in _FOREIGN.finditer(text))
    yield from (Span(*found.span(), Kind.NAME) for found in _SPELLED.finditer(text))
    yield from _titled(text)
    for pattern in (_BRIEF, _CUED, _BESIDE, _NICK, _SURNAME, _WEAK, *_MORE):
        yield from _named(pattern, text)
    if asked or "姓" in text or "名字" in text or "叫" in text:
        yield from (Span(*found.span("word"), Kind.NAME) for found in _SPELLING.finditer(text))
    if asked:
        yield from _named(_ANSWER, text)


def _named(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for found in pattern.finditer(text):
        group = found.lastgroup or "name"
        if found[group] not in _NOT and found[group][:2] not in _NOT:
            yield Span(*found.span(group), Kind.NAME)


_RELATED = re.compile(
    rf"(?<![\u4e00-\u9fff])(?P<name>{_SURE})(?=就?是我的?(?:同事|朋友|老公|老婆|爱人|妻子|丈夫|父亲|母亲|[爸妈]|儿子|女儿|本人))"
)
_STRONGLY_SAID = re.compile(rf"(?:我叫做|名字叫做?|本名叫?|名叫)(?P<name>{_G1}{{2,5}}){_END}")
_IN_LATIN = re.compile(
    r"(?:护照|拼音|英文名字?|签证)[^A-Za-z0-9]{0,6}(?P<name>[A-Z][A-Za-z]{1,20}(?:\s[A-Z][A-Za-z]{1,20}){0,2})"
)
_MORE = (_RELATED, _STRONGLY_SAID, _IN_LATIN, _ALONE, _SERVES, _KIN, _LISTED, _WRITTEN_IN_LETTERS)


def _titled(text: str) -> Iterator[Span]:
    """Names before a title: the longest that begins with a surname, unless a surname stands behind another word."""
    end = 0
    for found in _TITLE.finditer(text):
        start = _start_of_name(text, end, found.start())
        if start is not None:
            yield Span(start, found.start(), Kind.NAME)
        end = found.end()


_TITLE = re.compile(_TITLES)
_TITLED_NAME = re.compile(rf"(?:{_COMPOUND})(?:{_G1}{{1,2}})?|[{_ANY}](?:{_G1}{{1,2}})?")


def _start_of_name(text: str, after: int, at: int) -> int | None:
    for length in (4, 3, 2, 1):
        start = at - length
        name = text[start:at] if start >= after else ""
        if (
            not name
            or _TITLED_NAME.fullmatch(name) is None
            or (length == 4 and not re.match(_COMPOUND, name))
        ):
            continue
        if name in _NOT or name in _OFFICES or text[max(after, at - 2) : at] in _OFFICES or name[:2] in _NOT:
            continue
        if name == "祝" or name == "谢" == text[start - 1 : start]:
            continue
        if length in (2, 3) and name[0] in _ODD and name[1] in _COMMON and text[start + 1 : at] not in _NOT:
            continue  # 向王先生: the first is a word
        if length == 1 and name in _ODD:
            before = text[max(0, start - 1) : start]
            if re.match(r"[\u4e00-\u9fff]", before) and before not in "是的找给跟叫请问您好了位":
                continue
        return start
    return None

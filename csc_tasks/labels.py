"""Reading a label: which spellings name one of the twelve strategies. docs/protocol.md has the rule in words.

A label is read if it names exactly one strategy and nothing else stands in it. Names are the official ones
(Chinese, English, abbreviation, number) in any of their surface variants; a synonym is not a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import permutations

from csc_tasks.framework import Strategy

__all__ = ["HAN_OF_LABELS", "has_name", "names_in", "plain", "read_plain", "read_strategy"]

LONGEST = 60
"""Characters of a label; what is longer is a sentence."""

_TRADITIONAL = dict(
    zip(
        "禮問確認轉細題議傳達決實請饋關係繫續謝與別號種階",
        "礼问确认转细题议传达决实请馈关系系续谢与别号种阶",
        strict=True,
    )
)
# One character for one, so that a position in the plain text is a position in the text itself.
_PLAIN = {
    **{ord(traditional): simplified for traditional, simplified in _TRADITIONAL.items()},
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    0x3000: " ",
    0xA0: " ",
}


def plain(text: str) -> str:
    """The text with half-width ASCII and the names' characters in simplified form; of the same length."""
    return text.translate(_PLAIN)


_JOINER = r"(?:[与和及或、,/&+·_\-\s]|and|or){0,4}?"


def _variants(strategy: Strategy) -> Iterator[str]:
    """Patterns of a strategy's Chinese and English name: its words in any order, whatever joins them."""
    if strategy is Strategy.OTHERS:
        yield from ("其[它他]", "others?")
        return
    halves = ["重述", "转述", "restatements?", "paraphrasing"] if strategy is Strategy.RESTATEMENT else []
    zh = re.findall("..", re.sub("[与或]", "", strategy.zh))
    en = [f"{word}s?" for word in re.split(r" or | and | ", strategy.en.removesuffix("s").lower())]
    for words in (zh, en):
        yield from (_JOINER.join(order) for order in permutations(words))
    yield from halves  # this name alone says "or": either word is the strategy


_NAMES = {s: "|".join(_variants(s)) for s in Strategy}
_NAME = "|".join(f"(?P<n{s.number}>{pattern})" for s, pattern in _NAMES.items())
_ABBREVIATION = "|".join(s.abbreviation for s in Strategy)
_DIGITS = {**{str(n): n for n in range(1, 13)}, **{f"0{n}": n for n in range(1, 10)}}
_NUMERALS = {
    **{c: n for n, c in enumerate("一二三四五六七八九十", 1)},
    **{"十一": 11, "十二": 12},
    **{chr(0x2460 + n): n + 1 for n in range(12)},  # ① to ⑫
}
_NUMBER = r"(?<![0-9])(?:1[0-2]|0?[1-9])(?![0-9])|十[一二]|[一二三四五六七八九十]|[\u2460-\u246b]"
_BY_ABBREVIATION = {s.abbreviation: s for s in Strategy}

# What may stand in a label beside names: "客服策略", "第6号", a remark in brackets, punctuation.
_FILLING = r"(?:客服)?策略(?:名称|编号)?|strategy(?:\s?name)?|第|[号种]|[\s:.,;、，。：；/\-—–|*_#`'\"“”‘’+&]"
_REMARK = r"\((?P<remark>[^()\n]{0,40})\)"
_TOKEN = re.compile(
    rf"{_REMARK}|(?P<name>{_NAME})|(?P<number>{_NUMBER})"
    rf"|(?P<abbreviation>(?<![a-z])(?a:{_ABBREVIATION})(?![a-z]))"  # (?a: for İ and ı are no I
    rf"|(?P<filling>{_FILLING})",
    re.IGNORECASE,
)
HAN_OF_LABELS = frozenset(c for c in _TOKEN.pattern if "\u4e00" <= c <= "\u9fff")
"""The Chinese characters that any label consists of: a text that begins with another begins with no label."""
_ENCLOSING = "[]【】<>「」『』〔〕《》〈〉"
_SPACED = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_IN_PROSE = re.compile(rf"(?P<name>{_NAME})|(?:策略|strategy)\s?(?P<number>{_NUMBER})", re.IGNORECASE)
_ABBREVIATION_IN_PROSE = re.compile(rf"(?<![A-Za-z])(?:{_ABBREVIATION})(?![A-Za-z])")


def _number(text: str) -> Strategy:
    return Strategy.from_index((_DIGITS.get(text) or _NUMERALS[text]) - 1)


def _named(match: re.Match[str]) -> Strategy:
    """The strategy whose name a match of :data:`_NAME` is."""
    return next(s for s in Strategy if match[f"n{s.number}"] is not None)


def read_strategy(label: object) -> Strategy | None:
    """Turn a published or model-written label into a :class:`Strategy`, or ``None`` if it names none.

    Read are the official names (``提供建议``, ``Providing Suggestions``, ``PS``, ``6``), alone or together
    (``策略6 提供建议``, ``提供建议（PS）``), and their surface variants: traditional characters, another or no
    word between two words of a name (与, 和, 及, 或, 、), the words of a name in another order, 策略 behind it,
    Chinese numerals, a remark in brackets. Not read are synonyms, two different strategies, a number and a
    name that contradict each other, and whatever has other words in it. Option letters are not read
    here: ``A`` means something only in a prompt that lists options.
    """
    if isinstance(label, bool) or not isinstance(label, (str, int)):
        return None
    if isinstance(label, int):
        return Strategy.from_index(label - 1) if 1 <= label <= len(Strategy) else None
    return _read(label) if len(label) <= 2 * LONGEST else read_plain(plain(label))


@lru_cache(maxsize=2**12)
def _read(label: str) -> Strategy | None:
    """The same of a short text: a run has few labels, and each thousands of times."""
    return read_plain(plain(label))


def read_plain(shown: str) -> Strategy | None:
    """The same of what :func:`plain` made of a text, which is not kept."""
    text = shown.strip().strip(_ENCLOSING).strip()
    if not text or len(text) > LONGEST:
        return None
    text = _SPACED.sub("", text)
    if text[0] == "(" and text[-1] == ")":  # the whole label in brackets, not a remark behind one
        text = text[1:-1]
    named: set[Strategy] = set()
    remarks: set[Strategy] = set()
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        at = match.end()
        if match["name"]:
            named.add(_named(match))
        elif match["number"]:
            named.add(_number(match["number"]))
        elif match["abbreviation"]:
            named.add(_BY_ABBREVIATION[match["abbreviation"].upper()])
        elif match["remark"]:
            remarks |= names_in(match["remark"])
    # A remark may say anything (the prompt itself writes the stage there) but name another strategy.
    return named.pop() if len(named) == 1 and remarks <= named else None


def names_in(text: str) -> set[Strategy]:
    """The strategies that are named anywhere in prose; abbreviations count only where no name stands.

    ``ID`` is a word of its own in a sentence, and a bare number is one always.
    """
    shown = plain(text)
    found = {_number(m["number"]) if m["number"] else _named(m) for m in _IN_PROSE.finditer(shown)}
    return found or {_BY_ABBREVIATION[m[0]] for m in _ABBREVIATION_IN_PROSE.finditer(shown)}


def has_name(text: str) -> bool:
    """Whether a Chinese or English name, or 策略 with a number, stands anywhere in a text."""
    return _IN_PROSE.search(plain(text)) is not None

"""Numbers as they are said: in pieces, with hesitation between the digits, in Chinese numerals; and what they are.

A long run of digits is personal data unless it is plainly an amount, a date or a count. A short one is where a word or
the question before it says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import NamedTuple

from csc_tasks.synthesis.own_calls.personal.asked import is_connected, is_tail, kind_before, speaks_of_money
from csc_tasks.synthesis.own_calls.personal.checksums import (
    is_date,
    is_identity_card,
    is_landline,
    is_mobile,
    passes_luhn,
)
from csc_tasks.synthesis.own_calls.personal.kinds import HIDDEN, Span
from csc_tasks.synthesis.own_calls.personal.kinds import PersonalData as Kind

__all__ = ["LONG", "SaidBefore", "begins_of", "find_numbers", "kind_of_number", "pieces_of"]

LONG = 7
"""Digits from which on a number is replaced unless it is plainly something else."""
PIECE = 4
"""Digits from which on a number is replaced where a word or a question says what it is."""
MOST = 22
"""Digits of the longest number that is looked for across commas."""

_NUMERALS = str.maketrans("零〇○一二三四五六七八九幺壹贰貳叁參肆伍陆陸柒捌玖", "0001234567891122334566789")
_RADIO = re.compile(r"[0-9洞拐勾]*(?:[0-9][洞拐勾]|[洞拐勾]{2}|[洞拐勾][0-9])[0-9洞拐勾]+")
"""Digits as they are read out over the radio: 幺三六洞洞拐拐; three of them at least."""
_RADIO_SIGNS = frozenset("洞拐勾")
_RADIO_DIGITS = str.maketrans("洞拐勾", "079")
_TIGHT = frozenset(
    " \t\r\n\u00a0-‐‑‒–—―−~_·•/呃嗯啊哦额唔欸诶哎噢喔呀\u200b\u200c\u200d\u2060\ufeff\ufe0f\u20e3\u00ad"
)
_LOOSE = _TIGHT | frozenset(",.、。;:()+*…\"'“”！!然后就是那个这再接着面对下中间最开头尾杠横减空格呢吧一串")
_WHOLE = 11
"""Digits of one piece that is a number of its own: two phone numbers may stand side by side."""
_GAP = 6
"""Characters that may stand between two pieces of one number."""
_DIGITS = re.compile(r"[0-9]+")
_DOUBLE = re.compile("双([0-9])")
_TIMES = re.compile("(?<![0-9])[3-8]个([0-9])(?![0-9])")
"""四个六 is 6666; three of them stand for it, so that the text's length stays."""
_UNIT = re.compile(
    r"\s?(?:[元块毛角万千百亿%‰个次天日月年点时秒岁人件斤克吨折期笔条张倍兆度级层股手辆台份户分周页字届代班]|公里|公斤|小时|积分|里程|美元|英镑|镑|港[币元]|欧元|日元|多(?!少)|余|左右|以[上下内]|"
    r"人民币|号(?![码是为:])|[kKMGT]?[gGmMBb](?![A-Za-z])|[kK][gmMW]|ml|mm|cm)"
)
_SURVIVORS = re.compile(
    r"(?<!\d)(?<!\d[-/.])(?:19|20)\d{2}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}(?!\d)(?![-/.]\d)"  # a day
    r"|(?<!\d)(?:[12]?\d{1,3}年\s?)?\d{1,2}月\s?\d{1,2}[日号]"
    r"|(?<![\d:])(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?![\d:])"  # a time
    r"|(?<![\d.,])\d{1,9}\.\d{1,2}(?![\d.])"  # a decimal number
    r"|(?<![\d.,])\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,2})?(?![\d,]|\.\d)(?=\s?[元块美人]|[^,\d]|$)"  # 12,345,678
    r"|(?:[¥￥$]|RMB|人民币)\s?\d{1,10}(?!\d)"
)
_ENDS_IN_LETTER = re.compile(r"[0-9]\s?[xX×叉](?=[\s,.。!！呃嗯啊]{0,4}\Z)")
_AT_THE_END = re.compile(r"(?<![0-9])[0-9](?:[\s,呃嗯]{0,2}[0-9]){2,21}(?=[\s,.。…呃嗯啊]{0,4}\Z)")
_HELP = frozenset(("110", "119", "120", "122"))
_READ_OUT = re.compile("[零〇幺一二三四五六七八九洞拐勾]{3}")
"""Digit by digit, as no amount is said."""
_BEGINS_OR_ENDS = re.compile(r"\s?(?:开头|打头|结尾|收尾|的?尾号)")
_MADE_OF_DAYS = re.compile(r"(?:19|20)\d\d")


class DigitRun(NamedTuple):
    """A number as it stands in a text: ``digits`` without what stands between them; ``X`` may be the last."""

    start: int
    end: int
    digits: str
    pieces: int


class SaidBefore:
    """The numbers that were replaced in a call, so that a part of one that is said again is known."""

    def __init__(self) -> None:
        self._parts: dict[str, Kind] = {}
        self._ends: dict[str, Kind] = {}

    def add(self, digits: str, kind: Kind) -> None:
        """Keep a number."""
        for at in range(len(digits) - PIECE + 1):
            self._parts.setdefault(digits[at : at + PIECE], kind)
        if len(digits) >= _WHOLE:
            self._ends.update({digits[:3]: kind, digits[-3:]: kind})

    def end_of(self, digits: str) -> Kind | None:
        """The kind of the number that begins or ends with three digits."""
        return self._ends.get(digits)

    def kind_of(self, digits: str) -> Kind | None:
        """The kind of the number that digits are a part of, or say again; at least :data:`PIECE` of them."""
        if len(digits) < PIECE:
            return None
        kinds = [self._parts.get(digits[at : at + PIECE]) for at in range(len(digits) - PIECE + 1)]
        return None if None in kinds else kinds[0]


def _in_digits(text: str) -> str:
    """The text with Chinese numerals as digits, of the same length."""
    digits = text.translate(_NUMERALS)
    if not _RADIO_SIGNS.isdisjoint(digits):
        digits = _RADIO.sub(lambda found: found[0].translate(_RADIO_DIGITS), digits)
    if "双" in digits:
        digits = _DOUBLE.sub(lambda found: found[1] * 2, digits)
    return _TIMES.sub(lambda found: found[1] * 3, digits) if "个" in digits else digits


def _runs(digits: str) -> Iterator[list[DigitRun]]:
    """The numbers of a text (Chinese numerals as digits), those together that only commas and words of delay part."""
    group: list[DigitRun] = []
    for found in _DIGITS.finditer(digits):
        start, end = found.span()
        if group:
            gap = digits[group[-1].end : start]
            last = group[-1]
            if (
                gap == "个" and len(last.digits) > 2 and last.digits[-1] in "2345678"
            ):  # 138三个0: three noughts
                told = last.digits[:-1] + found[0][0] * int(last.digits[-1]) + found[0][1:]
                group[-1] = DigitRun(last.start, end, told, last.pieces)
                continue
            whole = len(found[0]) >= _WHOLE or is_mobile(last.digits)
            if len(gap) <= _GAP and _TIGHT.issuperset(gap) and not whole:
                group[-1] = DigitRun(last.start, end, last.digits + found[0], last.pieces + 1)
                continue
            if not (len(gap) <= _GAP and _LOOSE.issuperset(gap)):
                yield group
                group = []
        group.append(DigitRun(start, end, found[0], 1))
    if group:
        yield group


def _with_letter(text: str, run: DigitRun) -> DigitRun:
    """The number with the X that an identity card's may end in."""
    if len(run.digits) == 17 and (found := re.compile(r"\s?[xX×叉](?![A-Za-z])").match(text, run.end)):
        return DigitRun(run.start, found.end(), run.digits + "X", run.pieces)
    return run


def _shape(run: DigitRun, text: str) -> Kind | None:
    """What a number is by its form alone."""
    digits = run.digits
    before = text[max(0, run.start - 2) : run.start]
    if is_mobile(digits):
        return Kind.PHONE
    if is_identity_card(digits):
        return Kind.IDENTITY
    if digits[-1] == "X":
        return Kind.IDENTITY if len(digits) == 18 else None
    if "+" in before or digits.startswith("00"):
        return Kind.LANDLINE if is_landline(digits, international=True) else None
    if is_landline(digits):
        return Kind.LANDLINE
    if len(digits) >= 15 and digits[0] in "34569" and passes_luhn(digits):
        return Kind.BANK_CARD
    return None


def _joined(group: list[DigitRun], text: str) -> Iterator[DigitRun]:
    """The numbers of a group: pieces with commas between them are one where together they have the form of one."""
    if len(group) > 1 and speaks_of_money(text, group[0].start):
        yield from group
        return
    total = sum(len(run.digits) for run in group)
    if (
        len(group) > 1
        and LONG <= total <= MOST
        and is_connected(text, group[0].start)
        and not any(_shape(run, text) or _UNIT.match(text, run.end) for run in group)
    ):
        digits = "".join(run.digits for run in group)
        yield _with_letter(text, DigitRun(group[0].start, group[-1].end, digits, len(group)))
        return
    at = 0
    shaped = False
    while at < len(group):
        whole, taken = group[at], 1
        best = (_with_letter(text, whole), 1)
        known = _shape(best[0], text) is not None
        for following in group[at + 1 : at + 12]:
            taken += 1
            whole = DigitRun(
                whole.start, following.end, whole.digits + following.digits, whole.pieces + following.pieces
            )
            if len(whole.digits) > MOST or known:
                break
            lettered = _with_letter(text, whole)
            if _shape(lettered, text) is not None:
                best = (lettered, taken)
        shaped = shaped or _shape(best[0], text) is not None
        if at == 0 and not shaped and _read_out(group, text):
            first, last = group[0], group[-1]
            yield DigitRun(first.start, last.end, "".join(run.digits for run in group), len(group))
            return
        yield best[0]
        at += best[1]


def _read_out(group: list[DigitRun], text: str) -> bool:
    """Whether pieces with commas between them are one long number, as of a card, and no amounts."""
    total = sum(len(run.digits) for run in group)
    return (
        len(group) >= 3
        and 13 <= total <= MOST
        and all(3 <= len(run.digits) <= 5 for run in group)
        and not all(run.digits.endswith("0") or _MADE_OF_DAYS.fullmatch(run.digits) for run in group)
        and not _UNIT.match(text, group[-1].end)
    )


def _survives(run: DigitRun, text: str, shown: str) -> bool:
    """Whether a number without a form is plainly an amount, a date, years or a count."""
    digits = run.digits
    amount = speaks_of_money(shown, run.start)
    if _UNIT.match(shown, run.end) and len(digits) <= 10:
        return True
    if amount and len(digits) <= 9 and (run.pieces == 1 or digits.endswith("00")):
        return True
    if len(digits) % 8 == 0 and all(is_date(digits[i : i + 8], 2000) for i in range(0, len(digits), 8)):
        return True
    return (
        run.pieces > 1
        and len(digits) == 4 * run.pieces
        and all(_MADE_OF_DAYS.fullmatch(digits[i : i + 4]) for i in range(0, len(digits), 4))
    )


def pieces_of(text: str) -> str:
    """The digits of an utterance that is a piece of a number and nothing else; empty where it is none."""
    digits = _in_digits(text)
    found = "".join(_DIGITS.findall(digits))
    others = sum(1 for each in digits if not each.isdecimal() and each not in _LOOSE and each != HIDDEN)
    if lettered := _ENDS_IN_LETTER.search(digits):
        found += lettered[0][-1].upper()
        others -= 1
    counted = any(_UNIT.match(text, run.end()) for run in _DIGITS.finditer(digits))
    return found if len(found) >= 2 and others <= 2 and not counted else ""


def begins_of(text: str) -> str:
    """The digits at the end of an utterance in which a number is begun: 我的号码是幺三八; empty where none is."""
    digits = _in_digits(text)
    found = _AT_THE_END.search(digits)
    if found is None or not is_connected(text, found.start()):
        return ""
    said = "".join(_DIGITS.findall(found[0]))
    return said if 3 <= len(said) < _WHOLE else ""


def find_numbers(text: str, asked: Set[Kind], said: SaidBefore, piece: Kind | None) -> Iterator[Span]:
    """The numbers in a text that are personal data.

    Args:
        text: as the finders read it; what is hidden in it is not looked at.
        asked: what the other speaker has asked for.
        said: the numbers of the call so far; those found are added.
        piece: of what kind the utterance is a piece, if it is one of a number that is said over several.
    """
    digits = _in_digits(text)
    if _DIGITS.search(digits) is None:
        return
    numeric = next((kind for kind in asked if kind not in (Kind.NAME, Kind.ADDRESS)), None)
    digits = _SURVIVORS.sub(lambda found: HIDDEN * len(found[0]), digits)
    share = sum(map(str.isdecimal, digits)) / max(1, sum(1 for each in digits if each not in _TIGHT))
    for group in _runs(digits):
        for run in _joined(group, digits):
            kind = _kind(run, digits, text, numeric, said, piece, share)
            if kind is not None:
                if len(run.digits) >= LONG:
                    said.add(run.digits, kind)
                yield Span(run.start - (text[run.start - 1 : run.start] == "+"), run.end, kind)


def _kind(
    run: DigitRun,
    digits: str,
    text: str,
    asked: Kind | None,
    said: SaidBefore,
    piece: Kind | None,
    share: float,
) -> Kind | None:
    """What a number is; ``None`` where it stays."""
    count = len(run.digits)
    known, named = kind_before(text, run.start)
    shape = _shape(run, digits)
    if shape is not None and not (
        shape is Kind.LANDLINE and named in (Kind.ORDER, Kind.ACCOUNT, Kind.POLICY)
    ):
        return shape
    if known and named is None and count < LONG:
        return None
    if piece is not None:
        return piece
    if (count < LONG or named is None) and _survives(run, digits, text):
        return None
    if count >= LONG:
        if _survives(run, digits, text) and not is_connected(text, run.start):
            return None
        return named or asked or said.kind_of(run.digits) or _by_length(count)
    if count >= 3 and (is_tail(text, run.start) or _BEGINS_OR_ENDS.match(text, run.end)):
        return named or asked or said.kind_of(run.digits) or Kind.NUMBER
    ends = count == 3 and run.digits not in _HELP and _AT_THE_END.match(digits, run.start)
    if named is not None and (count >= PIECE or ends) and is_connected(text, run.start):
        return named
    if asked is not None and _answers(run, digits, share):
        return asked
    if count == 3 and _READ_OUT.fullmatch(text, run.start, run.end):
        return said.end_of(run.digits)
    return said.kind_of(run.digits)


def _answers(run: DigitRun, digits: str, share: float) -> bool:
    """Whether a short number is the answer to a question for one, and not one in a sentence of its own."""
    if len(run.digits) < PIECE:
        return len(run.digits) >= 2 and share >= 0.4
    begins = (
        run.start <= _GAP
        and _LOOSE.issuperset(digits[: run.start])
        and not digits[run.end : run.end + 1].isalnum()
    )
    return share >= 0.3 or begins or (_LOOSE.issuperset(digits[run.end : run.end + 8]))


def kind_of_number(digits: str) -> Kind:
    """What a number that is plainly personal is by its form and length alone."""
    return _shape(DigitRun(0, 0, digits, 1), "") or _by_length(len(digits))


def _by_length(count: int) -> Kind:
    return Kind.BANK_CARD if 16 <= count <= 19 else Kind.NUMBER

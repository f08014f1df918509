"""What an utterance does, read by words: asks, refuses, grants, comforts, is rude. Linear in the text.

The words stand in ``rules/``. What they find is simple and the same for every model; docs/roleplay.md says what escapes
them.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from importlib import resources
from itertools import combinations

__all__ = [
    "RULES",
    "affirms",
    "asks_identity",
    "comforts",
    "consents",
    "denied",
    "figures_in",
    "follows_from",
    "is_rude",
    "plain",
    "questions_in",
    "refuses",
    "rules_digest",
    "says_goodbye",
    "sends_elsewhere",
]

RULES = "rules-zh-1"
"""The version in use."""
_SENTENCE = re.compile(r"[^。！!？?；;\n…]{1,2000}[。！!？?；;\n…]{0,3}")
_CLAUSE = re.compile(r"[^，,、。！!？?；;：:\n…]{1,2000}")
_NEAR = 6
"""Characters before a word within which 不 or 没有 denies it."""
_SHORT = 7
"""Characters of a clause that asks for what the clause before it names."""
_NUMBER = r"\d{1,12}(?:[,，]\d{3}){0,4}(?:\.\d{1,6})?"
_WRITTEN = r"[零〇一二两三四五六七八九十百千]{1,12}"
_FIGURE = re.compile(
    rf"(?P<before>[¥￥])?(?P<number>{_NUMBER}|{_WRITTEN})\s?(?P<ten_thousand>万)?"
    r"(?P<unit>元|块|%|％|个工作日|工作日|天|个月|期|折|年|GB|G|倍)?"
)
"""With the units that a customer goes by; hours of service, minutes and steps are anybody's to name."""
_SAME_UNIT = {"块": "元", "％": "%", "个工作日": "工作日", "G": "GB"}
_DIGITS = {**{d: n for n, d in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}


@cache
def _words() -> Mapping[str, tuple[str, ...]]:
    content = tomllib.loads(_file().decode("utf-8"))
    return {name: tuple(words) for name, words in content.items() if isinstance(words, list)}


@cache
def _file() -> bytes:
    return (resources.files("csc_tasks.roleplay") / "rules" / f"{RULES}.toml").read_bytes()


@cache
def rules_digest() -> str:
    """SHA-256 (16 digits) of the words."""
    return hashlib.sha256(_file()).hexdigest()[:16]


_MARKS = str.maketrans(",?!;:()", "，？！；：（）")


@lru_cache(maxsize=16_384)
def plain(text: str) -> str:
    """A text as rules read it: full-width letters and digits as narrow ones, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split()).translate(_MARKS)


def questions_in(text: str) -> str:
    """What of a text asks for something, one piece after the other; courtesies (您看这样可以吗) ask for nothing."""
    return "。".join(piece for sentence in _SENTENCE.findall(plain(text)) for piece in _asking(sentence))


def _asking(sentence: str) -> Iterator[str]:
    words = _words()
    parts = sentence.split("，")
    asking = [*words["asks"], *(words["interrogatives"] if "？" in sentence else ())]
    for n, part in enumerate(parts):
        is_last = n == len(parts) - 1
        asks = any(word in part for word in asking) or (is_last and "？" in part)
        if not asks or any(word in part for word in words["courtesies"]):
            continue
        if any(word in part for word in words["requests"]):
            # 您的订单号，方便告诉我吗; 请提供姓名，手机号
            yield "，".join(parts[n - 1 if n and len(part) <= _SHORT else n :])
            return
        yield "，".join(parts[n - 1 : n + 1]) if n and len(part) <= _SHORT else part


def affirms(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands in a clause that does not deny it."""
    wanted = [plain(word) for word in words]
    said = plain(text)
    if not any(word in said for word in wanted):
        return False
    for clause in _CLAUSE.findall(said):
        for word in wanted:
            place = clause.find(word)
            if place >= 0 and not _denied_before(clause, place):
                return True
    # A word that goes over a comma (先查，再办) is in no clause.
    return any(word in said and "，" in word for word in wanted)


def _denied_before(clause: str, place: int) -> bool:
    """Whether what stands at a place of a clause is denied by what stands before it, as Chinese does it."""
    words = _words()
    before = clause[:place]
    if any(no in before for no in words["denies"]):
        return True
    near = before[-_NEAR:]
    for other in words["no_denial"]:
        near = near.replace(other, "　" * len(other))
    near = near[near.rfind("的") + 1 :]
    # The word itself may begin within one: 不(同意).
    return any(no in near for no in words["denies_near"])


def denied(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words is said and nowhere affirmed."""
    wanted = list(words)
    return any(plain(word) in plain(text) for word in wanted) and not affirms(text, wanted)


def _has(text: str, kind: str) -> bool:
    said = plain(text)
    return any(word in said for word in _words()[kind])


def refuses(text: str) -> bool:
    """Whether it refuses something."""
    return _has(text, "refuses")


def consents(text: str) -> bool:
    """Whether it consents to something."""
    return affirms(text, _words()["consents"])


def comforts(text: str) -> bool:
    """Whether it speaks to what the customer feels."""
    return affirms(text, _words()["comforts"])


def is_rude(text: str, more: Sequence[str] = ()) -> bool:
    """Whether it is rude to anybody, or to this customer (``more``)."""
    return _has(text, "rude") or any(plain(word) in plain(text) for word in more)


def asks_identity(text: str) -> bool:
    """Whether it asks who the customer is."""
    asked = questions_in(text)
    return any(word in asked for word in _words()["identity"])


def says_goodbye(text: str) -> bool:
    """Whether it takes leave."""
    return _has(text, "goodbyes")


def sends_elsewhere(text: str) -> bool:
    """Whether it says that somebody else is to be asked."""
    return _has(text, "elsewhere")


def figures_in(text: str) -> frozenset[str]:
    """The figures that a customer would go by, each with its unit: ``260元``, ``15%``, ``3天``.

    However they are written: 2.6万, 26,000元 and 两万六千块 are one figure.
    """
    found = set()
    for match in _FIGURE.finditer(plain(text)):
        money = match["before"] or match["ten_thousand"]
        unit = match["unit"] or ("元" if money else "")
        value = _value(match["number"])
        if not unit or value is None:
            continue
        found.add(_shown(value * (10_000 if match["ten_thousand"] else 1)) + _SAME_UNIT.get(unit, unit))
    return frozenset(found)


def _value(number: str) -> Decimal | None:
    """A number in digits or in words; ``None`` where the words are none."""
    if number[0].isdigit():
        return Decimal(number.replace(",", "").replace("，", ""))
    total = last = 0
    for character in number:
        if character in _DIGITS:
            last = _DIGITS[character]
        else:
            total += (last or 1) * _PLACES[character]
            last = 0
    return Decimal(total + last)


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
            if other == "%" and unit != "%" and value in (_cent(a * b / 100), _cent(a * (100 - b) / 100)):
                return True
            if other != unit and b and value in (_cent(a * b), _cent(a / b)):
                return True
    return False


def _cent(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def _parted(figure: str) -> tuple[Decimal, str]:
    match = _FIGURE_SHOWN.match(figure)
    assert match is not None
    return Decimal(match[1]), match[2]


_FIGURE_SHOWN = re.compile(r"(\d{1,24}(?:\.\d{1,12})?)(.{1,8})")

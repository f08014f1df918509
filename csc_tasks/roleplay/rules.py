"""What an utterance does, read by words: asks, refuses, grants, comforts, is rude. Linear in the text.

The words stand in ``rules/``. What they find is simple and the same for every model; docs/roleplay.md says what escapes
them.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, wraps
from importlib import resources
from typing import TypeVar

__all__ = [
    "RULES",
    "affirms",
    "asks_identity",
    "comforts",
    "consents",
    "denied",
    "figures_in",
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
_MARKS = str.maketrans(",?!;:()%", "，？！；：（）%")
_SHORT, _KEPT = 200, 2**13
"""Characters of a text whose reading is kept, and how many are."""
Read = TypeVar("Read")
_SENTENCE = re.compile(r"[^。！!？?；;\n…]{1,2000}[。！!？?；;\n…]{0,3}")
_CLAUSE = re.compile(r"[^，,、。！!？?；;：:\n…]{1,2000}")
_NUMBER = r"\d{1,12}(?:[,，]\d{3}){0,4}(?:\.\d{1,6})?"
_FIGURE = re.compile(
    rf"(?P<before>[¥￥])?(?P<number>{_NUMBER})\s?(?P<unit>元|块|万元|万|%|％|个工作日|工作日|个小时|小时|天|个月|月|日|号|年|期|折|GB|G|M|次|倍|度|点)?"
)
_COUNTED = frozenset(
    [
        "元",
        "块",
        "万元",
        "万",
        "%",
        "％",
        "个工作日",
        "工作日",
        "天",
        "个月",
        "期",
        "折",
        "年",
        "GB",
        "G",
        "倍",
    ]
)
"""Units of figures that a customer goes by; hours of service, minutes and steps are anybody's to name."""
_SAME_UNIT = {"块": "元", "％": "%", "个工作日": "工作日", "G": "GB"}


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


def _remembered(read: Callable[[str], Read]) -> Callable[[str], Read]:
    """A reading of a text that is kept where the text is short: whoever plays a case asks the same of it again."""
    kept = lru_cache(maxsize=_KEPT)(read)

    @wraps(read)
    def reading(text: str) -> Read:
        return kept(text) if len(text) <= _SHORT else read(text)

    return reading


@_remembered
def plain(text: str) -> str:
    """A text as rules read it: full-width letters and digits as narrow ones, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split()).translate(_MARKS)


@_remembered
def questions_in(text: str) -> str:
    """The sentences of a text that ask for something, one after the other."""
    asks = _words()["asks"]
    sentences = _SENTENCE.findall(plain(text))
    return "".join(s for s in sentences if "？" in s or any(word in s for word in asks))


def affirms(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands in a clause that does not deny it."""
    wanted = [plain(word) for word in words]
    said = plain(text)
    if not any(word in said for word in wanted):
        return False
    for clause in _CLAUSE.findall(said):
        for word in wanted:
            place = clause.find(word)
            # What denies stands before it in Chinese; a word that holds such a syllable itself is not denied by it.
            if place >= 0 and not any(no in clause[:place] for no in _words()["denies"]):
                return True
    # A word that goes over a comma (先查，再办) is in no clause.
    return any(word in said and "，" in word for word in wanted)


def denied(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words is said and nowhere affirmed."""
    wanted = list(words)
    return any(plain(word) in plain(text) for word in wanted) and not affirms(text, wanted)


def _has(text: str, kind: str) -> bool:
    said = plain(text)
    return any(word in said for word in _words()[kind])


@_remembered
def refuses(text: str) -> bool:
    """Whether it refuses something."""
    return _has(text, "refuses")


@_remembered
def consents(text: str) -> bool:
    """Whether it consents to something."""
    return affirms(text, _words()["consents"])


@_remembered
def comforts(text: str) -> bool:
    """Whether it speaks to what the customer feels."""
    return affirms(text, _words()["comforts"])


@_remembered
def _rude(text: str) -> bool:
    return _has(text, "rude")


def is_rude(text: str, more: Sequence[str] = ()) -> bool:
    """Whether it is rude to anybody, or to this customer (``more``)."""
    return _rude(text) or any(plain(word) in plain(text) for word in more)


@_remembered
def asks_identity(text: str) -> bool:
    """Whether it asks who the customer is."""
    asked = questions_in(text)
    return any(word in asked for word in _words()["identity"])


@_remembered
def says_goodbye(text: str) -> bool:
    """Whether it takes leave."""
    return _has(text, "goodbyes")


@_remembered
def sends_elsewhere(text: str) -> bool:
    """Whether it says that somebody else is to be asked."""
    return _has(text, "elsewhere")


@_remembered
def figures_in(text: str) -> frozenset[str]:
    """The figures that a customer would go by, each with its unit: ``260元``, ``15%``, ``3天``."""
    found = set()
    for match in _FIGURE.finditer(plain(text)):
        unit = match["unit"] or ("元" if match["before"] else "")
        if unit not in _COUNTED:
            continue
        number = match["number"].replace(",", "").replace("，", "")
        number = number.rstrip("0").rstrip(".") if "." in number else number
        found.add((number.lstrip("0") or "0") + _SAME_UNIT.get(unit, unit))
    return frozenset(found)

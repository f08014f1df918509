"""One spelling of Chinese text: what ``zh-norm`` does to a text before it is taken apart.

The same words reach a metric in several spellings: full-width and half-width punctuation and digits, typographic
variants of one mark, traditional characters, invisible ones. :func:`normal_forms` gives them one, that of a
simplified text with Chinese punctuation, so that an ordinary reply is its own normal form.

In this order: invisible characters are dropped; Unicode's NFKC; OpenCC's ``t2s``, and in a text that it changed
the regional forms that it leaves; marks, as :data:`_MARKS` and the patterns below say. Latin letters keep their
case, and white space stays: ``zh`` makes no token of it. Everything is done to all texts at once, which costs a
tenth of one by one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from importlib import metadata

import numpy as np
import numpy.typing as npt
from opencc import OpenCC

__all__ = ["PLACEHOLDER", "are_changed", "code_points", "normal_forms", "spelling_version"]

PLACEHOLDER = re.compile(r"\[[\u3400-\u9fffA-Za-z0-9_]{1,12}\]")
"""What stands for a name or number that was taken out: a short word in brackets, without space or punctuation."""

_FEW = 40
"""Characters that are replaced one after the other, which up to about here takes less time than all at once."""
_BETWEEN = "\x1e"
"""Stands between texts while they are one; as a control character it is in none of them."""
_REGIONAL = str.maketrans("著衞枱揹暱", "着卫台背昵")
"""Forms of Taiwan and Hong Kong that ``t2s`` leaves, which are words of their own (著名) in a simplified text."""
_MARKS = {
    **dict.fromkeys('"”„‟〝〞〟「」﹁﹂', "“"),  # a straight mark has no direction, so none has one
    **dict.fromkeys("’‚‛『』﹃﹄", "‘"),
    **dict.fromkeys("【〔〖〘〚", "["),
    **dict.fromkeys("】〕〗〙〛", "]"),
    **dict.fromkeys("〈«‹<", "《"),
    **dict.fromkeys("〉»›>", "》"),
    **dict.fromkeys("•‧・∙⋅", "·"),
    **dict.fromkeys("〜∼", "~"),
    **dict.fromkeys("‐‑‒–―─━−", "—"),
    **{half: chr(ord(half) + 0xFEE0) for half in "!?;()"},
}
"""Marks that are written in several ways, and the way that they all become."""
_IN_WORDS = {",": "\ue000", ".": "\ue001", ":": "\ue002", "'": "\ue003", "-": "\ue004"}
"""Marks that belong to a number, an address or a word where they stand between two ASCII letters or digits (a comma
before three digits), and what they are while the others are replaced."""
_KEPT = re.compile(r",(?<=[0-9].)(?=[0-9]{3}(?![0-9]))|[.:'—\-‘](?<=[0-9A-Za-z].)(?=[0-9A-Za-z])")
_OUTSIDE = {",": "，", ".": "。", ":": "：", "'": "‘", "-": "—"}
_ELLIPSIS = re.compile("[.。]{2,}")
_DASHES = re.compile("[—-]+")
# Characters that NFKC changes by themselves or not at all, whatever stands beside them. The others (marks that
# combine, Hangul in parts, the half-width voiced sound mark) need their neighbours.
_ALONE = re.compile(
    r"[\x00-\u02ff\u0370-\u03ff\u0400-\u0482\u048a-\u0560\u1e00-\u1fff\u2000-\u20cf\u2100-\u2bff\u3000-\u3029"
    r"\u3030-\u3098\u309b-\u312f\u3190-\ua4cf\uac00-\ud7a3\ud800-\udfff\ue000-\ufaff\ufe10-\ufe1f\ufe30-\uff9d"
    r"\uffe0-\uffff\U0001f000-\U0003ffff]*"
)


@cache
def _opencc() -> OpenCC:
    return OpenCC("t2s")


def spelling_version() -> str:
    """The package whose version the normal form depends on. Of what Unicode has, NFKC never changes."""
    return f"opencc-{metadata.version('opencc')}"


def normal_forms(texts: Sequence[str]) -> list[str]:
    """The normal form of every text, in time in proportion to their length."""
    if not texts:
        return []
    joined = _replaced(_joined(texts), _visible)
    if _ALONE.fullmatch("".join(_characters(joined))):
        joined = _replaced(joined, _composed)  # four times as fast as all at once, and the same
    else:
        joined = unicodedata.normalize("NFKC", joined)
    joined = _replaced(_simplified(joined), lambda mark: _MARKS.get(mark, mark))
    if any(dots in joined for dots in ("..", "。。", ".。", "。.")):
        joined = _ELLIPSIS.sub("……", joined)
    joined = _KEPT.sub(_keep, joined)
    if "—" in joined or "-" in joined:
        joined = _DASHES.sub("——", joined)
    for mark, outside in _OUTSIDE.items():
        joined = joined.replace(mark, outside)
    for mark, kept in _IN_WORDS.items():
        joined = joined.replace(kept, mark)
    return joined.split(_BETWEEN)


def are_changed(texts: Sequence[str], normal: Sequence[str]) -> list[bool]:
    """Whether each text was written in another way than its normal form.

    Neither the direction of quotes counts nor white space, of which no token is made: a reply in paragraphs is an
    ordinary one.
    """
    quotes = str.maketrans("”’", "“‘")

    def written(text: str) -> str:
        return "".join(text.translate(quotes).split())

    return [a != b and written(a) != written(b) for a, b in zip(texts, normal, strict=True)]


def _keep(match: re.Match[str]) -> str:
    """A mark inside a word; a dash or a quote that is there for a hyphen or an apostrophe becomes it."""
    return _IN_WORDS[{"—": "-", "‘": "'"}.get(match[0], match[0])]


def _joined(texts: Sequence[str]) -> str:
    """All texts as one, :data:`_BETWEEN` between two."""
    joined = _BETWEEN.join(texts)
    if joined.count(_BETWEEN) >= max(len(texts), 1):
        joined = _BETWEEN.join(text.replace(_BETWEEN, " ") for text in texts)
    return joined


@cache
def _visible(character: str) -> str:
    """The character; '' for one without a form, U+FFFD for half of one and for the private ones used here."""
    if character == _BETWEEN:
        return character
    category = unicodedata.category(character)
    if category == "Cs" or character in _IN_WORDS.values():
        return "\ufffd"
    if category == "Cc":  # OpenCC ends at the first NUL
        return " " if character.isspace() else ""
    selects_a_form = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return "" if category == "Cf" or selects_a_form else character


@cache
def _composed(character: str) -> str:
    """Unicode's NFKC of a character that stands alone."""
    return unicodedata.normalize("NFKC", character)


def _replaced(text: str, replace: Callable[[str], str]) -> str:
    """The text with each of its characters replaced: a few thousand make up any number of texts."""
    others = {c: other for c in _characters(text) if (other := replace(c)) != c}
    if len(others) > _FEW:
        return text.translate({ord(character): other for character, other in others.items()})
    for character, other in others.items():
        text = text.replace(character, other)
    return text


def _characters(text: str) -> list[str]:
    """The different characters of a text."""
    seen = np.zeros(0x110000, dtype=bool)
    seen[code_points(text)] = True
    return list(map(chr, np.flatnonzero(seen).tolist()))


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The code points of a text, (n,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _simplified(joined: str) -> str:
    """Simplified characters for traditional ones."""
    simplified = _opencc().convert(joined)
    if simplified == joined:
        return joined
    pairs = zip(joined.split(_BETWEEN), simplified.split(_BETWEEN), strict=True)
    return _BETWEEN.join(after if after == before else after.translate(_REGIONAL) for before, after in pairs)

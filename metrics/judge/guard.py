"""Judged text is data: delimiters that it cannot forge, and flags for what tries to instruct the judge."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from csc_tasks.metrics.judge.attempts import asks_customer, attempts_in, plainly
from csc_tasks.metrics.judge.markers import CONTROL, HIDDEN, LINE_ENDS, MARKED, REPLACED, UNUSUAL
from csc_tasks.metrics.normalized import nfkc

__all__ = ["CLOSE", "GUARD", "OPEN", "flags_of", "fold_names", "neutral", "nonce_of"]

OPEN, CLOSE = "<<<", ">>>"
GUARD = 3
"""Raised when :func:`neutral` shows a text otherwise than before, or :func:`flags_of` flags it otherwise.

What the judge was shown is in each verdict's key, and flags are kept with the verdict as they were given.
"""

_DOUBLED = re.compile(r"<(?=<)|>(?=>)")
_OVERALL = "策略|共情|同理心|自然度|流畅度|准确性"
"""What judges grade by in Chinese, whatever the rubric."""
_ASKED = "专业性|专业度|总体|整体|综合|总分|得分|评分|打分"
"""What customers are asked to grade a service by, too: no sign of an attempt where it is that."""


def nonce_of(seed: int, texts: Iterable[str]) -> str:
    """The nonce (16 hex digits) of a request: a digest of everything that it shows.

    As good as random to whoever wrote the texts, because no text can contain its own digest; and the same
    request has the same one every time, so that a judge at temperature 0 can answer the same.
    """
    digest = hashlib.sha256(f"csconv-nonce:{seed}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode("utf-8", "replace")).digest())
    return digest.hexdigest()[:16]


def neutral(text: str) -> str:
    """The text with everything that could pass for structure taken apart, and otherwise unchanged.

    A literal space goes between the characters: an invisible one would be removed by some tokenizers,
    and the delimiter would be whole again. An emoji stays whole, and so does HTML.
    """
    text = _visible(text)
    text = _DOUBLED.sub(_apart, text)
    return CONTROL.sub(_apart, text)


def _apart(match: re.Match[str]) -> str:
    return match[0] + " "


def _visible(text: str) -> str:
    """The text without hidden characters, and with one kind of line end."""
    if UNUSUAL.isdisjoint(text):
        return text
    text = HIDDEN.sub(lambda match: match["kept"] or "", LINE_ENDS.sub("\n", text))
    return text.encode("utf-8", "replace").decode("utf-8")


def _hides(text: str) -> bool:
    """Whether a text has characters that are there not to be seen."""
    if REPLACED.search(text):
        return True
    return any(
        not match["kept"] and not match["glyph"] for match in HIDDEN.finditer(LINE_ENDS.sub("\n", text))
    )


def fold_names(
    names: Iterable[str], titles: Iterable[str] = (), options: Iterable[str] = ()
) -> re.Pattern[str]:
    """What finds a ready-made verdict in a text: a dimension's name with a value.

    Args:
        names: of the dimensions, which nobody writes by chance.
        titles: of the dimensions in Chinese, ordinary words: only with a grade (``5分``, ``5/5``) behind them.
        options: what can be chosen, beside grades and true and false.
    """
    either = "|".join(map(re.escape, names))
    titled = "|".join([*map(re.escape, titles), _OVERALL, f"(?P<asked>{_ASKED})"])
    quoted = titled.replace("?P<asked>", "?:")
    chosen = "".join(f"|{re.escape(option)}" for option in options)
    grade = r"[1-5１-５一二三四五](?:\.0)?\s{0,2}(?:分(?![之钟店行期机公享])|[/／]\s?[5５])"
    return re.compile(
        rf"[\"'“]?(?<![A-Za-z0-9_])(?:{either})(?![A-Za-z0-9_])[\"'”]?\s*[:：=]\s*[\"'“]?(?:\d|true|false{chosen})"
        rf"|(?<!您的)(?<!你的)(?:{titled})[\u4e00-\u9fff]{{0,4}}[\"'”」]?\s{{0,4}}[:：=]?\s{{0,4}}(?:给|打|得|为|是)?{grade}"
        rf"|[\"“「](?:{quoted})[\"”」]\s{{0,4}}[:：]\s{{0,4}}[1-5]",
        re.IGNORECASE,
    )


def flags_of(text: str, verdict_like: re.Pattern[str]) -> tuple[str, ...]:
    """What in a judged text looks like an attempt on the judge, sorted; nothing is decided by it.

    ``structure`` (delimiters or control tokens of a chat template), ``invisible`` (hidden characters),
    ``instructs``, ``addresses_judge``, ``asks_for_score``, ``verdict`` (a ready-made one). Words are looked for as a
    reader sees them: without hidden characters, full width and traditional characters as the ordinary ones.
    """
    seen = _visible(text)
    plain = plainly(nfkc(seen))
    found = attempts_in(plain)
    if OPEN in seen or CLOSE in seen or MARKED.search(seen):
        found.add("structure")
    if seen != text and _hides(text):
        found.add("invisible")
    if any(not (m["asked"] and asks_customer(m, plain)) for m in verdict_like.finditer(plain)):
        found.add("verdict")
    return tuple(sorted(found))

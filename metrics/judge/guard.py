"""Judged text is data: delimiters that it cannot forge, and flags for what tries to instruct the judge."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

__all__ = ["CLOSE", "OPEN", "flags_of", "fold_names", "neutral", "nonce_of"]

OPEN, CLOSE = "<<<", ">>>"

_DOUBLED = re.compile(r"<(?=<)|>(?=>)")
# Servers read the control tokens of chat templates also inside a message's text.
_CONTROL = re.compile(r"<(?=[|/A-Za-z_])|(?<=\|)(?=>)|\[(?=/?INST\])")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)

_JUDGE_ZH = r"(?:评委|评审|裁判|评判者|评分(?:者|员|人|模型|系统|助手)|打分(?:者|员|人|模型|系统)|阅卷|考官)"
_TOP_ZH = r"(?:满分|最高分|高分|[5５五]\s*分)"
_PATTERNS = {
    "instructs": re.compile(
        r"(?:忽略|无视|忘记|忘掉|不要?理会|跳过|作废)[^。！？\n]{0,12}(?:指令|指示|要求|规则|提示|标准|说明)"
        r"|(?:ignore|disregard|forget|override)\W[^.!?\n]{0,30}\b(?:instructions?|prompts?|rules?|rubric|criteria)\b",
        re.IGNORECASE,
    ),
    "addresses_judge": re.compile(
        rf"{_JUDGE_ZH}"
        r"|\b(?:dear|hey|hi|hello|attention|note (?:to|for)|to) (?:the )?(?:judge|grader|evaluator|rater)\b"
        r"|\b(?:judge|grader|evaluator)s?\s*[:,]|\b(?:as|you are) (?:a|an|the) \w{0,12} ?(?:judge|grader|evaluator)\b",
        re.IGNORECASE,
    ),
    "asks_for_score": re.compile(
        rf"(?:本|此|该|这)(?:条|个|句|段|次)?(?:回复|回答|对话|答复|话术)[^。！？\n]{{0,12}}{_TOP_ZH}"
        rf"|(?:各|每)(?:个|一)?(?:项|维度)[^。！？\n]{{0,10}}{_TOP_ZH}"
        r"|\b(?:give|assign|award|rate|score|grade)\b[^.!?\n]{0,50}"
        r"\b(?:full|maximum|max|highest|top|perfect)\b[^.!?\n]{0,12}\b(?:scores?|marks?|grades?|ratings?|points?)\b"
        r"|\b(?:rate|score|grade|give)\b[^.!?\n]{0,40}"
        r"\b(?:5|five|10|ten)\b(?: out of|/| in (?:every|all|each)| points?\b)",
        re.IGNORECASE,
    ),
}


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
    and the delimiter would be whole again.
    """
    if not text.replace("\n", "").isprintable():  # else it has nothing hidden, and this takes time
        text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        text = text.encode("utf-8", "replace").decode("utf-8")
    if "<" not in text and ">" not in text and "INST]" not in text:
        return text
    text = _DOUBLED.sub(lambda match: match[0] + " ", text)
    return _CONTROL.sub(lambda match: match[0] + " ", text)


def fold_names(names: Iterable[str]) -> re.Pattern[str]:
    """What finds a ready-made verdict in a text: a dimension's name with a value."""
    either = "|".join(map(re.escape, names))
    return re.compile(rf"[\"'“]?\b(?:{either})\b[\"'”]?\s*[:：=]\s*[\"']?(?:\d|true|false)", re.IGNORECASE)


def flags_of(text: str, verdict_like: re.Pattern[str]) -> tuple[str, ...]:
    """What in a judged text looks like an attempt on the judge, sorted; nothing is decided by it.

    ``structure`` (delimiters or control tokens of a chat template), ``invisible`` (hidden characters),
    ``instructs``, ``addresses_judge``, ``asks_for_score``, ``verdict`` (a ready-made one).
    """
    found = {name for name, pattern in _PATTERNS.items() if pattern.search(text)}
    if OPEN in text or CLOSE in text or _CONTROL.search(text):
        found.add("structure")
    if _INVISIBLE.search(text):
        found.add("invisible")
    if verdict_like.search(text):
        found.add("verdict")
    return tuple(sorted(found))

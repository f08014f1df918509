"""Reading a model's reply: the strategy it names and the utterance it writes.

Models answer ``[提供建议] 您可以…`` when they follow the prompt, and in a dozen other shapes when they
do not. Whatever the text, reading it never raises; what cannot be read is ``None`` and is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from csc_tasks.framework import Strategy, read_strategy
from csc_tasks.protocol.task_kind import TaskKind

__all__ = ["Problem", "Reply", "clean", "leaves_in_thought", "read_reply"]


_BY_NAME = {s.zh: s for s in Strategy}


class Problem(Enum):
    """Why a reply lacks something."""

    NO_ANSWER = "no-answer"
    """Nothing was said: empty, ``None`` from an API, or only thinking."""
    UNCLOSED_THINKING = "unclosed-thinking"
    """The reply was cut off inside its thinking; nothing after it is an answer."""
    NO_LABEL = "no-label"
    """There is text but no strategy is named where one is asked for."""
    UNKNOWN_LABEL = "unknown-label"
    """A label stands where the strategy belongs, and it names none of the twelve."""
    NO_TEXT = "no-text"
    """A strategy is named but no utterance follows where one is asked for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as read. ``strategy`` is ``None`` and ``text`` is '' where the reply has none."""

    strategy: Strategy | None
    text: str
    problem: Problem | None = None

    @property
    def answered(self) -> bool:
        """Whether the model said anything that could be scored."""
        return self.problem not in (Problem.NO_ANSWER, Problem.UNCLOSED_THINKING)

    def record(self) -> dict[str, str | None]:
        """The reply as a JSON object: how it stands in sample logs."""
        return {
            "strategy": self.strategy.zh if self.strategy else None,
            "text": self.text,
            "problem": self.problem.value if self.problem else None,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Reply:
        """The reply of such a record.

        Raises:
            KeyError, ValueError, TypeError: it is none.
        """
        strategy, text, problem = record["strategy"], record["text"], record["problem"]
        if not isinstance(text, str):
            raise TypeError(f"text is {text!r}")
        return cls(
            None if strategy is None else _BY_NAME[strategy],
            clean(text),
            None if problem is None else Problem(problem),
        )


_THINK = re.compile(r"<(?P<close>/?)think(?:ing)?>", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|[A-Za-z0-9_ ]{1,32}\|>|</s>")
_FENCE = re.compile(r"\s*```[A-Za-z]*[ \t]*\n?(?P<body>.*?)(?:```|\Z)", re.DOTALL)
_ECHO = re.compile(r"\s*(?:客服(?:回复|策略)?|回复|答案|supporter|assistant)\s*[:：]\s*", re.IGNORECASE)
_NEXT_SPEAKER = re.compile(r"\n\s*(?:客户|用户|顾客|客服|customer|user)\s*[:：]", re.IGNORECASE)
_OPEN, _CLOSE = '[【(（［「『〔《<“"', ']】)）］」』〕》>”"'
_BRACKETED = re.compile(
    rf"[\s*_#]*[{re.escape(_OPEN)}](?P<label>[^\n{re.escape(_OPEN + _CLOSE)}]{{1,40}})[{re.escape(_CLOSE)}][*_]*"
    r"(?P<gap>[:：]\s*|\s*)"
)
_FIELD = re.compile(
    r"[\s*_#]*(?:客服)?策略(?:名称)?[*_]*\s*[:：]\s*[*_]*(?P<label>[^\n:：;；]{1,40}?)[*_]*\s*(?:[\n;；]\s*|\Z)"
)
_TEXT_FIELD = re.compile(r"[\s*_#]*(?:客服)?(?:回复|话术|内容|回答)(?:内容)?[*_]*\s*[:：]\s*")
_NUMBERED = re.compile(
    r"[\s*_#]*(?:策略|strategy)\s*(?P<label>\d{1,2}(?:\s*[.、:： ]?\s*[^\s:：\d]{2,8})?)(?:\s*[:：\n]\s*|\s+|\Z)",
    re.IGNORECASE,
)
_NAMES = "|".join(sorted((re.escape(n) for s in Strategy for n in (s.zh, s.en)), key=len, reverse=True))
_BARE = re.compile(rf"[\s*_#]*(?P<label>{_NAMES})[*_]*(?:\s*[:：\n—–-]+\s*|\s+|\Z)", re.IGNORECASE)
_ANYWHERE = re.compile(_NAMES, re.IGNORECASE)
_STRATEGY_KEYS = ("strategy", "策略", "策略名称")
_TEXT_KEYS = ("response", "reply", "回复", "回复内容", "text", "content", "utterance")


def clean(raw: object) -> str:
    """The raw reply as text that can be logged: '' for ``None``, lone surrogates replaced by '?'.

    A lone surrogate (half an emoji, as some servers cut them) would make the sample log of the whole
    task unwritable.
    """
    if raw is None:
        return ""
    text = raw if isinstance(raw, str) else str(raw)
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


_OPENS_THINKING = re.compile(r"<think(?:ing)?>\s*\Z", re.IGNORECASE)


def leaves_in_thought(prompt: object) -> bool:
    """Whether a prompt ends by opening the thinking, as the chat templates of some reasoning models do."""
    return isinstance(prompt, str) and _OPENS_THINKING.search(prompt[-40:]) is not None


def _without_thinking(text: str) -> str | None:
    """What stands outside the thinking, or ``None`` if the thinking never ends."""
    tags = list(_THINK.finditer(text))
    if not tags:
        return text
    if not tags[-1]["close"]:
        return None
    after = text[tags[-1].end() :]
    if after.strip():
        return after
    return "" if tags[0]["close"] else text[: tags[0].start()]


def _from_json(text: str) -> tuple[object, str] | None:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    label = next((value[k] for k in _STRATEGY_KEYS if k in value), None)
    body = next((value[k] for k in _TEXT_KEYS if isinstance(value.get(k), str)), "")
    return (label, body) if label is not None or body else None


def _utterance(text: str) -> str:
    """The utterance alone: what follows the next speaker's name and surrounding space removed."""
    if match := _NEXT_SPEAKER.search(text):
        text = text[: match.start()]
    return text.strip()


def read_reply(raw: object, kind: TaskKind, in_thought: bool = False) -> Reply:
    """Read a reply to a prompt of ``kind``; never raises, whatever ``raw`` is.

    For :attr:`TaskKind.RESPONSE_ORACLE` no strategy is asked for: an echoed label is removed and
    ``strategy`` is ``None``. :attr:`TaskKind.STRATEGY_MC` has no replies; it reads like ``STRATEGY``.

    ``in_thought`` says that the prompt opened the thinking (:func:`leaves_in_thought`), so the reply begins
    within it. Without a closing tag such a reply is either all thinking or what a backend that was
    given ``think_end_token`` left over; only one that begins with a strategy is taken for the latter.
    """
    text = clean(raw)
    if in_thought and kind.predicts_strategy and not _THINK.search(text):
        start = text.strip()
        if _labelled(start, TaskKind.RESPONSE)[0] is None and read_strategy(start) is None:
            return Reply(None, "", Problem.UNCLOSED_THINKING if start else Problem.NO_ANSWER)
    if "<" in text:
        answer = _without_thinking(text)
        if answer is None:
            return Reply(None, "", Problem.UNCLOSED_THINKING)
        text = _SPECIAL.split(answer.lstrip(), maxsplit=1)[0] if "<" in answer else answer
    text = text.strip()
    if text.startswith("```") and (fence := _FENCE.match(text)):
        text = fence["body"].strip()
    if not text:
        return Reply(None, "", Problem.NO_ANSWER)
    if text[0] == "{" and (fields := _from_json(text)):
        label, body = fields
        strategy = read_strategy(label)
        if strategy is None and isinstance(label, str):
            strategy = _labelled(label, kind)[0]
        return _reply(kind, strategy, _utterance(body), label_seen=label is not None)
    if match := _ECHO.match(text):
        text = text[match.end() :]
    strategy, rest, label_seen = _labelled(text, kind)
    return _reply(kind, strategy, _utterance(rest), label_seen)


def _reply(kind: TaskKind, strategy: Strategy | None, text: str, label_seen: bool) -> Reply:
    if kind is TaskKind.RESPONSE_ORACLE:
        return Reply(None, text, None if text else Problem.NO_ANSWER)
    if kind.writes_text and strategy is not None and not text:
        return Reply(strategy, "", Problem.NO_TEXT)
    if strategy is None:
        if not text and not label_seen:
            return Reply(None, "", Problem.NO_ANSWER)
        return Reply(None, text, Problem.UNKNOWN_LABEL if label_seen else Problem.NO_LABEL)
    return Reply(strategy, text)


def _without_field_name(text: str) -> str:
    """``回复：…`` without its field name: models that write the label on a line of its own name the text too."""
    match = _TEXT_FIELD.match(text)
    return text[match.end() :] if match else text


def _labelled(text: str, kind: TaskKind) -> tuple[Strategy | None, str, bool]:
    """Split a reply into strategy, rest, and whether something stood where the label belongs."""
    if match := _BRACKETED.match(text):
        if strategy := read_strategy(match["label"]):
            rest = text[match.end() :]
            return strategy, _without_field_name(rest) if "\n" in match["gap"] else rest, True
        # `[姓名]先生，您好` begins with a placeholder that belongs to the text; `[安抚] 您别急` with a
        # label of the model's own making. The gap after the bracket tells them apart.
        if match["gap"] and kind is not TaskKind.RESPONSE_ORACLE:
            return None, text[match.end() :], True
    for pattern in (_FIELD, _NUMBERED, _BARE):
        if (match := pattern.match(text)) and (strategy := read_strategy(match["label"])):
            return strategy, _without_field_name(text[match.end() :]), True
    if not kind.writes_text:
        first_line = text.split("\n", 1)[0]
        if strategy := read_strategy(first_line):
            return strategy, "", True
        # "应采用“提供建议”策略": one name in the prose is an answer, two different ones are none.
        named = {read_strategy(name) for name in _ANYWHERE.findall(text)}
        if len(named) == 1:
            return named.pop(), text, True
    return None, text, False

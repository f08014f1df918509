"""Reading what a model answered into typed values: a JSON object, whatever stands around it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from csc_tasks.data.conversations import MAX_UTTERANCE
from csc_tasks.framework import Strategy
from csc_tasks.labels import read_strategy
from csc_tasks.metrics.json_answers import after_thinking, objects_in

__all__ = [
    "AS_MODEL",
    "FOR_THE_OTHER",
    "Unusable",
    "object_of",
    "spoken",
    "strategy_of",
    "text_of",
    "truth_of",
]

FOR_THE_OTHER = "it speaks for the other role"
AS_MODEL = "it speaks of itself as a model or a role"


class Unusable(Exception):
    """An answer that cannot be used, and will be asked for again.

    ``reason`` is one of few short kinds (``no JSON object``), for answers are counted by it; nothing of the answer is
    in it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_TRUTHS: Mapping[Any, bool] = {
    **dict.fromkeys((True, 1, "true", "1", "yes", "是", "真"), True),
    **dict.fromkeys((False, 0, "false", "0", "no", "否", "假"), False),
}
_META = re.compile(
    r"作为(?:一个|一名|一款)?(?:AI|人工智能|大?语言模型|智能助手|聊天机器人)|我是(?:一个|一款)?(?:AI|人工智能|语言模型)"
    r"|as an? (?:AI|language model)|I(?:'m| am) an? (?:AI|language model)|无法扮演|角色扮演|扮演的角色|我扮演"
    r"|(?:dialogue_scenario|customer_goal|is_dialogue_finished|supporter_assistant|customer_assistant)",
    re.IGNORECASE,
)
_OWN = {
    "supporter": re.compile(r"^\s*(?:客服|坐席|supporter|agent)\s*[:：]\s*", re.IGNORECASE),
    "customer": re.compile(r"^\s*(?:客户|顾客|用户|customer|user)\s*[:：]\s*", re.IGNORECASE),
}
_OTHER = {
    "supporter": re.compile(
        r"(?:^|[\n。！？!?；;…”」])\s{0,9}(?:客户|顾客|用户|来电人|customer|user)\s{0,9}[:：]", re.IGNORECASE
    ),
    "customer": re.compile(
        r"(?:^|[\n。！？!?；;…”」])\s{0,9}(?:客服|坐席|supporter|agent)\s{0,9}[:：]", re.IGNORECASE
    ),
}
_FORM = re.compile(r"[\"'“”](?:speaker|strategy|text|dialogue|labels)[\"'“”]\s{0,9}[:：]", re.IGNORECASE)
"""The form of an answer where there should be words."""
# A small model wrote 情境 结束 where it should have spoken: the marks of its prompt.
_MARKS = re.compile(
    r"<<<|>>>|[\u4e00-\u9fff]{2,8} (?:开始|结束)(?![\u4e00-\u9fff])|\A\s{0,4}[\u4e00-\u9fff]{0,8}(?:开始|结束)\s{0,4}\Z"
)
_LABEL = re.compile(r"^\s*[\[【(（](?P<label>[^\[\]【】()（）\n]{1,40})[\]】)）]\s*")


def object_of(text: str, names: Sequence[str]) -> Mapping[str, Any]:
    """The last JSON object in a text that has all of these names.

    Args:
        text: what the model wrote, thinking, prose and code fences included.
        names: of the values that are needed.

    Raises:
        Unusable: there is none.
    """
    said = after_thinking(text)
    if said is None:
        raise Unusable("it ends inside its thinking")
    if not said.strip():
        raise Unusable("empty")
    found = [each for each in objects_in(said) if any(name in each for name in names)]
    if not found:
        raise Unusable("no JSON object with the names asked for" if "{" in said else "no JSON object")
    for name in names:
        if name not in found[-1]:
            raise Unusable(f"{name} is missing")
    return found[-1]


def text_of(value: Any, name: str, longest: int = 2000) -> str:
    """A value that must be a text with something in it.

    Raises:
        Unusable: it is none, is empty, or is longer than ``longest`` characters.
    """
    if not isinstance(value, str):
        raise Unusable(f"{name} is no text")
    text = _visible(value.encode("utf-8", "replace").decode("utf-8")).strip()
    if not text:
        raise Unusable(f"{name} is empty")
    if len(text) > longest:
        raise Unusable(f"{name} is longer than {longest} characters")
    if _MARKS.search(text):
        raise Unusable(f"{name} copies the prompt")
    return text


def _visible(text: str) -> str:
    """A text without what no reader sees: controls and formats could hide a speaker's name from those who look for it.

    Breaks of lines and paragraphs, of whatever kind, are line breaks.
    """
    lines = "\n".join(text.splitlines())
    return "".join(c for c in lines if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf"))


def truth_of(value: Any, name: str) -> bool:
    """A value that must be true or false; as a text or a number it counts, too: ``"false"`` is false.

    Raises:
        Unusable: it is neither.
    """
    plain = value.strip().casefold() if isinstance(value, str) else value
    try:
        return _TRUTHS[plain]
    except (KeyError, TypeError):
        raise Unusable(f"{name} is neither true nor false") from None


def strategy_of(value: Any, allowed: Sequence[Strategy] = tuple(Strategy)) -> Strategy:
    """A value that must name a strategy, by the one rule for labels.

    Raises:
        Unusable: it names none, or one that is not among the allowed.
    """
    strategy = read_strategy(value)
    if strategy is None:
        raise Unusable("an unknown strategy")
    if strategy not in allowed:
        raise Unusable("a strategy that cannot come now")
    return strategy


def spoken(value: Any, speaker: str) -> str:
    """An utterance of ``supporter`` or ``customer``: one line without the speaker's name or a label before it.

    Raises:
        Unusable: it is empty or too long, speaks for the other one as well, or speaks of being a model.
    """
    text = text_of(value, "text", MAX_UTTERANCE)
    if _OTHER[speaker].search(text):
        raise Unusable(FOR_THE_OTHER)
    text = _OWN[speaker].sub("", text, count=1)
    label = _LABEL.match(text)
    if label and read_strategy(label["label"]) is not None:
        text = text[label.end() :]
    text = " ".join(text.split())
    if not text:
        raise Unusable("text is empty")
    if _FORM.search(text):
        raise Unusable("its text is a JSON object")
    if _META.search(text):
        raise Unusable(AS_MODEL)
    return text

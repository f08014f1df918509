"""Reading a model's reply: the strategy it names and the utterance it writes.

Models answer ``[提供建议] 您可以…`` when they follow the prompt, and in a dozen other shapes when they do not.
One rule holds for all of them, in every task (docs/protocol.md): the first label counts, two at one place are
none, and the utterance is what is left when labels, field names, speakers and further turns are taken away.
Whatever the text, reading it never raises; what cannot be read is ``None`` and is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from csc_tasks.framework import Strategy
from csc_tasks.labels import names_in, read_strategy
from csc_tasks.protocol.answers import clean, has_failed, served_by
from csc_tasks.protocol.shapes import labelled, labelled_and_said, utterance_of
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.thinking import ThinkingFormat, without_thinking

__all__ = ["Problem", "Reply", "read_reply"]


class Problem(Enum):
    """Why a reply lacks something."""

    FAILED = "failed"
    """The backend has no answer because of an error: nothing that the model said."""
    NO_ANSWER = "no-answer"
    """Nothing was said: empty, or only thinking."""
    UNCLOSED_THINKING = "unclosed-thinking"
    """The reply was cut off inside its thinking; nothing after it is an answer."""
    NO_LABEL = "no-label"
    """There is text but no strategy is named where one is asked for."""
    UNKNOWN_LABEL = "unknown-label"
    """A label stands where the strategy belongs, and it names none of the twelve, or two."""
    NO_TEXT = "no-text"
    """A strategy is named but no utterance follows where one is asked for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as read. ``strategy`` is ``None`` and ``text`` is '' where the reply has none.

    ``label`` is what was written in the place of a strategy and could not be read; ``thinking`` the format of
    the thinking that was taken out; ``further`` whether more labelled turns followed, which were cut off;
    ``model`` who the server says answered.
    """

    strategy: Strategy | None
    text: str
    problem: Problem | None = None
    label: str = field(default="", compare=False)
    thinking: str = field(default="", compare=False)
    further: bool = field(default=False, compare=False)
    model: str = field(default="", compare=False)

    @property
    def answered(self) -> bool:
        """Whether the model said anything that could be scored."""
        return self.problem not in (Problem.NO_ANSWER, Problem.UNCLOSED_THINKING, Problem.FAILED)

    @property
    def failed(self) -> bool:
        """Whether an error stands in the place of an answer."""
        return self.problem is Problem.FAILED

    def record(self) -> dict[str, Any]:
        """The reply as a JSON object: how it stands in sample logs."""
        seen = {"label": self.label, "thinking": self.thinking, "further": self.further, "model": self.model}
        return {
            "strategy": self.strategy.zh if self.strategy else None,
            "text": self.text,
            "problem": self.problem.value if self.problem else None,
            **{name: value for name, value in seen.items() if value},
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
            None if strategy is None else Strategy.from_name(strategy),
            clean(text),
            None if problem is None else Problem(problem),
            label=clean(record.get("label")),
            thinking=clean(record.get("thinking")),
            further=bool(record.get("further")),
            model=clean(record.get("model")),
        )


_SPECIAL = re.compile(
    r"<\|[^|<>\n]{1,32}\|>|<｜[^｜<>\n]{1,32}｜>|</?s>|<(?:start|end)_of_turn>|<(?:eos|bos)>|\[/?INST\]"
)
_ROLE = re.compile(r"(?:assistant|model|system)?\s*", re.IGNORECASE)  # matches nothing, too
_WRAPPER = re.compile(
    r"\s*<(?P<name>answer|response|final|final_answer|output|reply|solution)>|<\|(?:begin_of_solution|START_RESPONSE)\|>",
    re.IGNORECASE,
)
_FENCE = re.compile(r"```[A-Za-z]{0,12}[ \t]*\n?")
_JSON = json.JSONDecoder()
_JSON_START = re.compile(r"\{|\[[ \t\r\n]*[\[{\"\-0-9tfnNI]")  # not `[安抚]`
_STRATEGY_KEYS = ("strategy", "策略", "策略名称", "strategy_name", "label")
_TEXT_KEYS = (
    *(
        "response",
        "reply",
        "回复",
        "回复内容",
        "text",
        "content",
        "utterance",
        "客服",
        "客服回复",
        "话术",
        "answer",
    ),
    *("回答", "答复", "内容", "message", "supporter", "assistant"),
)
_ENDS = tuple("。！？!?.~…”』」）)")


def read_reply(
    raw: object, kind: TaskKind, in_thought: bool = False, formats: Sequence[ThinkingFormat] = ()
) -> Reply:
    """Read a reply to a prompt of ``kind``; never raises, whatever ``raw`` is.

    For :attr:`TaskKind.RESPONSE_ORACLE` no strategy is asked for: an echoed label is removed and
    ``strategy`` is ``None``. :attr:`TaskKind.STRATEGY_MC` has no replies; it reads like ``STRATEGY``, whose
    ``text`` is always ''.

    Args:
        raw: the reply, a :class:`~csc_tasks.protocol.answers.ServedAnswer` where an endpoint gave it; ``None`` reads
            as ''.
        kind: what was asked.
        in_thought: the prompt opened the thinking
            (:func:`~csc_tasks.protocol.thinking.leaves_in_thought`), so the reply begins within it.
            Without a closing mark such a reply is either all thinking or what a backend that was given
            ``think_end_token`` left over; only one that begins with a strategy is taken for the latter.
        formats: of thinking, beside those that are known.
    """
    if type(raw) is str:  # a plain text, of which nothing else is known
        return _read(clean(raw), kind, in_thought, formats)
    if has_failed(raw):
        return Reply(None, "", Problem.FAILED)
    reply = _read(clean(raw), kind, in_thought, formats)
    model = served_by(raw)
    return replace(reply, model=model) if model else reply


def _read(text: str, kind: TaskKind, in_thought: bool, formats: Sequence[ThinkingFormat]) -> Reply:
    def complete(answer: str) -> bool:
        answer = answer.strip()
        if kind is TaskKind.RESPONSE_ORACLE:
            return answer.endswith(_ENDS)
        return read_strategy(answer) is not None or labelled(answer).strategy is not None

    rest, thinking = without_thinking(text, complete, formats)
    if rest is None:
        return Reply(None, "", Problem.UNCLOSED_THINKING, thinking=thinking)
    if in_thought and not thinking and kind.predicts_strategy and not complete(rest):
        return Reply(None, "", Problem.UNCLOSED_THINKING if rest.strip() else Problem.NO_ANSWER)
    answer = _unwrapped(rest)
    if not answer:
        return Reply(None, "", Problem.NO_ANSWER, thinking=thinking)
    reply = _read_answer(answer, kind)
    return replace(reply, thinking=thinking) if thinking else reply


def _unwrapped(text: str) -> str:
    """The answer without what some models put around it: special tokens, a turn's header, tags, a code fence."""
    if "<" not in text and "INST]" not in text:
        return _unfenced(text.strip())
    text, at = text.lstrip(), 0
    while match := _SPECIAL.match(text, at):
        role = _ROLE.match(text, match.end())
        at = role.end() if role else match.end()
    text = _SPECIAL.split(text[at:], maxsplit=1)[0]
    if match := _WRAPPER.match(text):
        text = text[match.end() :]
        closing = f"</{match['name']}>" if match["name"] else "<|"
        end = text.lower().find(closing.lower())
        text = text if end < 0 else text[:end]
    return _unfenced(text.strip())


def _unfenced(text: str) -> str:
    if match := _FENCE.match(text):
        text = text[match.end() :].split("```", 1)[0].strip()
    return text


def _read_answer(text: str, kind: TaskKind) -> Reply:
    if _JSON_START.match(text) and (fields := _from_json(text)):
        written, body = fields
        strategy = read_strategy(written)
        if strategy is None and isinstance(written, str):
            strategy = labelled(written).strategy
        # An escape in JSON may make half a character, too.
        label = "" if written is None or strategy is not None else clean(written)
        said = utterance_of(clean(body))
        return _reply(kind, strategy, said.text, label if label or written is None else "?", said.further)
    if not kind.writes_text:
        return _read_choice(text, kind)
    # Where no strategy is asked for, a bracket that is none is a placeholder, part of the text.
    found, said = labelled_and_said(text, kind is TaskKind.RESPONSE_ORACLE)
    return _reply(kind, found.strategy, said.text, found.label, said.further)


def _reply(kind: TaskKind, strategy: Strategy | None, text: str, label: str, further: bool) -> Reply:
    if kind is TaskKind.RESPONSE_ORACLE:
        return Reply(None, text, None if text else Problem.NO_ANSWER, further=further)
    text = text if kind.writes_text else ""
    if strategy is None:
        if label:
            return Reply(None, text, Problem.UNKNOWN_LABEL, label[:40], further=further)
        return Reply(None, text, Problem.NO_LABEL if text or not kind.writes_text else Problem.NO_ANSWER)
    if kind.writes_text and not text:
        return Reply(strategy, "", Problem.NO_TEXT, further=further)
    return Reply(strategy, text, further=further)


def _read_choice(text: str, kind: TaskKind) -> Reply:
    """A reply that should be a strategy and nothing else; a single name in prose is an answer too."""
    first = text.split("\n", 1)[0]
    if strategy := read_strategy(first):
        return Reply(strategy, "")
    found = labelled(text)
    if found.strategy is not None:
        return Reply(found.strategy, "")
    named = names_in(text)
    if len(named) == 1 and not found.label:
        return Reply(named.pop(), "")
    # Two names, or a label of the model's own making: what was written is worth counting.
    label = found.label or (first.strip()[:40] if named or len(first.strip()) <= 12 else "")
    return _reply(kind, None, "", label, False)


def _from_json(text: str) -> tuple[object, str] | None:
    """The label and the text in a JSON object, or in the first object of an array."""
    try:
        value, _ = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict)), None)
    if not isinstance(value, dict):
        return None
    fields = {str(key).strip().casefold(): item for key, item in value.items()}
    label = next((fields[k] for k in _STRATEGY_KEYS if k in fields), None)
    if isinstance(label, list) and len(label) == 1:
        (label,) = label
    body = next((fields[k] for k in _TEXT_KEYS if isinstance(fields.get(k), str)), "")
    return (label, str(body)) if label is not None or body else None

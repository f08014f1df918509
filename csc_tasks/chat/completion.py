"""The body of a response: the answer in it, or the error that a server says there, whatever its status was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from csc_tasks.chat.messages import AnswerStatus, ChatAnswer, ChatRequest, tokens_in
from csc_tasks.chat.words import shown

__all__ = ["EMPTY", "SaidError", "error_in", "read_completion"]

EMPTY = "an empty answer"
_MESSAGES = ("message", "msg", "error_msg", "errmsg", "status_msg", "detail", "error_description", "code")
_CODES = ("code", "status", "status_code", "error_code")
_THOUGHTS = ("thinking", "reasoning", "reasoning_content")
_OFF = 16
"""A server's count that is so many times ours, or ours so many times it, counts something else."""
_OVERHEAD = 8192
"""Tokens of a prompt that a server may add to ours: a template, tools."""
_HIDDEN = 2**17
"""Tokens of thinking that may be charged beyond the limit of an answer."""


class SaidError(NamedTuple):
    """What a server says went wrong; ``code`` is that of HTTP, where the body names one, ``body`` all of it."""

    code: int | None
    words: str
    body: Any


def error_in(text: str) -> SaidError:
    """The error in a body, whichever of the usual forms it has; without any, its text as it is."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return SaidError(None, text, None)
    places = list(_places(body))
    words = next((str(p[name]) for name in _MESSAGES for p in places if p.get(name) not in (None, "", 0)), "")
    if not words:
        inner = body.get("error") if isinstance(body, dict) else body
        words = inner if isinstance(inner, str) else ""
    codes = (_number(place.get(name)) for name in _CODES for place in places)
    return SaidError(next((code for code in codes if code and 400 <= code < 600), None), words, body)


def _places(body: Any) -> Iterator[Mapping[str, Any]]:
    """Where an error may stand in a body, the most particular first."""
    if not isinstance(body, dict):
        return
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    inner = [
        first.get("error") if isinstance(first, dict) else None,
        body.get("error"),
        body.get("base_resp"),
        body,
    ]
    yield from (place for place in inner if isinstance(place, dict))


def _number(value: object) -> int | None:
    if isinstance(value, str) and len(value) < 6 and value.isdecimal():
        value = int(value)
    return value if isinstance(value, int) else None


def read_completion(
    body: Any,
    request: ChatRequest,
    limit: int | None,
    latency: float = 0.0,
    hide: Callable[[str], str] = str,
) -> ChatAnswer | None:
    """The answer in a body; ``None`` if that is no chat completion, or the server says that it failed.

    An answer without a text says in its ``reason`` what came in place of one.

    Args:
        body: parsed as JSON.
        request: what was asked.
        limit: tokens that the answer may have, if that was limited.
        latency: in seconds.
        hide: takes out of a text what nobody may see.
    """
    try:
        choice = body["choices"][0]
        message = choice["message"]
        content, refusal, finish = message.get("content"), message.get("refusal"), choice.get("finish_reason")
        failed = choice.get("error") or finish == "error"
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
    if failed:
        return None
    read = _read_content(content)
    said, cut_off = hide(read.text), finish == "length"
    thoughts = read.thoughts or next((t for n in _THOUGHTS if isinstance(t := message.get(n), str)), "")
    refusal = hide(read.refusal or (_sound(refusal) if isinstance(refusal, str) else ""))
    prompt, completion, estimated = _tokens(
        body.get("usage"), request.tokens, tokens_in(said) + tokens_in(thoughts), limit, cut_off
    )
    status, reason, model, name = AnswerStatus.ANSWERED, "", body.get("model"), body.get("id")
    if finish == "content_filter":
        status, reason, said = AnswerStatus.REFUSED, "the content filter stopped the answer", said or refusal
    elif not said.strip() and refusal:
        status, reason, said = AnswerStatus.REFUSED, "the model declined", refusal
    elif not said.strip():
        reason = _named(message, thoughts, [hide(kind) for kind in read.odd])
    return ChatAnswer(
        status,
        said,
        reason,
        cut_off=cut_off,
        prompt_tokens=prompt,
        completion_tokens=completion,
        estimated=estimated,
        latency=latency,
        model=shown(hide(model), 100) if isinstance(model, str) else "",
        id=shown(hide(name), 100) if isinstance(name, str) else "",
    )


class _Content(NamedTuple):
    """The text of a message's content, its thinking, what it declines with, and the kinds of what is none of these."""

    text: str = ""
    thoughts: str = ""
    refusal: str = ""
    odd: tuple[str, ...] = ()


def _read_content(content: Any) -> _Content:
    """What a content holds: a text, nothing, or a list of parts as several servers send it."""
    if content is None:
        return _Content()
    if isinstance(content, str):
        return _Content(_sound(content))
    said: dict[str, list[str]] = {"text": [], "thoughts": [], "refusal": []}
    odd: list[str] = []
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type", "text") if isinstance(part, dict) else type(part).__name__
        kind = kind if isinstance(kind, str) else type(kind).__name__
        if isinstance(part, str):
            said["text"].append(part)
        elif not isinstance(part, dict):
            odd.append(kind)
        elif kind in _THOUGHTS:
            said["thoughts"].append(json.dumps(part, ensure_ascii=False))
        elif kind == "refusal" and isinstance(part.get("refusal"), str):
            said["refusal"].append(part["refusal"])
        elif kind in ("text", "output_text") and isinstance(part.get("text"), str):
            said["text"].append(part["text"])
        else:
            odd.append(kind)
    texts = {name: _sound("".join(parts)) for name, parts in said.items()}
    return _Content(**texts, odd=tuple(odd))


def _sound(text: str) -> str:
    """The text without halves of characters, which no file takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _named(message: Mapping[str, Any], thoughts: str, odd: Sequence[str]) -> str:
    """What an answer without a text is."""
    if message.get("tool_calls") or message.get("function_call"):
        return "a tool call in place of an answer"
    if odd:
        kinds = ", ".join(shown(kind, 30) for kind in dict.fromkeys(odd))
        return f"content that is no text ({shown(kinds, 80)})"
    return "thinking alone, and no answer after it" if thoughts.strip() else EMPTY


def _tokens(
    usage: Any, prompt: int, completion: int, limit: int | None, cut_off: bool
) -> tuple[int, int, bool]:
    """Tokens of prompt and answer as the server counted them, or by our estimate where its figure is none."""
    if cut_off and limit:
        completion = max(completion, limit)
    counted = usage if isinstance(usage, dict) else {}
    most = (_OFF * prompt + _OVERHEAD, _OFF * max(completion, limit or 0) + _HIDDEN)
    said = [
        _plausible(counted.get("prompt_tokens"), prompt, most[0]),
        _plausible(counted.get("completion_tokens"), completion, most[1]),
    ]
    found = [
        ours if theirs is None else theirs for theirs, ours in zip(said, (prompt, completion), strict=True)
    ]
    return found[0], found[1], None in said


def _plausible(value: object, estimate: int, most: int) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if estimate <= value * _OFF and 0 <= value <= most else None

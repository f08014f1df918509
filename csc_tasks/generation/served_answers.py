"""What an endpoint answered with, told apart from what went wrong: lm-eval's API models make '' of both.

lm-eval reads an answer of its chat API as '' where the server sent an error with status 200, a ``null``, or no
choices at all, keeps that in its cache, and hands on a content that is a list of parts as it is. While
:func:`served_answers` is in force, each answer of such a model is a
:class:`~csc_tasks.protocol.answers.ServedAnswer`, which says whether it is one.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from csc_tasks.harness.log_secrets import know_secrets_of
from csc_tasks.printable import printable
from csc_tasks.protocol.answers import ServedAnswer, clean

__all__ = ["served_answers"]

logger = logging.getLogger(__name__)

_WORDS = 200
"""Characters of a server's own words that are shown."""


@contextmanager
def served_answers(lm: Any) -> Iterator[None]:
    """Have a model of lm-eval's API backends answer in :class:`ServedAnswer`; other backends stay as they are.

    What was wrong with answers is said once at the end, with the server's own words.
    """
    module = sys.modules.get("lm_eval.models.api_models")  # absent: no such model was made
    if module is None or not isinstance(lm, module.TemplateAPI):
        yield
        return
    know_secrets_of(lm)
    own = vars(lm).get("parse_generations")
    wrong = Counter[str]()
    lm.parse_generations = _faithful(lm.parse_generations, wrong)
    try:
        yield
    finally:
        del lm.parse_generations
        if own is not None:
            lm.parse_generations = own
        for reason, times in wrong.most_common(5):
            logger.warning("%d answers of the endpoint: %s", times, reason)


def _faithful(parse: Callable[..., Sequence[Any]], wrong: Counter[str]) -> Callable[..., list[Any]]:
    def parse_generations(outputs: Any, **options: Any) -> list[Any]:
        answers: list[Any] = []
        for output in outputs if isinstance(outputs, list) and outputs else [outputs]:
            failure = _failure(output)
            if failure:
                wrong[failure] += 1
                answers.append(ServedAnswer("", failure))
                continue
            model = output.get("model")
            model = clean(model)[:100] if isinstance(model, str) else ""
            for text in parse(outputs=_readable(output, wrong), **options):
                answers.append(ServedAnswer(clean(text), model=model))
        return answers

    return parse_generations


def _failure(output: Any) -> str:
    """Why a response has no answer in it; '' if it has one, be it an empty one."""
    if not isinstance(output, dict):
        return "the response is no JSON object"
    choices = output.get("choices")
    if not isinstance(choices, list) or not choices:
        return f"an error with status 200: {_words(output)}"
    for choice in choices:
        if not isinstance(choice, dict):
            return "a choice is no JSON object"
        message = choice.get("message")
        if isinstance(message, dict):
            content = message.get("content")
            if content is None and not _instead(choice, message):
                return "null in the place of an answer"
            if not (content is None or isinstance(content, (str, list))):
                return f"a content that is no text ({type(content).__name__})"
        elif not isinstance(choice.get("text"), str):
            return "a choice without a message"
    return ""


def _instead(choice: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """What a message without content has instead, in words; '' for nothing."""
    if choice.get("finish_reason") == "length" or _thoughts(message):
        return "thinking without an answer"
    if message.get("tool_calls") or message.get("function_call"):
        return "calls of tools and no text"
    if message.get("refusal"):
        return "a refusal"
    if choice.get("finish_reason") == "content_filter":
        return "nothing, withheld by a content filter"
    return ""


def _thoughts(message: Mapping[str, Any]) -> str:
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    return thoughts if isinstance(thoughts, str) else ""


def _readable(output: dict[str, Any], wrong: Counter[str]) -> dict[str, Any]:
    """The same response in the form that lm-eval reads: a content that is a text, an index for each choice."""
    choices = []
    for number, choice in enumerate(output["choices"]):
        choice = {"index": number, **choice}
        message = choice.get("message")
        if isinstance(message, dict):
            content = message.get("content")
            if isinstance(content, list):
                content = "".join(map(_part, content))
            elif content is None:
                instead = _instead(choice, message)
                wrong[instead] += 1
                refusal = message.get("refusal")
                content = refusal if isinstance(refusal, str) else ""
                if instead.startswith("thinking"):
                    content = f"<think>{_thoughts(message)}"
            choice["message"] = {**message, "content": content}
        choices.append(choice)
    return {**output, "choices": choices}


def _part(part: Any) -> str:
    """The text of one part of a content; thinking within its marks."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    if part.get("type") in ("thinking", "reasoning"):
        thought = part.get("thinking") or part.get("text")
        inner = "".join(map(_part, thought)) if isinstance(thought, list) else thought
        return f"<think>{inner}</think>" if isinstance(inner, str) else ""
    text = part.get("text")
    return text if isinstance(text, str) else ""


def _words(output: Mapping[str, Any]) -> str:
    """The server's own words about an error, without what could do something to a terminal."""
    error = output.get("error", output.get("message", output.get("detail")))
    if isinstance(error, dict):
        error = error.get("message", error)
    return printable(clean(error)[: 4 * _WORDS], _WORDS) or "no choices, and no reason given"

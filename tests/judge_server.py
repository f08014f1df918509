"""A local chat endpoint that judges.

Its verdict on a text is a function of the text, so that a test knows what every request must come to.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

from csc_tasks.metrics.judge import Kind, Rubric, load_rubric, shipped_rubrics
from tests.chat_server import Behaviour, ChatServer, Reply

__all__ = ["JudgeServer", "Reply", "as_newer_models_do", "judged_text", "true_verdict", "verdict_text"]


def judged_text(prompt: str) -> str:
    """The last block that is shown: the reply, or the whole dialogue."""
    return re.findall(r"<<<\w+ 开始>>>\n(.*?)\n<<<\w+ 结束>>>", prompt, re.DOTALL)[-1]


def true_verdict(rubric: Rubric, text: str) -> dict[str, Any]:
    """The scores that a well-behaved server gives to a text."""
    values: dict[str, Any] = {}
    for dimension in rubric.dimensions:
        number = zlib.crc32(f"{dimension.name}:{text}".encode())
        values[dimension.name] = {
            Kind.SCALE: 1 + number % 5,
            Kind.YES_NO: number % 2 == 0,
            Kind.CHOICE: dimension.options[number % len(dimension.options)] if dimension.options else None,
        }[dimension.kind]
    return values


def verdict_text(rubric: Rubric, text: str) -> str:
    return json.dumps({"reason": "依据。", **true_verdict(rubric, text)}, ensure_ascii=False)


class JudgeServer(ChatServer):
    """Judges under the rubric whose instruction a request carries."""

    def __init__(self, behave: Behaviour = lambda *_: None, latency: float = 0.0) -> None:
        self.rubrics = {rubric.system: rubric for rubric in map(load_rubric, shipped_rubrics())}
        super().__init__(behave, latency)

    def about(self, question: str) -> str:
        return judged_text(question)

    def good(self, request: dict[str, Any]) -> Reply:
        system, user = (message["content"] for message in request["messages"])
        return Reply(verdict_text(self.rubrics[system], judged_text(user)))


def as_newer_models_do(_: str, __: int, request: dict[str, Any]) -> Reply | None:
    """Refuse what OpenAI's GPT-5 and o models refuse, in their words, one field after the other."""
    complaint: dict[str, Any] | None = None
    if "max_tokens" in request:
        words = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        complaint = {"message": f"Unsupported parameter: {words}", "code": "unsupported_parameter"}
        complaint["param"] = "max_tokens"
    elif request.get("temperature", 1) != 1:
        words = (
            f"'temperature' does not support {request['temperature']} with this model. Only the default (1)"
        )
        complaint = {
            "message": f"Unsupported value: {words} value is supported.",
            "code": "unsupported_value",
        }
        complaint["param"] = "temperature"
    return Reply(status=400, body=json.dumps({"error": complaint}).encode()) if complaint else None

"""Rewritings for tests: a pipeline over a file, good answers, and a server that gives them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from csc_tasks.framework import Strategy
from csc_tasks.synthesis.own_calls.reading import CallFile
from csc_tasks.synthesis.own_calls.rewrite import (
    ANNOTATE_PROMPTS,
    CHECKS,
    REWRITE_PROMPTS,
    Rewriting,
    roles_of,
)
from csc_tasks.synthesis.prompts import load_prompts
from tests.chat_server import ChatServer, Reply

__all__ = ["ABUSE", "RewriteServer", "dialogue", "rewriting", "verdict", "written"]

FIRST = (Strategy.GREETING, Strategy.IDENTITY_VERIFICATION)
ABUSE = {"abusive": True, "cold_supporter": False}


def rewriting(path: Path, annotate_only: bool = False, **options: Any) -> Rewriting:
    """The pipeline over a file."""
    version = ANNOTATE_PROMPTS if annotate_only else REWRITE_PROMPTS
    prompts = load_prompts(version, roles_of(annotate_only))
    return Rewriting(CallFile(path, **options), prompts, annotate_only=annotate_only)


def written(path: Path, *calls: Sequence[str], **more: Any) -> Path:
    """A file of calls, the supporter first."""
    records = [
        {
            "dialogue": [{"speaker": "客户" if i % 2 else "客服", "text": t} for i, t in enumerate(texts)],
            **more,
        }
        for texts in calls
    ]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def dialogue(
    count: int = 12, supporter: str = "好的，我帮您看看。", customer: str = "麻烦快一点啊。"
) -> list[dict[str, str]]:
    """A rewritten conversation that keeps every rule; it ends with the supporter's goodbye or the customer's answer."""
    last = (count - 1) // 2
    found = []
    for i in range(count):
        turn = i // 2
        strategy = FIRST[turn] if turn < 2 else Strategy.INFORMATION_DELIVERY
        if turn == last:
            strategy = Strategy.APPRECIATION_AND_CLOSURE
        if i % 2:
            found.append({"speaker": "客户", "strategy": "", "text": f"{customer}{i}"})
        else:
            found.append(
                {
                    "speaker": "客服",
                    "strategy": f"策略{strategy.number} {strategy.zh}",
                    "text": f"{supporter}{i}",
                }
            )
    return found


def verdict(**changed: bool) -> dict[str, Any]:
    """The critic's answer."""
    return {"reason": "有始有终。", **dict.fromkeys(CHECKS, True), **changed}


class RewriteServer(ChatServer):
    """Screens, rewrites, labels and judges, each well."""

    def good(self, request: dict[str, Any]) -> Reply:
        instruction, question = (m["content"] for m in request["messages"])
        if "abusive" in instruction:
            answer: dict[str, Any] = {"abusive": False, "cold_supporter": False}
        elif "labels" in instruction:
            numbers = [line.split(".")[0] for line in question.splitlines() if line.split(".")[0].isdecimal()]
            answer = {"labels": [{"number": int(n), "strategy": "信息传达"} for n in numbers]}
        elif "ends_properly" in instruction:
            answer = verdict()
        else:
            answer = {"dialogue": dialogue()}
        return Reply(json.dumps(answer, ensure_ascii=False))

"""A server of roles at fault: each kind of fault in one of twenty answers, the same ones whenever it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from csc_tasks.synthesis.steps import Role
from tests.chat_server import Reply
from tests.role_server import GOAL, RoleServer, number_of, role_of

__all__ = ["CONTENT", "TRANSPORT", "FaultyServer"]

TRANSPORT = ("500", "429", "reset", "short")
"""What passes when the same is asked again."""
CONTENT = (
    "prose", "half", "empty", "refuses", "filtered", "url", "text_for_truth", "thinks", "fenced", "swapped", "meta",
    "unknown", "leaks", "nothing", "two",
)  # fmt: skip


class FaultyServer(RoleServer):
    """Plays the roles; ``kinds`` of faults come each with a chance of ``share``."""

    def __init__(
        self, kinds: tuple[str, ...] = (*TRANSPORT, *CONTENT), share: float = 0.05, latency: float = 0.0
    ) -> None:
        self.kinds = kinds
        self.share = share
        super().__init__(self.at_fault, latency)

    def at_fault(self, question: str, before: int, request: dict[str, Any]) -> Reply | None:
        for kind in self.kinds:
            chance = number_of(request, kind) % 10_000 / 10_000
            if chance >= self.share:
                continue
            if kind in TRANSPORT:
                if before == 0:
                    return self.broken(kind)
            elif (reply := self.wrong(kind, request)) is not None:
                return reply
        return None

    def broken(self, kind: str) -> Reply:
        if kind in ("500", "429"):
            return Reply(status=int(kind), headers={"Retry-After": "0"} if kind == "429" else {})
        return Reply("{}", fate=kind)

    def wrong(self, kind: str, request: dict[str, Any]) -> Reply | None:
        """What a model does wrong, or says in an odd form; ``None`` where it does not concern the role."""
        fields, role = self.fields(request), role_of(request)
        good = json.dumps(fields, ensure_ascii=False)
        anyone: dict[str, Callable[[], Reply]] = {
            "prose": lambda: Reply("好的，我明白了，请稍等。"),
            "half": lambda: Reply(good[: len(good) // 2]),
            "empty": lambda: Reply(""),
            "refuses": lambda: Reply(None, message={"refusal": "不行"}),
            "filtered": lambda: Reply("", finish="content_filter"),
            "thinks": lambda: Reply(f'<think>先想想 {{"text": 1}}</think>{good}'),
            "fenced": lambda: Reply(f"好的：\n```json\n{good}\n```\n希望有帮助！"),
            "nothing": lambda: Reply("{}"),
            "two": lambda: Reply(json.dumps({**fields, "text": "先说一遍"}, ensure_ascii=False) + good),
        }
        if kind in anyone:
            return anyone[kind]()
        if kind == "url" and role is Role.SUPPORTER:
            return _said({"text": f"请看 https://example.com/a//b?x=1 第{number_of(request)}页。"})
        if kind == "text_for_truth" and role in (Role.CUSTOMER, Role.CRITIC):
            return _said({n: str(v).lower() if isinstance(v, bool) else v for n, v in fields.items()})
        if kind == "swapped" and role in (Role.CUSTOMER, Role.SUPPORTER):
            other = "客服" if role is Role.CUSTOMER else "客户"
            return _said({**fields, "text": f"{other}：您好，请问有什么可以帮您？"})
        if kind == "meta" and role in (Role.CUSTOMER, Role.SUPPORTER):
            return _said({**fields, "text": "作为AI语言模型，我不能打电话。"})
        if kind == "unknown" and role is Role.SUPPORTER_ASSISTANT:
            return _said({**fields, "strategy": "安抚情绪"})
        if kind == "leaks" and role is Role.CUSTOMER_ASSISTANT:
            return _said({"direction": f"告诉对方：{GOAL}"})
        return None


def _said(fields: dict[str, Any]) -> Reply:
    return Reply(json.dumps(fields, ensure_ascii=False))

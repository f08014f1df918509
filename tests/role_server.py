"""A local chat endpoint that plays every role of a synthesis.

Its answer is a function of the role, the question and the seed, so that two runs come to the same conversations. It
knows a role by the instruction that a request carries, as a model does.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from csc_tasks.framework import Strategy
from csc_tasks.synthesis.playing.roleplay import MARKS, ROLES
from csc_tasks.synthesis.prompts import load_prompts
from csc_tasks.synthesis.steps import Role
from tests.chat_server import Behaviour, ChatServer, Reply

__all__ = ["GOAL", "RoleServer", "number_of", "role_of"]

GOAL = "目标暗号：拿回上个月被重复扣掉的会员费，并且让公司书面道歉"
"""Every goal begins with it, so that a leak is seen."""
TEXTS = load_prompts("roleplay-zh-1", ROLES).texts
_HEADS = {texts[0].strip()[:30]: role for role, texts in TEXTS.items()}
_TOPICS = ("账单", "会员", "退款", "物流", "绑定", "额度", "利率", "合同", "发票", "短信")


def role_of(request: Mapping[str, Any]) -> Role:
    """Whom a request is to."""
    return _HEADS[request["messages"][0]["content"].strip()[:30]]


def number_of(request: Mapping[str, Any], *more: object) -> int:
    """A number by chance that is always the same for a request."""
    asked = [m["content"] for m in request["messages"]]
    return zlib.crc32(json.dumps([asked, request.get("seed"), *map(str, more)]).encode())


def _phrase(number: int, words: int = 4) -> str:
    return "".join(f"{_TOPICS[(number >> (4 * i)) % 10]}{(number >> i) % 97}号" for i in range(words))


class RoleServer(ChatServer):
    """Plays planner, assistants, supporter, customer and critic, each well."""

    def __init__(self, behave: Behaviour = lambda *_: None, latency: float = 0.0, turns: int = 8) -> None:
        self.turns = turns
        self.usage: dict[str, int] | None = None
        super().__init__(behave, latency)

    def good(self, request: dict[str, Any]) -> Reply:
        return Reply(json.dumps(self.fields(request), ensure_ascii=False), usage=self.usage)

    def fields(self, request: dict[str, Any]) -> dict[str, Any]:
        """The values of a good answer."""
        role, number = role_of(request), number_of(request)
        question = request["messages"][-1]["content"]
        said = len(re.findall(r"^客服: ", question, re.MULTILINE))
        if role is Role.PLANNER:
            return {
                "dialogue_scenario": f"一家公司的客服接到来电，业务是{_phrase(number)}。",
                "customer_goal": f"{GOAL}{number}",
            }
        if role is Role.SUPPORTER_ASSISTANT:
            return {"reason": "看进程。", "strategy": self._strategy(question, number, said)}
        if role is Role.SUPPORTER:
            return {"text": f"您好，关于{_phrase(number)}我来说明一下。"}
        if role is Role.CUSTOMER_ASSISTANT:
            return {"direction": f"问一问{_phrase(number, 1)}"}
        if role is Role.CUSTOMER:
            finished = said >= self.turns
            return {
                "reason": "想弄清楚",
                "is_dialogue_finished": finished,
                "text": f"那{_phrase(number, 3)}怎么办呢？",
            }
        return {"reason": "都好。", **dict.fromkeys(MARKS, number % 20 != 0)}

    def _strategy(self, question: str, number: int, said: int) -> str:
        listed = question.rpartition("可用的策略 开始>>>")[2].partition("<<<")[0].strip().split("、")
        kept = [name for name in listed if name != Strategy.APPRECIATION_AND_CLOSURE.zh or said >= self.turns]
        return kept[number % len(kept)]

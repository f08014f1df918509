"""A local chat endpoint that plays both roles of a model customer, from what it is sent and nothing else.

Its answer is a function of the question and the seed, so that two runs come to the same conversations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from csc_tasks.roleplay.customer_words import asks_anything_else
from csc_tasks.roleplay.model_customer.information import CustomerRole
from csc_tasks.roleplay.model_customer.prompts import load_customer_prompts
from csc_tasks.roleplay.rules import comforts, is_rude
from tests.chat_server import Behaviour, ChatServer, Reply
from tests.role_server import number_of

__all__ = ["CustomerServer", "block", "customer_role_of"]

_HEADS = {texts[0].strip()[:20]: role for role, texts in load_customer_prompts().folder.texts.items()}
_ASKS = ("那我这事到底怎么办呢", "所以你们打算怎么处理", "你说的这些我听着，可我的事呢", "那接下来要怎么弄")
_WORDS = ("嗯", "喂", "哎", "那个", "我说", "就是")


def customer_role_of(request: Mapping[str, Any]) -> CustomerRole:
    """Whom a request is to."""
    return CustomerRole(_HEADS[request["messages"][0]["content"].strip()[:20]])


def block(request: Mapping[str, Any], name: str) -> str:
    """What stands between the marks of a name."""
    question = request["messages"][-1]["content"]
    return question.partition(f"<<<{name} 开始>>>")[2].partition(f"<<<{name} 结束>>>")[0].strip()


class CustomerServer(ChatServer):
    """Plays director and customer, each well."""

    def __init__(self, behave: Behaviour = lambda *_: None, latency: float = 0.0) -> None:
        super().__init__(behave, latency)

    def good(self, request: dict[str, Any]) -> Reply:
        role = customer_role_of(request)
        fields = self.direct(request) if role is CustomerRole.DIRECTOR else self.speak(request)
        return Reply(json.dumps(fields, ensure_ascii=False))

    def direct(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a good direction."""
        heard = block(request, "对话记录").splitlines()[-1]
        so_far, patience = block(request, "到现在为止"), block(request, "脾气和耐心")
        mood = int(re.findall(r"心情：(\d)", so_far)[0])
        change = -2 if is_rude(heard) else 1 if comforts(heard) else 0
        in_vain = int(re.findall(r"次数：(\d+)", so_far)[0])
        told = "客户已经讲过的细节：（还没有）" not in so_far
        all_told = "还没有讲过的细节：（还没有）" in so_far
        demand_open = "已经提了，还没有说定" in so_far
        end = "none"
        if in_vain >= int(re.findall(r"连着(\d+)次", patience)[0]):
            end = "gave_up"
        elif told and not demand_open and asks_anything_else(heard):
            end = "resolved"
        return {
            "asked": [name for name in block(request, "细节清单").split("、") if name in heard],
            "direction": "把客服刚才问的那件事讲清楚" if "？" in heard else "接着追问到底怎么办才好",
            "mood": min(5, max(1, mood + change)),
            "demand": all_told and "额外的要求：还没有提" in so_far,
            "end": end,
        }

    def speak(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a good utterance: what may be told and was not yet, or a question."""
        number, history = number_of(request), block(request, "对话记录")
        new = [
            says
            for line in block(request, "这一句能讲的内容").splitlines()
            if (says := line.partition("：")[2].removeprefix("照这样说：")) and says not in history
        ]
        ending = block(request, "通话到哪一步")
        if "收尾" in ending:
            return {"text": "好的，那就这样，谢谢你了。"}
        if "不愿再谈" in ending:
            return {"text": "算了，我不跟你说了。"}
        asks = f"{_WORDS[number % len(_WORDS)]}，{_ASKS[number // 7 % len(_ASKS)]}？"
        return {"text": "".join(new) or asks}

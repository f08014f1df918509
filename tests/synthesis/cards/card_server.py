"""A local endpoint that writes case cards: sound ones, and faulty ones at a share, which it mends when told so."""

from __future__ import annotations

import json
import zlib
from typing import Any

from tests.chat_server import Behaviour, ChatServer, Reply
from tests.roleplay.own_cards import drafted

__all__ = ["CardServer", "part_of"]


def part_of(request: dict[str, Any], name: str) -> str:
    """What stands between a prompt's marks of this name."""
    question = str(request["messages"][-1]["content"])
    return question.partition(f"<<<{name} 开始>>>\n")[2].partition(f"\n<<<{name} 结束>>>")[0]


class CardServer(ChatServer):
    """Of four conversations it writes one wrong at first, and mends it; ``stubborn`` ones it never mends.

    Args:
        behave: as any server's.
        stubborn: of how many conversations one is never right; 0 for none.
    """

    def __init__(self, behave: Behaviour = lambda *_: None, stubborn: int = 0) -> None:
        self.stubborn = stubborn
        super().__init__(behave)

    def good(self, request: dict[str, Any]) -> Reply:
        number = zlib.crc32(part_of(request, "对话").encode())
        draft = drafted()
        told = part_of(request, "上一稿的毛病")
        never = bool(self.stubborn) and number % self.stubborn == 0
        if never or (number % 4 == 0 and told == "（还没有）"):
            draft["facts"][0]["asks"] = ["您好？"]
            draft["steps"][1]["done_by"] = [["退款"]]
        for lookup in draft["lookups"]:
            lookup["private"] = []
        return Reply(f"写好了：\n```json\n{json.dumps(draft, ensure_ascii=False)}\n```")

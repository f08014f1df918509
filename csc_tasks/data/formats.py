"""The formats in which people have conversations, as tables of names: which field holds what, and who is who."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from csc_tasks.data.conversations import Speaker

__all__ = ["DROPPED", "FIELDS", "FORMATS", "SPEAKERS", "Format"]


class Format(StrEnum):
    """What ``--from`` can say."""

    CSCONV = "csconv"
    MESSAGES = "messages"
    SHAREGPT = "sharegpt"
    TURNS = "turns"
    ROWS = "rows"


FIELDS = ("dialogue", "speaker", "text", "strategy", "source", "conversation")
"""What ``--map`` can name: a conversation's list of utterances, an utterance's parts, the topic, in tables the id."""

_STRATEGY = ("strategy", "策略")
_TOPIC = ("source", "topic", "domain", "主题", "主題", "领域", "領域")
_ANY = {
    "dialogue": (
        *(
            "dialogue",
            "messages",
            "conversations",
            "conversation",
            "turns",
            "utterances",
            "dialog",
            "history",
        ),
        *("对话", "對話"),
    ),
    "speaker": ("speaker", "role", "from", "sender", "说话人", "說話人", "角色", "发言人", "發言人"),
    "text": ("text", "content", "value", "utterance", "message", "文本", "内容", "內容"),
    "strategy": _STRATEGY,
    "source": _TOPIC,
    "conversation": (
        *("conversation_id", "dialogue_id", "session_id", "conversation", "dialogue", "session", "id"),
        *("会话ID", "會話ID", "对话ID", "對話ID", "会话", "會話", "对话", "對話", "会话编号", "对话编号"),
    ),
}
FORMATS: Mapping[Format, Mapping[str, tuple[str, ...]]] = {
    Format.CSCONV: {
        "dialogue": ("dialogue",),
        "speaker": ("speaker",),
        "text": ("text",),
        "strategy": ("strategy",),
        "source": ("source",),
    },
    Format.MESSAGES: {
        "dialogue": ("messages",),
        "speaker": ("role",),
        "text": ("content",),
        "strategy": _STRATEGY,
        "source": _TOPIC,
    },
    Format.SHAREGPT: {
        "dialogue": ("conversations", "conversation"),
        "speaker": ("from",),
        "text": ("value",),
        "strategy": _STRATEGY,
        "source": _TOPIC,
    },
    Format.TURNS: {name: names for name, names in _ANY.items() if name != "conversation"},
    Format.ROWS: {name: names for name, names in _ANY.items() if name != "dialogue"},
}
"""For each format the names of each field, the preferred first."""

DROPPED = "drop"
"""What ``--speaker NAME=`` says of lines that nobody of the two speaks."""

_SUPPORTER = (
    *("客服", "坐席", "座席", "坐席员", "客服人员", "客服人員", "客服代表", "客服专员", "客服專員", "支持者"),
    *("agent", "assistant", "supporter", "gpt", "chatgpt", "bot", "staff", "operator"),
)
_CUSTOMER = (*("客户", "客戶", "用户", "用戶", "顾客", "顧客", "customer", "user", "human", "client"),)
SPEAKERS: Mapping[str, Speaker | None] = {
    **dict.fromkeys(_SUPPORTER, Speaker.SUPPORTER),
    **dict.fromkeys(_CUSTOMER, Speaker.CUSTOMER),
    **dict.fromkeys(("系统", "系統", "system", "developer", DROPPED)),
}
"""Who is who, in lower case; ``None``: what the system says is no part of a conversation."""

"""What a supporter is shown beside the conversation: the system's information on the case, and no more of the card.

It stands before the history, as a line of its own, so that the instruction of the response task stays word for word
what it is elsewhere.
"""

from __future__ import annotations

import hashlib

from csc_tasks.roleplay.in_play import CaseInPlay

__all__ = ["SUPPORTER_TEXT", "supporter_text_digest", "system_information"]

SUPPORTER_TEXT = "system-zh-1"
"""The version in use; another wording is another version."""
_TEXT = "系统信息（只有客服看得到，供查询使用；与客户情况不符的不适用，这里没有的不要编造）: {lines}\n"
_NEXT = "；"


def system_information(case: CaseInPlay) -> str:
    """The line of a case, newline included."""
    lines = (line.rstrip("。；") for line in case.system_information)
    return _TEXT.format(lines=_NEXT.join(" ".join(line.split()) for line in lines) + "。")


def supporter_text_digest() -> str:
    """SHA-256 (16 digits) of the wording."""
    return hashlib.sha256((_TEXT + _NEXT).encode()).hexdigest()[:16]

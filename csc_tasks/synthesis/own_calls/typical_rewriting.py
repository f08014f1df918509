"""Answers as models give them to a rewriting's questions: what a run will cost is estimated with them."""

from __future__ import annotations

import json
from typing import Any

from csc_tasks.data.conversations import Speaker
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.own_calls.rewrite import CHECKS
from csc_tasks.synthesis.steps import Case, Role, Step

__all__ = ["typical_rewriting"]

_UTTERANCES = 27
"""Of a conversation of CSConv, on average."""
_SAID = {
    Speaker.SUPPORTER: "您反映的情况我已经了解了，我先帮您把记录调出来核对一遍，查清楚以后马上告诉您接下来怎么办理。",
    Speaker.CUSTOMER: "好的，那麻烦你快一点帮我看看，我这边等着用呢，别又让我再打一次电话过来。",
}


def typical_rewriting(case: Case, step: Step, attempt: int) -> str:
    """The answer to a step, of a length as models write it."""
    answer: dict[str, Any]
    if step.role is Role.SCREENER:
        answer = {"abusive": False, "cold_supporter": False}
    elif step.role is Role.CRITIC:
        answer = {"reason": "对话完整收尾，客服的每次发言都在做所标的策略，没有系统提示音和第三个人。"}
        answer |= dict.fromkeys(CHECKS, True)
    elif step.schema is not None and "labels" in step.schema.schema["properties"]:
        count = sum(u.speaker is Speaker.SUPPORTER for u in step.material["utterances"])
        answer = {"labels": [{"number": i + 1, "strategy": Strategy.OTHERS.zh} for i in range(count)]}
    else:
        answer = {"dialogue": [_utterance(i) for i in range(_UTTERANCES)]}
    return json.dumps(answer, ensure_ascii=False)


def _utterance(at: int) -> dict[str, str]:
    first, last = [Strategy.GREETING, Strategy.IDENTITY_VERIFICATION], Strategy.APPRECIATION_AND_CLOSURE
    if at % 2:
        return {"speaker": Speaker.CUSTOMER.value, "strategy": "", "text": _SAID[Speaker.CUSTOMER]}
    turn = at // 2
    strategy = first[turn] if turn < 2 else last if at == _UTTERANCES - 1 else Strategy.INFORMATION_DELIVERY
    return {"speaker": Speaker.SUPPORTER.value, "strategy": strategy.zh, "text": _SAID[Speaker.SUPPORTER]}

"""The five marks of a conversation by rules, for runs without a model: plain faults are found, and no subtle ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.construction import UTTERANCES

__all__ = ["faults_in"]

LONGEST = 200
"""Characters that somebody says at once on the phone."""
OPENING = 6
"""Characters by which two utterances of one speaker begin alike."""
_ASKING = {Strategy.RESTATEMENT, Strategy.PROBLEM_REFINEMENT, Strategy.FEEDBACK_REQUEST}
_QUESTION = re.compile("[？?]|吗|呢")
_NAMED = re.compile(
    "不能|不可以|不行|不合|不在|无法|没有?(?:办法|法子|法|依据|权限|这样)|不了|不到|超出|违规"
)
_OTHERS_WORDS = {
    Speaker.SUPPORTER: re.compile("我叫\\[姓名\\]|我的(?:手机号|身份证号)"),
    Speaker.CUSTOMER: re.compile("为您服务|请问有什么可以帮|感谢您的来电|工号"),
}
_LEFT_OVER = re.compile(r"[{}|<>]|（(?:沉默|叹气|停顿|笑|挂断)|\((?:沉默|叹气|停顿|笑|挂断)")


def faults_in(said: Sequence[Utterance]) -> dict[str, str]:
    """By mark what speaks against it first; a mark that is not in it is given."""
    found: dict[str, str] = {}
    for mark, faults in {
        "strategy_followed": _strategies(said),
        "unreasonable_demands_named": _demands(said),
        "natural": _unnatural(said),
        "varied": _repeated(said),
        "in_role": _out_of_role(said),
    }.items():
        if fault := next(faults, ""):
            found[mark] = fault
    return found


def _strategies(said: Sequence[Utterance]) -> Iterator[str]:
    used = [u.strategy for u in said if u.speaker is Speaker.SUPPORTER]
    if used[:2] != [Strategy.GREETING, Strategy.IDENTITY_VERIFICATION]:
        yield "开头不是先礼貌问候、再确认身份"
    if not used or used[-1] is not Strategy.APPRECIATION_AND_CLOSURE:
        yield "不是以感谢与告别结束"
    if any(len({*three}) == 1 for three in zip(used, used[1:], used[2:], strict=False)):
        yield "同一种策略连着用了三次"
    for u in said:
        if u.strategy in _ASKING and not _QUESTION.search(u.text):
            yield f"{u.strategy.zh}没有问"
    stages = [s.stage.number for s in used if s and s.stage]
    if stages and max(stages[: len(stages) // 2], default=0) > 4:
        yield "前半段就在收尾"


def _demands(said: Sequence[Utterance]) -> Iterator[str]:
    for u in said:
        if u.strategy is Strategy.OTHERS and not _NAMED.search(u.text):
            yield "没有说清楚办不到"


def _unnatural(said: Sequence[Utterance]) -> Iterator[str]:
    if not UTTERANCES[0] <= len(said) <= UTTERANCES[1]:
        yield f"共{len(said)}次发言"
    if any(one.speaker is other.speaker for one, other in pairwise(said)):
        yield "有人连说两次"
    for u in said:
        if not 1 <= len(u.text.strip()) <= LONGEST:
            yield "发言太长或是空的"
        if _LEFT_OVER.search(u.text):
            yield "有不是说出来的东西"


def _repeated(said: Sequence[Utterance]) -> Iterator[str]:
    for speaker in Speaker:
        texts = [u.text for u in said if u.speaker is speaker]
        if len(set(texts)) < len(texts):
            yield f"{speaker.value}说了两次同样的话"
        begins = Counter(text[:OPENING] for text in texts if len(text) > OPENING)
        if any(count > 2 for count in begins.values()):
            yield f"{speaker.value}总用同样的开头"


def _out_of_role(said: Sequence[Utterance]) -> Iterator[str]:
    for u in said:
        if _OTHERS_WORDS[u.speaker].search(u.text):
            yield f"{u.speaker.value}说了对方才会说的话"

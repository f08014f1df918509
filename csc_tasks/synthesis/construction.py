"""The rules that CSConv was constructed by, beyond its schema: which of them a conversation breaks, and where."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from csc_tasks.data.conversations import Conversation
from csc_tasks.framework import Strategy

__all__ = ["BrokenRule", "ConstructionRule", "broken_rules"]

UTTERANCES = (10, 50)
"""Fewest and most of a conversation."""
IN_A_ROW = 2
"""Most times that one strategy comes in a row."""


class ConstructionRule(StrEnum):
    """One of the rules."""

    LENGTH = "10 to 50 utterances"
    GREETING = "礼貌问候 at least once"
    IDENTITY = "确认身份 at least once"
    CLOSURE = "感谢与告别 at least once"
    RUN = "no strategy more than twice in a row"
    CLOSED = "ends with 感谢与告别"


REQUIRED = {
    ConstructionRule.GREETING: Strategy.GREETING,
    ConstructionRule.IDENTITY: Strategy.IDENTITY_VERIFICATION,
    ConstructionRule.CLOSURE: Strategy.APPRECIATION_AND_CLOSURE,
}


class BrokenRule(NamedTuple):
    """A rule that is broken, and the utterance (from 0) that breaks it; ``None`` for the conversation as a whole."""

    rule: ConstructionRule
    utterance: int | None = None


def broken_rules(conversation: Conversation) -> list[BrokenRule]:
    """All that a conversation breaks; rules about strategies hold for labelled ones alone."""
    found = []
    fewest, most = UTTERANCES
    if not fewest <= len(conversation.utterances) <= most:
        found.append(BrokenRule(ConstructionRule.LENGTH))
    said = [(i, u.strategy) for i, u in enumerate(conversation.utterances) if u.strategy]
    if not said:
        return found
    named = [strategy for _, strategy in said]
    found += [BrokenRule(rule) for rule, strategy in REQUIRED.items() if strategy not in named]
    for at in range(IN_A_ROW, len(said)):
        if len(set(named[at - IN_A_ROW : at + 1])) == 1:
            found.append(BrokenRule(ConstructionRule.RUN, said[at][0]))
    if named[-1] is not Strategy.APPRECIATION_AND_CLOSURE:
        found.append(BrokenRule(ConstructionRule.CLOSED))
    return found

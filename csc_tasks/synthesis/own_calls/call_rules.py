"""What a real call must be to be rewritten, and what a conversation must be that came of it: CSConv's rules.

The thresholds are those of the published code of CSConv (aliyun/qwen-dianjin, DianJin-CSC).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from csc_tasks.data.conversations import MAX_UTTERANCE, Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.construction import REQUIRED, UTTERANCES
from csc_tasks.synthesis.own_calls.personal.kinds import PLACEHOLDERS

__all__ = ["CallFilter", "ConstructionRules", "is_stage_direction", "turns_of", "with_square_brackets"]

_DIRECTION = re.compile(r"\s*(?:\([^()]*\)|（[^（）]*）|\[[^\[\]]*\]|【[^【】]*】|\*[^*]*\*)[\s。.]*")
_OTHER_BRACKETS = re.compile(
    r"[【［〔「『<＜{｛(（]{1,2}\s{0,2}([\u4e00-\u9fffA-Za-z]{2,8})\s{0,2}[】］〕」』>＞}｝)）]{1,2}"
)


def turns_of(speakers: Sequence[Speaker]) -> int:
    """How many turns a call has: pairs of a stretch of one speaker and the other's answer, the last perhaps without.

    The published rule (3 to 30) does not say whether it counts utterances or pairs. Pairs it is: what comes of a call
    may have 50 utterances and has 27 on average, which calls of at most 30 utterances would not give; and recordings
    split what one person says into several lines, which are one stretch here.
    """
    stretches = sum(1 for _ in groupby(speakers))
    return (stretches + 1) // 2


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are worth rewriting.

    Attributes:
        fewest, most: turns, see :func:`turns_of`.
        longest: characters of an utterance.
        share: a customer with at most this share of the supporter's number of utterances hardly speaks.
        words: characters that an utterance must have more of to say something.
        telling: the share of the customer's utterances that must say something.
    """

    fewest: int = 3
    most: int = 30
    longest: int = MAX_UTTERANCE
    share: float = 0.5
    words: int = 3
    telling: float = 0.7

    def broken(self, utterances: Sequence[Utterance]) -> str:
        """The first rule that a call breaks, in few words; empty for a good one."""
        turns = turns_of([u.speaker for u in utterances])
        if turns < self.fewest:
            return f"fewer than {self.fewest} turns"
        if turns > self.most:
            return f"more than {self.most} turns"
        if any(len(u.text) > self.longest for u in utterances):
            return f"an utterance of more than {self.longest} characters"
        customer = [u.text for u in utterances if u.speaker is Speaker.CUSTOMER]
        if len(customer) <= self.share * (len(utterances) - len(customer)):
            return "the customer hardly speaks"
        if sum(len(text) > self.words for text in customer) < self.telling * len(customer):
            return "the customer says too little"
        return ""


@dataclass(frozen=True, slots=True)
class ConstructionRules:
    """What a conversation of CSConv must be.

    Attributes:
        fewest, most: utterances.
        longest: characters of an utterance.
        needed: strategies that must be there.
    """

    fewest: int = UTTERANCES[0]
    most: int = UTTERANCES[1]
    longest: int = MAX_UTTERANCE
    needed: tuple[Strategy, ...] = tuple(REQUIRED.values())

    @classmethod
    def of_form(cls) -> ConstructionRules:
        """The rules that concern the form alone: real calls that are only labelled are as long as they are."""
        return cls(fewest=1, most=10**9, needed=())

    def broken(self, utterances: Sequence[Utterance]) -> str:
        """The first rule that a conversation breaks, in few words; empty for a good one."""
        if len(utterances) < self.fewest:
            return f"fewer than {self.fewest} utterances"
        if len(utterances) > self.most:
            return f"more than {self.most} utterances"
        if any(a.speaker is b.speaker for a, b in pairwise(utterances)):
            return "the speakers do not alternate"
        if any(len(u.text) > self.longest for u in utterances):
            return f"an utterance of more than {self.longest} characters"
        strategies = {u.strategy for u in utterances}
        if any(u.strategy is None for u in utterances if u.speaker is Speaker.SUPPORTER):
            return "an utterance without a strategy"
        for strategy in self.needed:
            if strategy not in strategies:
                return f"no {strategy.zh}"
        if any(with_square_brackets(u.text) != u.text for u in utterances):
            return "a placeholder in other brackets"
        return ""


def is_stage_direction(text: str) -> bool:
    """Whether an utterance is nothing but a direction in brackets, as in （电话挂断）; a placeholder is none."""
    return (
        _DIRECTION.fullmatch(text) is not None and text.strip().strip("[]【】()（）*。. ") not in PLACEHOLDERS
    )


def with_square_brackets(text: str) -> str:
    """The text with its placeholders in square brackets, whatever brackets they stand in."""
    return _OTHER_BRACKETS.sub(lambda m: f"[{m[1]}]" if m[1] in PLACEHOLDERS else m[0], text)

"""Conversations for the tests of what becomes of them: as many as are needed, no two alike."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.ended import Ended

__all__ = ["ORDER", "dropped", "ended", "said", "talk", "talks"]

ORDER = (
    Strategy.GREETING,
    Strategy.IDENTITY_VERIFICATION,
    Strategy.PROBLEM_REFINEMENT,
    Strategy.PROVIDING_SUGGESTIONS,
    Strategy.APPRECIATION_AND_CLOSURE,
)
_CHARACTERS = [chr(c) for c in range(0x4E00, 0x5E00)]


def said(*texts: str, strategies: Sequence[Strategy] = ORDER, topic: str = "产品咨询") -> Conversation:
    """A conversation of these utterances, the supporter first."""
    named = iter(strategies)
    return Conversation.of(
        topic,
        (
            Utterance(Speaker.CUSTOMER, None, text)
            if i % 2
            else Utterance(Speaker.SUPPORTER, next(named), text)
            for i, text in enumerate(texts)
        ),
    )


def talk(number: int, strategies: Sequence[Strategy] = ORDER) -> Conversation:
    """A conversation unlike that of any other number."""
    chance = random.Random(number)
    texts = ("".join(chance.choices(_CHARACTERS, k=20)) + "。" for _ in range(2 * len(strategies)))
    return said(*texts, strategies=strategies)


def ended(number: int, conversation: Conversation | None = None, **provenance: object) -> Ended:
    """A case that gave a conversation, by default that of its number."""
    return Ended(
        f"{number:016x}", number, conversation or talk(number), "", {"ended": "closure", **provenance}
    )


def dropped(number: int, reason: str = "critic: not natural") -> Ended:
    """A case that gave none."""
    return Ended(f"{number:016x}", number, None, reason, {"profile": "甲"})


def talks(count: int) -> Iterator[Ended]:
    """So many cases that gave a conversation."""
    return map(ended, range(count))

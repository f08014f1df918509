"""Conversations and replies of a log for people to read: a few of them, the same of every model."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.leaderboards.board import BrowsedConversation, BrowsedReply, BrowsedTurn
from csc_tasks.leaderboards.browsed import BrowsedCase, BrowsedRolePlay
from csc_tasks.metrics import UNREADABLE, Tally
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.results.histories import Histories
from csc_tasks.results.sample_log import Chunk, SampleLog

__all__ = ["TextKeeper", "Texts"]

_SHOWN_SCORES = ("rouge_l_norm", "bleu_2_norm", "rouge_l", "bleu_2", "bertscore", "bleurt")
_GOLD = {strategy.zh: strategy.index for strategy in Strategy}


@dataclass(frozen=True, slots=True)
class Texts:
    """Conversations and a model's turns in them, for people to read; or cases and a model's role-plays of them."""

    conversations: tuple[BrowsedConversation, ...] = ()
    replies: dict[str, tuple[BrowsedReply | None, ...]] = field(default_factory=dict)
    cases: tuple[BrowsedCase, ...] = ()
    role_plays: dict[str, BrowsedRolePlay] = field(default_factory=dict)


class TextKeeper:
    """Gathers the texts of a log as it is read.

    Args:
        log: the log, of a task that writes text.
        tallies: the metrics that it has scores of, by name.
        most: how many conversations: those whose id has the smallest hash, the same in every run; ``None`` for all.
    """

    def __init__(self, log: SampleLog, tallies: Mapping[str, Tally], most: int | None) -> None:
        self._log = log
        self._tallies = tallies
        self._most = most
        self._said: Histories | None = None
        with suppress(ConfigError):
            self._said = Histories(log)
        self._heap: list[tuple[int, str]] = []  # of (minus hash, conversation)
        self._turns: dict[str, dict[int, tuple[BrowsedTurn, BrowsedReply]]] = {}

    def add(self, chunk: Chunk) -> None:
        """Take in a chunk's turns, as far as they are of the conversations that are kept."""
        for index, doc in enumerate(chunk.docs):
            name = doc["conversation"]
            if name not in self._turns and not self._takes(name):
                continue
            self._turns[name][doc["turn"]] = self._text(chunk, index)

    def _takes(self, name: str) -> bool:
        """Whether a conversation that is new is kept; another may have to go for it."""
        if self._most is not None:
            key = -int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
            if len(self._heap) >= self._most:
                if not self._heap or key <= self._heap[0][0]:
                    return False
                _, dropped = heapq.heapreplace(self._heap, (key, name))
                del self._turns[dropped]
            else:
                heapq.heappush(self._heap, (key, name))
        self._turns[name] = {}
        return True

    def _text(self, chunk: Chunk, index: int) -> tuple[BrowsedTurn, BrowsedReply]:
        doc, reply = chunk.docs[index], chunk.replies[index]
        said = self._customer(chunk, index)
        scores: dict[str, float] = {}
        for name in _SHOWN_SCORES:
            if name in self._tallies and chunk.items[name][index] is not None:
                score = self._tallies[name].metric.score([chunk.items[name][index]])
                if not math.isnan(score):
                    scores[name] = round(score, 4)
        strategy = None
        if self._log.kind is not TaskKind.RESPONSE_ORACLE:
            strategy = UNREADABLE if reply.strategy is None else reply.strategy.index
        gold = UNREADABLE if doc["strategy"] is None else _GOLD[doc["strategy"]]
        return BrowsedTurn(said, gold, doc["reference"]), BrowsedReply(strategy, reply.text, scores)

    def _customer(self, chunk: Chunk, index: int) -> str:
        """What the customer said since the supporter's last turn."""
        if self._said is None:  # prompts that this csconv does not have: shown without the customer
            return ""
        with suppress(ValueError):
            return "\n".join(text.strip() for text in self._said.customers(chunk, index))
        return ""

    def finish(self, topics: Mapping[str, str], expected: Mapping[str, int]) -> Texts:
        """What was kept; ``topics`` and ``expected`` are by conversation, the latter how many turns it has."""
        conversations, replies = [], {}
        blank = BrowsedTurn("", UNREADABLE, "")
        for name in sorted(self._turns):
            turns = self._turns[name]
            kept = [turns.get(i) for i in range(expected[name])]
            conversations.append(
                BrowsedConversation(name, topics[name], tuple(turn[0] if turn else blank for turn in kept))
            )
            replies[name] = tuple(turn[1] if turn else None for turn in kept)
        return Texts(tuple(conversations), replies)

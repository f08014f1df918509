"""Statistics of a set of conversations, for ``csconv data info``."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol

import numpy as np

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.framework import Stage, Strategy

__all__ = ["QUANTILES", "DataFile", "DataStatistics", "Summary", "record_of", "summarise"]

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)


class DataFile(Protocol):
    """Which conversations they are: a :class:`~csc_tasks.data.sources.Corpus`, or a file that was just written."""

    @property
    def path(self) -> PurePath:
        """Of the file."""

    @property
    def sha256(self) -> str:
        """Of its bytes."""

    @property
    def fingerprint(self) -> str:
        """Of its conversations."""

    @property
    def labelled(self) -> bool:
        """Whether they have strategies."""


@dataclass(frozen=True, slots=True)
class DataStatistics:
    """Counts and shares. Quantile rows hold the :data:`QUANTILES` and then the mean."""

    conversations: int
    utterances: int
    turns: int
    topics: dict[str, int]
    strategies: dict[Strategy, int]
    stages: dict[Stage | None, int]
    turns_per_conversation: tuple[float, ...]
    supporter_length: tuple[float, ...]
    customer_length: tuple[float, ...]


def _spread(values: Sequence[int]) -> tuple[float, ...]:
    if not values:
        return (float("nan"),) * (len(QUANTILES) + 1)
    return (*np.quantile(values, QUANTILES).tolist(), float(np.mean(values)))


class Summary:
    """Counts conversations one after the other; of each some bytes are kept, and no text. Lengths are in characters."""

    def __init__(self) -> None:
        self.conversations = 0
        self._topics: Counter[str] = Counter()
        self._strategies: Counter[Strategy] = Counter()
        self._turns = array("i")
        self._lengths = {speaker: array("i") for speaker in Speaker}

    def add(self, conversation: Conversation) -> None:
        """Count one more."""
        self.conversations += 1
        self._topics[conversation.topic] += 1
        self._turns.append(len(conversation.supporter_turns))
        for u in conversation.utterances:
            self._lengths[u.speaker].append(len(u.text))
            if u.strategy:
                self._strategies[u.strategy] += 1

    def statistics(self) -> DataStatistics:
        """Of all that were added."""
        stages: dict[Stage | None, int] = dict.fromkeys([*Stage, None], 0)
        for strategy, count in self._strategies.items():
            stages[strategy.stage] += count
        supporter, customer = (self._lengths[s] for s in (Speaker.SUPPORTER, Speaker.CUSTOMER))
        return DataStatistics(
            conversations=self.conversations,
            utterances=len(supporter) + len(customer),
            turns=len(supporter),
            topics=dict(self._topics.most_common()),
            strategies={s: self._strategies[s] for s in Strategy},
            stages=stages,
            turns_per_conversation=_spread(self._turns),
            supporter_length=_spread(supporter),
            customer_length=_spread(customer),
        )


def summarise(conversations: Iterable[Conversation]) -> DataStatistics:
    """Count everything once. Lengths are in characters."""
    summary = Summary()
    for conversation in conversations:
        summary.add(conversation)
    return summary.statistics()


def record_of(file: DataFile, found: DataStatistics) -> dict[str, object]:
    """Statistics and provenance as a JSON object."""
    return {
        "path": str(file.path),
        "sha256": file.sha256,
        "fingerprint": file.fingerprint,
        **({} if file.labelled else {"labelled": False}),
        "conversations": found.conversations,
        "utterances": found.utterances,
        "turns": found.turns,
        "strategies": {s.zh: n for s, n in found.strategies.items()},
        "stages": {s.en if s else None: n for s, n in found.stages.items()},
        "topics": found.topics,
        "quantiles": list(QUANTILES),
        "turns_per_conversation": list(found.turns_per_conversation),
        "supporter_characters": list(found.supporter_length),
        "customer_characters": list(found.customer_length),
    }

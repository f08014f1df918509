"""Statistics of a set of conversations, for ``csconv data info``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from csc_tasks.data.conversations import Conversation, Speaker
from csc_tasks.data.sources import Corpus
from csc_tasks.framework import Stage, Strategy

__all__ = ["QUANTILES", "DataStatistics", "record_of", "summarise"]

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)


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


def summarise(conversations: Sequence[Conversation]) -> DataStatistics:
    """Count everything once. Lengths are in characters."""
    utterances = [u for c in conversations for u in c.utterances]
    strategies = Counter(u.strategy for u in utterances if u.strategy)
    lengths: dict[Speaker, list[int]] = {speaker: [] for speaker in Speaker}
    for u in utterances:
        lengths[u.speaker].append(len(u.text))
    stages: dict[Stage | None, int] = dict.fromkeys([*Stage, None], 0)
    for strategy, count in strategies.items():
        stages[strategy.stage] += count
    return DataStatistics(
        conversations=len(conversations),
        utterances=len(utterances),
        turns=len(lengths[Speaker.SUPPORTER]),
        topics=dict(Counter(c.topic for c in conversations).most_common()),
        strategies={s: strategies[s] for s in Strategy},
        stages=stages,
        turns_per_conversation=_spread([len(c.supporter_turns) for c in conversations]),
        supporter_length=_spread(lengths[Speaker.SUPPORTER]),
        customer_length=_spread(lengths[Speaker.CUSTOMER]),
    )


def record_of(corpus: Corpus, found: DataStatistics) -> dict[str, object]:
    """Statistics and provenance as a JSON object."""
    return {
        "path": str(corpus.path),
        "sha256": corpus.sha256,
        "fingerprint": corpus.fingerprint,
        **({} if corpus.labelled else {"labelled": False}),
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

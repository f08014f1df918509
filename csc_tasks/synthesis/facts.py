"""What all processes and runs of an output folder asked and were answered, read from its journals in one pass."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from csc_tasks.chat.words import shown
from csc_tasks.synthesis.journal import Index, answers_in

__all__ = ["AskedSums", "asked_in"]


@dataclass
class AskedSums:
    """Sums by role over every answer that was ever paid for.

    Attributes:
        requests: answers, usable or not.
        prompt_tokens, answer_tokens: of them.
        models: that the servers say answered, by role, with counts.
        not_usable: by role and reason.
        cost: in the configuration's currency.
        begun: cases that were begun and are not over.
    """

    requests: Counter[str] = field(default_factory=Counter)
    prompt_tokens: Counter[str] = field(default_factory=Counter)
    answer_tokens: Counter[str] = field(default_factory=Counter)
    models: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    not_usable: Counter[tuple[str, str]] = field(default_factory=Counter)
    cost: float = 0.0
    begun: int = 0


def asked_in(folder: Path, index: Index) -> AskedSums:
    """Add up what stands in the journals of a folder.

    Raises:
        DataError, ChatError: a journal cannot be read.
    """
    sums = AskedSums()
    begun: set[str] = set()
    over = index.cases
    for answered in answers_in(folder):
        role = answered.role
        sums.requests[role] += 1
        sums.prompt_tokens[role] += answered.prompt_tokens
        sums.answer_tokens[role] += answered.completion_tokens
        sums.models[role][answered.model] += 1
        if not answered.usable:
            sums.not_usable[role, shown(answered.reason, 160)] += 1
        sums.cost += answered.cost
        if answered.case not in over:
            begun.add(answered.case)
    sums.begun = len(begun)
    return sums

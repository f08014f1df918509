"""What a run would ask and cost, without asking."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.chat.cache import AnswerCache
from csc_tasks.judging.keeper import known, recall
from csc_tasks.judging.questions import Questions
from csc_tasks.metrics.judge.sample import Sample

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would do: ``requests`` that are missing, with about how many tokens at most.

    ``cost`` is in the judge's currency; 0 without prices. ``most_requests`` and ``most_cost`` are reached if no
    answer is a verdict, and each question is put again as often as it may be.
    """

    samples: int = 0
    cached: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    most_requests: int = 0
    most_cost: float = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Estimate(*(one + another for one, another in pairs))


def estimate(questions: Questions, cache: AnswerCache, journal: Path, samples: Iterable[Sample]) -> Estimate:
    """Count what judging samples would ask; answers are counted at ``max_tokens``.

    Args:
        questions: what is asked of whom.
        cache: verdicts of all runs.
        journal: the path of the run's own, should there be one.
        samples: what is to be judged.

    Raises:
        ChatError: the cache cannot be used.
    """
    recall(cache, journal, questions.rubric)
    config = questions.config
    total = cached = prompt = most_requests = most_prompt = 0
    missing: set[str] = set()
    for sample in samples:
        total += 1
        if sample.silent:
            continue
        task = questions.task(sample)
        kept = None if task.key in missing else known(cache, questions.rubric, task.key).get(task.key)
        if task.key in missing or (kept and kept.settled(config.reasks)):
            cached += 1
        else:
            missing.add(task.key)
            left = config.reasks + 1 - (kept.answers if kept else 0)
            prompt += task.request.tokens
            most_requests += left
            most_prompt += left * task.request.tokens
    completion = len(missing) * config.longest
    return Estimate(
        total,
        cached,
        len(missing),
        prompt,
        completion,
        config.cost(prompt, completion),
        most_requests,
        config.cost(most_prompt, most_requests * config.longest),
    )

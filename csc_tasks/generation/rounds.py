"""Dialogues over any backend: the k-th turn of all conversations in one batch, then the next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from tqdm import tqdm

from csc_tasks.generation.asking import ask, losing_nothing
from csc_tasks.generation.dialogue import DialogueRequest, conversations_of
from csc_tasks.generation.independent import connections, each_on_its_own
from csc_tasks.generation.response_cache import KeptAnswers
from csc_tasks.generation.served_answers import served_answers
from csc_tasks.generation.window import fits_in_window
from csc_tasks.system.signals import ends_by_signals

__all__ = ["generate_dialogue"]

logger = logging.getLogger(__name__)


def generate_dialogue(lm: Any, requests: Sequence[DialogueRequest]) -> list[Any]:
    """Answer all turns of all dialogues; the answers come in the order of ``requests``.

    A backend that computes batches gets a round at a time, one that answers requests independently each
    dialogue for itself. The prompt that was really sent is stored on each request, hence in the sample log.

    Raises:
        HarnessError: the model failed, or returned another number of answers than it was asked for.
            What it had answered is kept, and the message says how to go on from there.
        Terminated: the process was asked to end; the same holds.
    """
    dialogues = conversations_of(requests)
    total = sum(map(len, dialogues))
    answers: dict[int, Any] = {}
    with (
        ends_by_signals(),
        KeptAnswers(lm) as kept,
        served_answers(lm),
        tqdm(total=total, desc="Dialogue turns", disable=lm.rank != 0) as bar,
        losing_nothing(kept, lambda: f" after {len(answers)} of {total} turns"),
    ):

        def on_answer(request: DialogueRequest, answer: Any) -> None:
            answers[id(request)] = answer
            bar.update()

        if connections(lm) and dialogues:
            each_on_its_own(lm, dialogues, kept, lambda batch: ask(lm, batch, kept, quiet=True), on_answer)
        else:
            _in_rounds(lm, dialogues, kept, on_answer)
    return [answers.get(id(request), "") for request in requests]


def _in_rounds(
    lm: Any,
    dialogues: Sequence[Sequence[DialogueRequest]],
    kept: KeptAnswers,
    on_answer: Callable[[DialogueRequest, Any], None],
) -> None:
    """The k-th turn of all dialogues in one batch, then the next."""
    rounds = max(map(len, dialogues), default=0)
    if getattr(lm, "batch_size", None) == "auto" and hasattr(lm, "_detect_batch_size"):
        logger.warning("batch_size=auto measures anew in each of the %d rounds; a number is faster", rounds)
    if getattr(lm, "data_parallel_size", 1) > 1:
        logger.warning(
            "data_parallel_size loads the model anew in each of the %d rounds; see docs/running.md", rounds
        )
    for number in range(rounds):
        batch = [group[number] for group in dialogues if number < len(group)]
        for request in batch:
            request.ask(fits_in_window(lm, request.args[1]))
        for request, answer in zip(batch, ask(lm, batch, kept, quiet=True), strict=True):
            request.take(answer)
            on_answer(request, answer)
        kept.flush()

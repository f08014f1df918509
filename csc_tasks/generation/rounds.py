"""Dialogues over any backend: the k-th turn of all conversations in one batch, then the next."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from tqdm import tqdm

from csc_tasks.generation.asking import ask, losing_nothing
from csc_tasks.generation.dialogue import DialogueRequest, conversations_of
from csc_tasks.generation.independent import OnAnswer, OnEnd, connections, each_on_its_own
from csc_tasks.generation.response_cache import KeptAnswers
from csc_tasks.generation.served_answers import served_answers
from csc_tasks.generation.side_by_side import side_by_side
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
    try:
        return _answered(lm, requests, dialogues)
    except BaseException:
        # After what was answered is safe: letting go of a server may take seconds.
        for group in dialogues:
            if group[0].dialogue is not None:
                group[0].dialogue.stop()
        raise


def _answered(
    lm: Any, requests: Sequence[DialogueRequest], dialogues: Sequence[Sequence[DialogueRequest]]
) -> list[Any]:
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

        def on_end(requests: Sequence[DialogueRequest]) -> None:
            # What will not be asked is no work: the time that is left is told from the rest.
            bar.total -= sum(id(request) not in answers for request in requests)
            bar.refresh()

        if connections(lm) and dialogues:
            one = partial(ask, lm, kept=kept, quiet=True)
            each_on_its_own(lm, dialogues, kept, one, on_answer, on_end)
        else:
            _in_rounds(lm, dialogues, kept, on_answer, on_end)
        _say_what_broke_off(dialogues, kept)
    return [answers.get(id(request), "") for request in requests]


def _in_rounds(
    lm: Any,
    dialogues: Sequence[Sequence[DialogueRequest]],
    kept: KeptAnswers,
    on_answer: OnAnswer,
    on_end: OnEnd,
) -> None:
    """The k-th turn of all dialogues that are not over in one batch, then the next."""
    rounds = max(map(len, dialogues), default=0)
    if getattr(lm, "batch_size", None) == "auto" and hasattr(lm, "_detect_batch_size"):
        logger.warning("batch_size=auto measures anew in each of the %d rounds; a number is faster", rounds)
    if getattr(lm, "data_parallel_size", 1) > 1:
        logger.warning(
            "data_parallel_size loads the model anew in each of the %d rounds; see docs/running.md", rounds
        )
    for number in range(rounds):
        dialogues = _those_that_go_on(dialogues, number, on_end)
        batch = [group[number] for group in dialogues]
        for request in batch:
            request.ask(fits_in_window(lm, request.args[1]))
        for request, answer in zip(batch, ask(lm, batch, kept, quiet=True), strict=True):
            request.take(answer)
            on_answer(request, answer)
        kept.flush()


def _those_that_go_on(
    dialogues: Sequence[Sequence[DialogueRequest]], number: int, on_end: OnEnd
) -> list[Sequence[DialogueRequest]]:
    """The dialogues that have a turn of this number, now that their customers have spoken."""
    asked = [group for group in dialogues if number < len(group)]
    waiting = deque(group[number].dialogue for group in asked)

    def work(over: threading.Event) -> None:
        while waiting and not over.is_set():
            try:
                dialogue = waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            assert dialogue is not None
            dialogue.hear()

    listening = max((dialogue.listeners for dialogue in waiting if dialogue), default=0)
    if listening:
        side_by_side(work, min(listening, len(waiting)))
    else:
        work(threading.Event())
    going_on = []
    for group in dialogues:
        dialogue = group[0].dialogue
        assert dialogue is not None
        if number < len(group) and not dialogue.over:
            going_on.append(group)
        else:
            on_end(group)
    return going_on


def _say_what_broke_off(dialogues: Sequence[Sequence[DialogueRequest]], kept: KeptAnswers) -> None:
    """What ended for no reason of the model's goes on with the same command: the model's answers must outlive it."""
    reasons = Counter(group[0].dialogue.unfinished for group in dialogues if group[0].dialogue)
    del reasons[""]
    if reasons:
        ((reason, _),) = reasons.most_common(1)
        logger.error(
            "%d of %d conversations broke off (%s). %s",
            reasons.total(),
            len(dialogues),
            reason,
            kept.rescue(),
        )

"""The request types of reference context: a model's own methods answer them, and nothing is lost on the way.

lm-eval would put such requests to the model itself. With a type of their own they pass through here first, where
the model is known: what its window cuts off is noted, an error is told from an answer, and when the model
fails, what it had answered is kept, with or without ``--use_cache``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from csc_tasks.generation.asking import ask, losing_nothing
from csc_tasks.generation.response_cache import KeptAnswers
from csc_tasks.generation.served_answers import served_answers
from csc_tasks.generation.turn_requests import TurnRequest
from csc_tasks.generation.window import fits_in_window
from csc_tasks.system.signals import ends_by_signals

__all__ = ["answer_turns", "rank_options"]


def answer_turns(lm: Any, requests: Sequence[TurnRequest]) -> list[Any]:
    """The replies to n prompts, by the model's ``generate_until``.

    Raises:
        HarnessError: the model failed, or returned another number of answers than it was asked for; what it had
            answered is kept, and the message says how to go on from there.
        Terminated: the process was asked to end; the same holds.
    """
    return _answered(lm, requests, "generate_until")


def rank_options(lm: Any, requests: Sequence[TurnRequest]) -> list[Any]:
    """The (log-likelihood, is greedy) of n options, by the model's ``loglikelihood``.

    Raises:
        HarnessError: as :func:`answer_turns`.
    """
    return _answered(lm, requests, "loglikelihood")


def _answered(lm: Any, requests: Sequence[TurnRequest], method: str) -> list[Any]:
    _note_what_is_cut(lm, requests)
    for request in requests:
        request.request_type = method  # as the model would have seen it
    with ends_by_signals(), KeptAnswers(lm) as kept, served_answers(lm), losing_nothing(kept):
        return ask(lm, requests, kept, method)


def _note_what_is_cut(lm: Any, requests: Sequence[TurnRequest]) -> None:
    """Note on each request whether its prompt is longer than the model takes, where the backend says how long."""

    def conversation(request: TurnRequest) -> tuple[str, str]:
        return str(request.task_name), request.doc["conversation"]

    for _, group in groupby(requests, conversation):
        turns = list({id(request): request for request in group}.values())
        ranks = turns[0].method == "loglikelihood"
        fits = fits_in_window(lm, {}, answer=1) if ranks else fits_in_window(lm, turns[0].args[1])
        if fits is None:
            return
        # Within a conversation prompts only grow: bisect for the first that does not fit.
        turns.sort(key=lambda request: request.doc["turn"])
        first = _first_false(turns, fits)
        for number, request in enumerate(turns):
            request.truncated = number >= first


def _first_false(turns: Sequence[TurnRequest], fits: Callable[[Any], bool]) -> int:
    """How many of the turns come before the first whose prompt does not fit."""
    low, high = 0, len(turns)
    if high and fits(turns[-1].args[0]):
        return high
    while low < high:
        middle = (low + high) // 2
        if fits(turns[middle].args[0]):
            low = middle + 1
        else:
            high = middle
    return low

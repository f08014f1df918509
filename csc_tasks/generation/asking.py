"""Putting requests to a model: what earlier runs answered is not asked again, and an error is no answer."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from csc_tasks.errors import CSConvError, HarnessError
from csc_tasks.generation.response_cache import KeptAnswers
from csc_tasks.protocol.answers import ServedAnswer, has_failed
from csc_tasks.system.signals import stopped_by, undisturbed

__all__ = ["ask", "losing_nothing"]

logger = logging.getLogger(__name__)

NOTHING = "the backend gave None"
_ATTEMPTS = 2
"""How often a request is made whose answer is an error: a server's bad moment should not cost a turn."""


def ask(
    lm: Any,
    requests: Sequence[Any],
    kept: KeptAnswers,
    method: str = "generate_until",
    quiet: bool = False,
) -> list[Any]:
    """The answers to some requests: those known from an earlier run, and the model's for the rest.

    An answer of an endpoint that failed (:func:`~csc_tasks.protocol.answers.has_failed`) is asked for once
    more, and is not kept: the next run asks for it again.

    Args:
        lm: the model.
        requests: n instances of the harness.
        kept: answers of earlier runs, and where new ones are put.
        method: of the model, which answers them.
        quiet: show no progress bar, where the model can do without.

    Raises:
        ValueError: the model returned another number of answers than it was asked for.
    """
    answers = [kept.get(request) for request in requests]
    missing = [i for i, answer in enumerate(answers) if answer is None]
    answer_all = getattr(lm, method)
    silent = quiet and "disable_tqdm" in inspect.signature(answer_all).parameters
    options = {"disable_tqdm": True} if silent else {}
    for _ in range(_ATTEMPTS):
        if not missing:
            break
        new = answer_all([requests[i] for i in missing], **options)
        if len(new) != len(missing):
            raise ValueError(f"{type(lm).__name__} returned {len(new)} answers to {len(missing)} requests")
        for i, answer in zip(missing, new, strict=True):
            answers[i] = ServedAnswer("", NOTHING) if answer is None else answer
            if has_failed(answers[i]):
                kept.forget(requests[i])
            else:
                kept.put(requests[i], answer)
        # A backend that says None will say it again.
        missing = [
            i for i, answer in zip(missing, new, strict=True) if answer is not None and has_failed(answer)
        ]
    return answers


@contextmanager
def losing_nothing(kept: KeptAnswers, done: Callable[[], str] = lambda: "") -> Iterator[None]:
    """While a model answers: whatever ends it, its answers are kept, and the message says how to go on from there.

    Args:
        kept: where they are.
        done: says how far it came, for the message.

    Raises:
        HarnessError: the model failed. Our own errors, and what is no ``Exception``, stay what they are.
        KeyboardInterrupt, Terminated: the process was asked to end.
    """
    try:
        yield
    except BaseException as error:
        anything_new = kept.anything_new
        # The next signal must not cost what this one has not.
        with undisturbed():
            saved = kept.rescue()
        if by := stopped_by(error):
            logger.error("stopped by %s%s. %s", by, done(), saved)
            raise
        if isinstance(error, CSConvError):
            if anything_new:
                logger.error("%s", saved)
            raise
        message = f"the model failed{done()} ({type(error).__name__}: {error}). {saved}"
        logger.error("%s", message, exc_info=error)
        if isinstance(error, Exception):
            raise HarnessError(message) from error
        raise
    kept.close()

"""Dialogues over a backend that answers requests independently of each other, as an endpoint does.

There a round would wait for its slowest answer, and of a hundred answers one is always slow. Each conversation
goes on as soon as its own answer is there; as many are under way as the backend has connections.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

from csc_tasks.generation.dialogue import DialogueRequest
from csc_tasks.generation.response_cache import KeptAnswers
from csc_tasks.generation.window import fits_in_window
from csc_tasks.harness.lm_eval import quiet_requests
from csc_tasks.system.signals import stopped_by

__all__ = ["connections", "each_on_its_own"]

_PATIENCE = 5.0
"""Seconds that requests under way are waited for by who is asked to end; schedulers kill after some ten."""

OnAnswer = Callable[[DialogueRequest, Any], None]


def connections(lm: Any) -> int:
    """How many single requests the backend has under way at once; 0 where it answers in batches.

    Known of lm-eval's API models, one request a prompt (``batch_size`` 1) and ``num_concurrent`` above 1.
    """
    module = sys.modules.get("lm_eval.models.api_models")  # absent: no such model was made
    if module is None or not isinstance(lm, module.TemplateAPI):
        return 0
    at_once = int(getattr(lm, "_concurrent", 1))
    return at_once if at_once > 1 and str(getattr(lm, "_batch_size", 1)) == "1" else 0


def each_on_its_own(
    lm: Any,
    dialogues: Sequence[Sequence[DialogueRequest]],
    kept: KeptAnswers,
    ask: Callable[[list[DialogueRequest]], list[Any]],
    on_answer: OnAnswer,
) -> None:
    """Answer every dialogue, turn by turn, side by side.

    Args:
        lm: the model; its :func:`connections` say how many dialogues are under way.
        dialogues: the requests of each, in turn order.
        kept: answers of earlier runs; written to disk now and then.
        ask: puts requests to the model, or to the answers of earlier runs.
        on_answer: called with each request and its answer, one call at a time.

    Raises:
        Exception: what the model raised first, or what asked the process to end; no further turn is asked for.
    """
    # The longest first: whoever begins last should not have the longest way.
    waiting = deque(sorted(dialogues, key=len, reverse=True))
    over = threading.Event()
    # Tokenizers, the task's caches and the progress bar are not made for threads; the model's waiting is.
    alone = threading.Lock()

    def work() -> None:
        while not over.is_set():
            try:
                dialogue = waiting.popleft()
            except IndexError:
                return
            for request in dialogue:
                if over.is_set():
                    return
                with alone:
                    request.ask(fits_in_window(lm, request.args[1]))
                (answer,) = ask([request])
                with alone:
                    request.take(answer)
                    on_answer(request, answer)

    outcomes: SimpleQueue[BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised where it is waited for
            outcomes.put(error)
        else:
            outcomes.put(None)

    # Daemons: who is asked to end cannot wait for a server that does not answer.
    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(connections(lm), len(dialogues)))]
    with quiet_requests():
        try:
            for thread in threads:
                thread.start()
            for _ in threads:
                if (error := outcomes.get()) is not None:
                    raise error
        except BaseException as error:
            over.set()
            _await_answers(threads, _PATIENCE if stopped_by(error) else None)
            raise
    kept.flush()


def _await_answers(threads: Sequence[threading.Thread], seconds: float | None) -> None:
    """Give the requests under way the time to be answered, for they are paid for; ``None`` is any time."""
    end = None if seconds is None else time.monotonic() + seconds
    for thread in threads:
        thread.join(None if end is None else max(0.0, end - time.monotonic()))

"""Dialogues over a backend that answers requests independently of each other, as an endpoint does.

There a round would wait for its slowest answer, and of a hundred answers one is always slow. Each conversation
goes on as soon as its own answer is there; as many are under way as the backend has connections.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from csc_tasks.generation.dialogue import DialogueRequest
from csc_tasks.generation.response_cache import KeptAnswers
from csc_tasks.generation.side_by_side import side_by_side
from csc_tasks.generation.window import fits_in_window
from csc_tasks.harness.lm_eval import quiet_requests

__all__ = ["OnAnswer", "OnEnd", "connections", "each_on_its_own"]

OnAnswer = Callable[[DialogueRequest, Any], None]
OnEnd = Callable[[Sequence[DialogueRequest]], None]


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
    on_end: OnEnd,
) -> None:
    """Answer every dialogue, turn by turn, side by side.

    Args:
        lm: the model; its :func:`connections` say how many dialogues are under way.
        dialogues: the requests of each, in turn order.
        kept: answers of earlier runs; written to disk now and then.
        ask: puts requests to the model, or to the answers of earlier runs.
        on_answer: called with each request and its answer, one call at a time.
        on_end: called with the requests of each dialogue that is over, answered or not.

    Raises:
        Exception: what the model raised first, or what asked the process to end; no further turn is asked for.
    """
    # The longest first: whoever begins last should not have the longest way.
    waiting = deque(sorted(dialogues, key=len, reverse=True))
    # Tokenizers, the task's caches and the progress bar are not made for threads; the model's waiting is.
    alone = threading.Lock()
    at_once = connections(lm)
    places = threading.Semaphore(at_once)

    def work(over: threading.Event) -> None:
        while not over.is_set():
            try:
                requests = waiting.popleft()
            except IndexError:
                return
            for request in requests:
                if over.is_set():
                    return
                assert request.dialogue is not None
                request.dialogue.hear()
                if request.dialogue.over:
                    break
                with alone:
                    request.ask(fits_in_window(lm, request.args[1]))
                with places:
                    if over.is_set():  # while it heard, or waited for its place
                        return
                    (answer,) = ask([request])
                with alone:
                    request.take(answer)
                    on_answer(request, answer)
            with alone:
                on_end(requests)

    # While some wait for the model, as many others may wait for their customers.
    listening = max((group[0].dialogue.listeners for group in dialogues if group[0].dialogue), default=0)
    with quiet_requests():
        side_by_side(work, min(at_once + listening, len(dialogues)), lambda: _stop(dialogues))
    kept.flush()


def _stop(dialogues: Sequence[Sequence[DialogueRequest]]) -> None:
    for group in dialogues:
        if group[0].dialogue is not None:
            group[0].dialogue.stop()

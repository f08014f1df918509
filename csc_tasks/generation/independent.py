"""Dialogues over a backend that answers requests independently of each other, as an endpoint does.

There a round would wait for its slowest answer, and of a hundred answers one is always slow. Each conversation
goes on as soon as its own answer is there; as many are under way as the backend has connections.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from csc_tasks.generation.dialogue import DialogueRequest
from csc_tasks.generation.response_cache import KeptAnswers
from csc_tasks.generation.window import fits_in_window
from csc_tasks.harness.lm_eval import quiet_requests

__all__ = ["connections", "each_on_its_own"]

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
        Exception: what the model raised first; no further turn is asked for.
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

    with quiet_requests(), ThreadPoolExecutor(min(connections(lm), len(dialogues))) as pool:
        running = [pool.submit(work) for _ in range(min(connections(lm), len(dialogues)))]
        try:
            for future in wait(running, return_when=FIRST_EXCEPTION).done:
                future.result()
        finally:
            over.set()
    kept.flush()

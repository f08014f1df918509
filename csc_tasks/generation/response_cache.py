"""Answers that outlive a failure: lm-eval's response cache for our requests, or a rescue file in its format."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from lm_eval.api.model import hash_args

from csc_tasks.generation.dialogue import REQUEST_TYPE, DialogueRequest
from csc_tasks.generation.turn_requests import TurnRequest

__all__ = ["KeptAnswers"]

Request = DialogueRequest | TurnRequest

logger = logging.getLogger(__name__)


class KeptAnswers:
    """The answers a model has given, under the keys of lm-eval's response cache.

    ``--use_cache`` wraps the request types it knows; other types go to the wrapped model itself, whose
    ``cache_hook`` writes to the cache but does not read it. This reads it. Without ``--use_cache``
    the hook gets a dictionary for the time being: backends report each answer to the hook as it comes,
    so that even what was answered inside a failing batch is there for :meth:`rescue`.
    """

    def __init__(self, lm: Any) -> None:
        self._rank = lm.rank
        self._hook = getattr(lm, "cache_hook", None)
        cache = getattr(self._hook, "dbdict", None)
        self._persistent = cache is not None
        self._answers: MutableMapping[str, Any] = cache if cache is not None else {}

    def __enter__(self) -> KeptAnswers:
        if self._hook is not None and not self._persistent:
            self._hook.dbdict = self._answers
        return self

    def __exit__(self, *_: object) -> None:
        if self._hook is not None and not self._persistent:
            self._hook.dbdict = None

    def get(self, request: Request) -> Any:
        """The answer to the same request in an earlier run, or ``None``.

        A sampled answer is never used again, as in lm-eval's own cache.
        """
        if not self._persistent or _samples(request):
            return None
        return next((self._answers[key] for key in _keys(request) if key in self._answers), None)

    def put(self, request: Request, answer: Any) -> None:
        """Keep an answer."""
        for key in _keys(request):
            self._answers[key] = answer

    def forget(self, request: Request) -> None:
        """Do not keep what a backend wrote of its own accord: it was no answer."""
        for key in _keys(request):
            self._answers.pop(key, None)

    def flush(self) -> None:
        """Have everything on disk before going on, if there is a cache on disk."""
        if self._persistent:
            self._answers.commit()  # type: ignore[attr-defined]

    def rescue(self) -> str:
        """Make sure that the answers are on disk, and say how to go on from there."""
        if self._persistent:
            self.flush()
            return "Its answers are in the cache: the same command again goes on from there"
        if not self._answers:
            return "It had not answered anything"
        name = f"csconv_rescue_{time.strftime('%Y%m%dT%H%M%S')}"
        # The working folder may be gone or read-only, and this is the last chance to keep anything.
        for path in (Path(name), Path(tempfile.gettempdir()) / name):
            try:
                self._write(f"{path}_rank{self._rank}.db")
            except Exception:
                logger.exception("the answers could not be written to %s", path)
            else:
                return f"Its answers are kept: the same command with --use_cache {path} goes on from there"
        return "Its answers could NOT be written to disk; the log says why"

    def _write(self, path: str) -> None:
        from sqlitedict import SqliteDict

        with SqliteDict(path) as file:
            file.update(self._answers)
            file.commit()


def _samples(request: Request) -> bool:
    generation = request.args[1]
    return isinstance(generation, dict) and bool(generation.get("do_sample", False))


def _keys(request: Request) -> list[str]:
    """Under what an answer is kept, the most exact first.

    lm-eval's own key, of the prompt, is what backends write under while a batch is running. A dialogue's turn has
    one of its own as well: where the supporter opens, the first prompt is the same in every conversation, and few
    models answer the same prompt the same way every time. A resumed run must give each conversation its own
    answer back, or its later prompts are others and everything after is asked again.
    """
    if isinstance(request, TurnRequest):
        return [str(hash_args(request.method, request.args))]
    own = str(hash_args("generate_until", request.args))
    return [str(hash_args(REQUEST_TYPE, (request.doc["conversation"], request.idx, *request.args))), own]

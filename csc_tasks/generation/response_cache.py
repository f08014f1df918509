"""Answers that outlive a failure: lm-eval's response cache for our requests, or a rescue file beside it."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from lm_eval.api.model import hash_args

from csc_tasks.errors import DataError
from csc_tasks.generation.cache_file import plain_value, read_rescued, write_rescued
from csc_tasks.generation.dialogue import DialogueRequest
from csc_tasks.generation.turn_requests import TurnRequest
from csc_tasks.harness.last_words import before_the_end
from csc_tasks.harness.request_names import GENERATE_DIALOGUE

__all__ = ["KeptAnswers", "begin_run"]

Request = DialogueRequest | TurnRequest

logger = logging.getLogger(__name__)


class KeptAnswers:
    """The answers a model has given, under the keys of lm-eval's response cache.

    ``--use_cache`` wraps the request types it knows; other types go to the wrapped model itself, whose
    ``cache_hook`` writes to the cache but does not read it. This reads it. Backends report each answer to the hook
    as it comes; here it is remembered as well, so that what was answered inside a failing batch, or could not be
    written to the cache, is there for :meth:`rescue`.
    """

    def __init__(self, lm: Any) -> None:
        _run.rank = lm.rank
        self._hook = getattr(lm, "cache_hook", None)
        self._cache: Any = getattr(self._hook, "dbdict", None)
        self._new: dict[str, Any] = {}
        self._rescued: dict[str, Any] = {}
        self._broken = ""
        if self._cache is not None and hasattr(self._cache, "filename"):
            # Its values are pickles: what lm-eval did not write must not be run.
            self._cache.decode = plain_value
            self._rescued = read_rescued(Path(self._cache.filename))

    def __enter__(self) -> KeptAnswers:
        if self._hook is not None:
            self._hook.dbdict = self
        return self

    def __exit__(self, *_: object) -> None:
        if self._hook is not None:
            self._hook.dbdict = self._cache

    def __setitem__(self, key: str, answer: Any) -> None:
        """Keep an answer under a key; what lm-eval's hook does with its cache."""
        # What a server said beside an answer is nothing to keep.
        answer = str(answer) if isinstance(answer, str) else answer
        self._new[key] = answer
        if self._cache is None or self._broken:
            return
        try:
            self._cache[key] = answer
        except sqlite3.Error as error:
            self._break(error)

    def get(self, request: Request) -> Any:
        """The answer to the same request in an earlier run, or ``None``.

        A sampled answer is never used again, as in lm-eval's own cache.

        Raises:
            DataError: the cache is damaged, or not lm-eval's.
        """
        if self._cache is None or self._broken or _samples(request):
            return None
        for key in _keys(request):
            if key in self._rescued:
                return self._rescued[key]
            try:
                if key in self._cache:
                    return self._cache[key]
            except sqlite3.Error as error:
                raise DataError(
                    f"{self._cache.filename}: the cache is damaged ({error}); sqlite3's .recover may save what it has, "
                    "or name another with --use_cache"
                ) from None
        return None

    @property
    def anything_new(self) -> bool:
        """Whether this run has answers, of whatever requests, that were not there before."""
        return bool(self._new or _run.answers)

    def _break(self, error: sqlite3.Error) -> None:
        """Go on without the cache: what it does not take, a full disk's say, must not cost what is answered."""
        self._broken = f"{self._cache.filename} cannot be written ({error})"
        logger.error("%s; answers are kept in memory from here on", self._broken)

    def put(self, request: Request, answer: Any) -> None:
        """Keep an answer."""
        for key in _keys(request):
            self[key] = answer

    def forget(self, request: Request) -> None:
        """Do not keep what a backend wrote of its own accord: it was no answer."""
        for key in _keys(request):
            self._new.pop(key, None)
            if self._cache is not None and not self._broken:
                self._cache.pop(key, None)

    def flush(self) -> None:
        """Have everything on disk before going on, if there is a cache on disk."""
        if self._cache is not None and not self._broken:
            try:
                self._cache.commit()
            except sqlite3.Error as error:  # writes of before may show here, too
                self._break(error)

    def close(self) -> None:
        """When all is answered: what the cache would not take is written elsewhere, and what has none remembered."""
        self.flush()
        if self._broken:
            logger.error("%s. %s", self._broken, self._saved())
        elif self._cache is None:
            _run.answers.update(self._new)

    def rescue(self) -> str:
        """Make sure that the answers are on disk, and say how to go on from there."""
        self.flush()
        if self._cache is not None and not self._broken:
            return "Its answers are in the cache: the same command again goes on from there"
        return self._saved()

    def _saved(self) -> str:
        _run.answers.update(self._new)
        return _run.save()


class _Run:
    """What the models of this run have answered that no cache on disk has: of all its requests, whatever their type."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.rank = 0

    def save(self) -> str:
        """Write it down, and say how to go on from there."""
        if not self.answers:
            return "It had not answered anything"
        name = f"csconv_rescue_{time.strftime('%Y%m%dT%H%M%S')}_{_token()}"
        # The working folder may be gone or read-only, and this is the last chance to keep anything.
        for path in (Path(name), Path(f"{name}_again"), Path(tempfile.gettempdir()) / name):
            try:
                write_rescued(Path(f"{path}_rank{self.rank}.db"), dict(self.answers))
            except FileExistsError:  # this run's own, of a moment ago, which has less in it
                continue
            except Exception:
                logger.exception("the answers could not be written to %s", path)
            else:
                self.answers.clear()
                return f"Its answers are kept: the same command with --use_cache {path} goes on from there"
        return "Its answers could NOT be written to disk; the log says why"


def _token() -> str:
    """What tells two runs of one second apart: answers are found again by their prompts, whoever gave them.

    The processes of one run have the same.
    """
    if int(os.environ.get("WORLD_SIZE", "1") or 1) < 2:
        return str(os.getpid())
    shared = [os.environ.get(name, "") for name in ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT")]
    return hashlib.sha256("/".join(shared).encode()).hexdigest()[:8]


_run = _Run()


def begin_run() -> None:
    """Before a run asks anything: what is answered from here on belongs together, and is saved if the run fails later.

    After generation scores are computed and files written, for minutes; whatever goes wrong there must not cost the
    hours before.
    """
    _run.answers.clear()
    before_the_end(lambda: _run.save() if _run.answers else "")


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
    return [str(hash_args(GENERATE_DIALOGUE, (request.doc["conversation"], request.idx, *request.args))), own]

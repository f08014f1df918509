"""Keeping verdicts while a run goes on: at once in the journal, soon after in the cache, and nowhere twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from csc_tasks.chat.cache import AnswerCache, CacheKind
from csc_tasks.chat.journal import Journal, read_journal, rescue
from csc_tasks.errors import ChatError
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import SILENT, Status, Verdict

__all__ = ["Keeper", "known_verdicts", "open_cache", "recall"]

PULSE = 1.0
"""Seconds between two writes to the cache, which cost more than one to the journal."""
_VERDICTS = CacheKind(
    name="verdict cache",
    application_id=0x63736A31,  # "csj1"
    table="verdicts",
    column="verdict",
    remedy="Verdicts that stand in verdicts_*.jsonl files beside the samples are not asked for again",
)

Place = tuple[str, str, int | None]
"""Key, conversation and turn of a line of the journal."""


def open_cache(path: Path) -> AnswerCache:
    """The verdicts of all runs that name this file.

    Raises:
        ChatError: the file is not a verdict cache, or cannot be opened or made.
    """
    return AnswerCache(path, _VERDICTS)


def known_verdicts(cache: AnswerCache, *keys: str) -> dict[str, Verdict]:
    """The verdicts of those keys that have one; an entry that is no verdict is a miss.

    Raises:
        ChatError: the cache cannot be read.
    """
    found: dict[str, Verdict] = {}
    for key, record in cache.get(keys).items():
        with suppress(ValueError, TypeError):
            found[key] = Verdict.of(record)
    return found


def recall(cache: AnswerCache, journal: Path) -> set[Place]:
    """Put a journal's verdicts into the cache, should it not have them; the places that have one.

    Raises:
        ChatError: the cache cannot be written.
    """
    places: set[Place] = set()
    verdicts: dict[str, Any] = {}
    for record in read_journal(journal):
        if record.get("status") != Status.SCORED.value:
            continue
        with suppress(ValueError, KeyError, TypeError):
            verdict = Verdict.of(record)
            places.add((record["key"], record["conversation"], record["turn"]))
            if SILENT not in verdict.flags:
                verdicts[record["key"]] = verdict.record()
    cache.put(verdicts)
    return places


class Keeper:
    """Writes the journal and the cache of a run.

    Args:
        cache: verdicts of all runs.
        journal: the path of the run's own; the verdicts already in it are put into the cache.
        origin: what each line of the journal says of its origin: rubric and judge.
        fail: called with what a user must know when something cannot be written.

    Raises:
        ChatError: the journal cannot be opened, or the cache not be written.
    """

    def __init__(
        self, cache: AnswerCache, journal: Path, origin: Mapping[str, str], fail: Callable[[str], None]
    ) -> None:
        self._cache = cache
        self._origin = origin
        self._fail = fail
        self._logged = recall(cache, journal)
        self._journal = Journal(journal)
        self._unsaved: list[dict[str, Any]] = []
        self._pending: dict[str, Verdict] = {}
        self._flushed = time.monotonic()

    def get(self, key: str) -> Verdict | None:
        """The verdict of a key; ``None`` if there is none, or the cache cannot be read any more."""
        if key in self._pending:
            return self._pending[key]
        try:
            return known_verdicts(self._cache, key).get(key)
        except ChatError as error:
            self._lose_cache(error)
            return None

    def add(self, key: str, sample: Sample, verdict: Verdict, cached: bool) -> None:
        """Keep a verdict; when this returns it is in the journal, or the run was told that it is not."""
        silent = SILENT in verdict.flags
        place = (key, sample.conversation, sample.turn)
        # A line for each turn: what an earlier run has logged is not logged again.
        if not ((cached or silent) and place in self._logged):
            self._logged.add(place)
            self._append(
                {
                    "key": key,
                    "conversation": sample.conversation,
                    "turn": sample.turn,
                    **self._origin,
                    "cached": cached,
                    "time": round(time.time(), 3),
                    **verdict.record(),
                }
            )
        if verdict.status is Status.SCORED and not (cached or silent):
            self._pending[key] = verdict
            if time.monotonic() - self._flushed > PULSE:
                self._flush()

    def _append(self, line: dict[str, Any]) -> None:
        try:
            self._journal.append(line)
        except OSError as error:
            # It may have been written: twice in the journal is once, for a key counts once.
            self._unsaved.append(line)
            self._fail(f"{self._journal.path}: cannot be written ({error.strerror})")

    def _flush(self) -> None:
        """Put what is pending into the cache; if it does not take it, the run ends, for the journal has it all."""
        pending, self._pending = self._pending, {}
        self._flushed = time.monotonic()
        try:
            self._cache.put({key: verdict.record() for key, verdict in pending.items()})
        except ChatError as error:
            self._lose_cache(error)

    def _lose_cache(self, error: ChatError) -> None:
        self._fail(
            f"{error}. The verdicts of this run are in {self._journal.path} and will not be asked for again; "
            "make room and run the same command again"
        )

    def finish(self) -> str:
        """Empty the hands, whatever happened; what must be said about verdicts that no file took."""
        self._flush()
        self._journal.close()
        if not self._unsaved:
            return ""
        path, count = rescue(self._unsaved, "csconv_verdicts_"), len(self._unsaved)
        if path is not None:
            return (
                f". {count} paid verdicts were saved in {path}: make room, append them "
                f"(cat {path} >> {self._journal.path}) and run the same command again"
            )
        records = "\n".join(json.dumps(record, ensure_ascii=False) for record in self._unsaved)
        return f". No place took the {count} paid verdicts; here they are:\n{records}"

"""Keeping verdicts while a run goes on: at once in the journal, soon after in the cache, and nowhere twice."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from csc_tasks.chat.cache import AnswerCache, CacheKind
from csc_tasks.chat.journal import Journal, read_journal, rescue, set_aside
from csc_tasks.errors import ChatError
from csc_tasks.metrics.judge.rubric import Rubric
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import SILENT, Status, Verdict

__all__ = ["Keeper", "forget", "known_verdicts", "open_cache", "recall"]

logger = logging.getLogger(__name__)

_KEY = re.compile(r"[0-9a-f]{40}")
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


def known_verdicts(cache: AnswerCache, rubric: Rubric, *keys: str) -> dict[str, Verdict]:
    """The verdicts of those keys that have one; an entry that no judge could have given under the rubric is a miss.

    Raises:
        ChatError: the cache cannot be read.
    """
    found: dict[str, Verdict] = {}
    for key, record in cache.get(keys).items():
        with suppress(ValueError, TypeError):
            found[key] = _scored(record, rubric)
    return found


def recall(cache: AnswerCache, journal: Path, rubric: Rubric) -> set[Place]:
    """Put a journal's verdicts into the cache, should it not have them; the places that have one.

    A line counts as what comes from the judge does: its scores are those that the rubric offers.

    Raises:
        ChatError: the cache cannot be written.
    """
    places: set[Place] = set()
    verdicts: dict[str, Any] = {}
    strange = 0
    for record in read_journal(journal):
        if record.get("status") != Status.SCORED.value:
            continue
        try:
            verdict = _scored(record, rubric)
            place = _place(record, rubric)
        except (ValueError, KeyError, TypeError):
            strange += 1
            continue
        places.add(place)
        if SILENT not in verdict.flags:
            verdicts[place[0]] = verdict.record()
    if strange:
        logger.warning(
            "%s: %d lines are no verdicts under %s and are passed over", journal, strange, rubric.name
        )
    cache.put(verdicts)
    return places


def _scored(record: Any, rubric: Rubric) -> Verdict:
    """The verdict of a record that was read back.

    Raises:
        ValueError, TypeError: it is none that counts under the rubric.
    """
    verdict = Verdict.of(record)
    if verdict.status is not Status.SCORED or not rubric.accepts(verdict.scores):
        raise ValueError("not what the rubric offers")
    return verdict


def _place(record: dict[str, Any], rubric: Rubric) -> Place:
    """Which question a line of the journal answers.

    Raises:
        ValueError, KeyError: it does not say, or is of another rubric.
    """
    key, conversation, turn = record["key"], record["conversation"], record["turn"]
    if not (isinstance(key, str) and _KEY.fullmatch(key) and isinstance(conversation, str)):
        raise ValueError("no key")
    if turn is not None and (not isinstance(turn, int) or isinstance(turn, bool)):
        raise ValueError("no turn")
    if record["rubric"] != f"{rubric.name}@{rubric.sha256}":
        raise ValueError("another rubric")
    return key, conversation, turn


def forget(cache: AnswerCache, journal: Path, keys: Iterable[str]) -> Path | None:
    """Take nothing from earlier runs: drop these questions' verdicts from the cache, and set the journal aside.

    Returns:
        Where the journal's verdicts are now; ``None`` if there were none.

    Raises:
        ChatError: the cache cannot be written, or the journal not be renamed.
    """
    cache.drop(sorted(set(keys)))
    return set_aside(journal)


class Keeper:
    """Writes the journal and the cache of a run.

    Args:
        cache: verdicts of all runs.
        journal: the path of the run's own; the verdicts already in it are put into the cache.
        rubric: what was asked; what does not fit it is not taken from cache or journal.
        origin: what each line of the journal says of its origin: rubric and judge.
        fail: called with what a user must know when something cannot be written.

    Raises:
        ChatError: the journal cannot be opened, or the cache not be written.
    """

    def __init__(
        self,
        cache: AnswerCache,
        journal: Path,
        rubric: Rubric,
        origin: Mapping[str, str],
        fail: Callable[[str], None],
    ) -> None:
        self._cache = cache
        self._rubric = rubric
        self._origin = origin
        self._fail = fail
        self._logged = recall(cache, journal, rubric)
        self._journal = Journal(journal)
        self._unsaved: list[dict[str, Any]] = []
        self._pending: dict[str, Verdict] = {}
        self._flushed = time.monotonic()

    def get(self, key: str) -> Verdict | None:
        """The verdict of a key; ``None`` if there is none, or the cache cannot be read any more."""
        if key in self._pending:
            return self._pending[key]
        try:
            return known_verdicts(self._cache, self._rubric, key).get(key)
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

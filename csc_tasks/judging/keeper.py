"""Keeping verdicts while a run goes on: at once in the journal, soon after in the cache, and nowhere twice."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.chat.cache import AnswerCache, CacheKind
from csc_tasks.chat.journal import Journal, read_journal, rescue, set_aside
from csc_tasks.errors import ChatError
from csc_tasks.judging.answers import PAID
from csc_tasks.metrics.judge.rubric import Rubric
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import SILENT, Status, Verdict

__all__ = ["Keeper", "Known", "forget", "known", "open_cache", "recall"]

logger = logging.getLogger(__name__)

_KEY = re.compile(r"[0-9a-f]{40}")
_MOST_ANSWERS = 10**6
"""More answers than anybody pays for to one question."""
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


class Known(NamedTuple):
    """What is kept of a question: its verdict, or of ``answers`` that were none the last one."""

    verdict: Verdict
    answers: int

    @classmethod
    def of(cls, record: Any, rubric: Rubric) -> Known:
        """What a record of the cache or a line of a journal says, read like what comes from the judge.

        Raises:
            ValueError, TypeError: it says nothing, or has scores that the rubric does not offer.
        """
        verdict = Verdict.of(record)
        if verdict.status is Status.SCORED and not rubric.accepts(verdict.scores):
            raise ValueError("not what the rubric offers")
        answers = record.get("answers", 1)
        if not isinstance(answers, int) or isinstance(answers, bool) or not 1 <= answers <= _MOST_ANSWERS:
            raise ValueError("answers: not a number of answers")
        return cls(verdict, answers)

    def record(self) -> dict[str, Any]:
        """It as a JSON object."""
        counted = {} if self.verdict.status is Status.SCORED else {"answers": self.answers}
        return {**self.verdict.record(), **counted}

    def settled(self, reasks: int) -> bool:
        """Whether nothing is asked about it any more."""
        return self.verdict.status is Status.SCORED or self.answers > reasks


def known(cache: AnswerCache, rubric: Rubric, *keys: str) -> dict[str, Known]:
    """What is kept of those keys that were answered; what no judge could have said under the rubric is a miss.

    Raises:
        ChatError: the cache cannot be read.
    """
    found: dict[str, Known] = {}
    for key, record in cache.get(keys).items():
        with suppress(ValueError, TypeError, AttributeError):
            found[key] = Known.of(record, rubric)
    return found


def recall(cache: AnswerCache, journal: Path, rubric: Rubric) -> dict[Place, Status]:
    """Put a journal's verdicts and its answers that were none into the cache, should it not have them.

    A line counts as what comes from the judge does: its scores are those that the rubric offers.

    Returns:
        What became of each place so far.

    A line counts as what comes from the judge does: its scores are those that the rubric offers.

    Raises:
        ChatError: the cache cannot be written.
    """
    places: dict[Place, Status] = {}
    scored: dict[str, Known] = {}
    unusable: dict[str, Known] = {}
    strange = 0
    for line in read_journal(journal):
        try:
            verdict, answers = Known.of(line, rubric)
            place = _place(line, rubric)
        except (ValueError, KeyError, TypeError, AttributeError):
            strange += 1
            continue
        key = place[0]
        if places.get(place) is not Status.SCORED:
            places[place] = verdict.status
        if verdict.status is Status.SCORED and SILENT not in verdict.flags:
            scored[key] = Known(verdict, 1)
        elif verdict.status in PAID:
            # Lines of before they were counted have no number, and each was paid for.
            before = unusable[key].answers if key in unusable else 0
            unusable[key] = Known(verdict, max(answers, before + (not line.get("cached"))))
    if strange:
        logger.warning(
            "%s: %d lines are no verdicts under %s and are passed over", journal, strange, rubric.name
        )
    kept = known(cache, rubric, *(unusable.keys() - scored.keys()))
    missing = {
        key: each
        for key, each in unusable.items()
        if key not in scored and (key not in kept or not kept[key].settled(each.answers - 1))
    }
    cache.put({key: each.record() for key, each in (scored | missing).items()})
    return places


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
        self._in_vain = {place[0] for place, status in self._logged.items() if status is not Status.SCORED}
        self._journal = Journal(journal)
        self._unsaved: list[dict[str, Any]] = []
        self._pending: dict[str, Known] = {}
        self._answers: dict[str, int] = {}
        self._flushed = time.monotonic()

    def get(self, key: str) -> Known | None:
        """What is kept of a key; ``None`` if that is nothing, or the cache cannot be read any more."""
        if key in self._pending:
            return self._pending[key]
        try:
            found = known(self._cache, self._rubric, key).get(key)
        except ChatError as error:
            self._lose_cache(error)
            return None
        if found is not None and found.verdict.status is not Status.SCORED:
            self._answers[key] = found.answers
        return found

    def answers(self, key: str) -> int:
        """How many answers a key that was looked up has which were no verdict."""
        return self._answers.get(key, 0)

    def fresh(self, key: str) -> bool:
        """Whether the question of a key that was looked up was not put in vain before."""
        return key not in self._in_vain and key not in self._answers

    def add(self, key: str, sample: Sample, verdict: Verdict, cached: bool) -> None:
        """Keep a verdict; when this returns it is in the journal, or the run was told that it is not."""
        silent = SILENT in verdict.flags
        place = (key, sample.conversation, sample.turn)
        paid = not (cached or silent)
        if paid and verdict.status in PAID:
            self._answers[key] = self.answers(key) + 1
        kept = Known(verdict, self.answers(key) or 1)
        # A line for each answer and turn: what an earlier run has logged is not logged again.
        if paid or self._logged.get(place) is not verdict.status:
            self._logged[place] = verdict.status
            self._append(
                {
                    "key": key,
                    "conversation": sample.conversation,
                    "turn": sample.turn,
                    **self._origin,
                    "cached": cached,
                    "time": round(time.time(), 3),
                    **(kept if verdict.status in PAID else verdict).record(),
                }
            )
        if paid and verdict.status in (Status.SCORED, *PAID):
            self._pending[key] = kept
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
            self._cache.put({key: each.record() for key, each in pending.items()})
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

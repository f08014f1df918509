"""Keeping verdicts while a run goes on: at once in the log, soon after in the cache, and nowhere twice."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from csc_tasks.chat.cache import VerdictCache
from csc_tasks.chat.journal import Journal, rescue
from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import SILENT, Status, Verdict, as_json

__all__ = ["Keeper", "mark"]

FLUSH = 256
"""Verdicts after which the cache is written to in between; each is in the log before."""
PULSE = 1.0
"""Seconds between two writes to the cache, for the sake of those that share it."""


def mark(*parts: object) -> bytes:
    """Something to recognise the parts by, for a set of many: 16 bytes."""
    return hashlib.sha256(repr(parts).encode()).digest()[:16]


class Keeper:
    """Writes the log and the cache of a run.

    The log is written by the event loop, for a verdict counts as kept when it returns; the cache by one
    thread, because its file is slower and nobody waits for it.

    Args:
        cache: verdicts of all runs.
        journal: the log; the verdicts already in it are put into the cache.
        origin: what each line of the log says of its origin: rubric and judge.
        fail: called with what a user must know when something cannot be written.
    """

    def __init__(
        self, cache: VerdictCache, journal: Journal, origin: Mapping[str, str], fail: Callable[[str], None]
    ) -> None:
        self._cache = cache
        self._journal = journal
        self._origin = origin
        self._fail = fail
        self._logged: set[bytes] = set()
        self._lines: list[dict[str, Any]] = []
        self._unsaved: list[dict[str, Any]] = []
        self._pending: dict[str, Verdict] = {}
        self._released: list[str] = []
        self._written: asyncio.Future[None] | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._disk = ThreadPoolExecutor(1, "csconv-cache")
        self._recall()

    def _recall(self) -> None:
        """Put the log's verdicts into the cache, should it not have them."""
        part: dict[str, Verdict] = {}
        for record in self._journal.records():
            if record.get("status") != Status.SCORED.value:
                continue
            with suppress(ValueError, KeyError, TypeError):
                verdict = Verdict.of(record)
                self._logged.add(mark(record["key"], record["conversation"], record["turn"]))
                if SILENT not in verdict.flags:
                    part[record["key"]] = verdict
            if len(part) >= 1000:
                self._cache.put(part)
                part = {}
        if part:
            self._cache.put(part)

    async def get(self, keys: Sequence[str]) -> dict[str, Verdict]:
        """The verdicts of those keys that have one.

        Raises:
            JudgeError: the cache cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._disk, self._cache.get, keys)

    async def claim(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that are now ours to ask for.

        Raises:
            JudgeError: the cache cannot be written.
        """
        return await asyncio.get_running_loop().run_in_executor(self._disk, self._cache.claim, keys)

    def add(self, key: str, subject: Sample, verdict: Verdict, cached: bool) -> None:
        """Take a verdict; it is kept once :meth:`kept` returns."""
        silent = SILENT in verdict.flags
        place = mark(key, subject.conversation, subject.turn)
        # A line for each turn: what an earlier run has logged is not logged again.
        if not ((cached or silent) and place in self._logged):
            self._lines.append(
                {
                    "key": key,
                    "conversation": subject.conversation,
                    "turn": subject.turn,
                    **self._origin,
                    "cached": cached,
                    "time": round(time.time(), 3),
                    **verdict.record(),
                }
            )
            self._logged.add(place)
        if not cached and not silent:
            if verdict.status is Status.SCORED:
                self._pending[key] = verdict
            else:
                self._released.append(key)

    def release(self, key: str) -> None:
        """Give up the claim on a key."""
        self._released.append(key)

    async def kept(self) -> None:
        """Wait until what was added is in the log: what arrived in the same moment is written together."""
        if self._written is None:
            loop = asyncio.get_running_loop()
            self._written = loop.create_future()
            loop.call_soon(self._write)
        await self._written

    def _write(self) -> None:
        """Write what was added to the log."""
        written, self._written = self._written, None
        self._append()
        if written is not None and not written.done():
            written.set_result(None)
        if len(self._pending) >= FLUSH and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.get_running_loop().create_task(self.flush())

    def _append(self) -> None:
        """Put the lines that wait into the log; those that it does not take are for :meth:`finish` to save."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            self._journal.append(lines)
        except OSError as error:
            # Some of them may have been written: twice in the log is once, for a key counts once.
            self._unsaved += lines
            self._fail(f"{self._journal.path}: cannot be written ({error.strerror})")

    async def flush(self) -> None:
        """Put what is pending into the cache; if it does not take it, the run ends, for the log has it all."""
        pending, released = self._pending, self._released
        if not pending and not released:
            return
        self._pending, self._released = {}, []
        try:
            await asyncio.get_running_loop().run_in_executor(self._disk, self._cache.put, pending, released)
        except JudgeError as error:
            self.lose_cache(error)

    def lose_cache(self, error: JudgeError) -> None:
        """Say that the cache is gone, and where the verdicts are."""
        self._fail(
            f"{error}. The verdicts of this run are in {self._journal.path} and will not be asked for again; "
            "make room and run the same command again"
        )

    async def pulse(self) -> None:
        """Now and then: write to the cache, and say that this run lives, so that nobody takes over its claims."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PULSE)
            await self.flush()
            with suppress(JudgeError):
                await loop.run_in_executor(self._disk, self._cache.beat)

    def finish(self) -> str:
        """Empty the hands, whatever happened; what must be said about verdicts that no file took."""
        self._disk.shutdown(wait=True)
        self._flushing = None
        self._append()
        if self._pending or self._released:
            try:
                self._cache.put(self._pending, self._released)
            except JudgeError as error:
                self.lose_cache(error)
        if not self._unsaved:
            return ""
        path, count = rescue(self._unsaved), len(self._unsaved)
        if path is not None:
            return (
                f". {count} paid verdicts were saved in {path}: make room, append them "
                f"(cat {path} >> {self._journal.path}) and run the same command again"
            )
        records = "\n".join(as_json(record) for record in self._unsaved)
        return f". No place took the {count} paid verdicts; here they are:\n{records}"

"""The engine: asks what is missing, as many at once as configured, and keeps every verdict at once.

A subject takes this way: its question's key is looked up in the cache; a miss is claimed, asked, appended to
the log, and put into the cache. What another process has claimed is waited for. Nothing is asked twice, and
whatever stops the run loses at most the requests that are under way.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple

from csc_tasks.chat.cache import VerdictCache
from csc_tasks.chat.endpoint import Answer, AnswerStatus, Endpoint
from csc_tasks.chat.journal import Journal
from csc_tasks.chat.pacing import Budget
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.keeper import Keeper, mark
from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.parser import read_verdict
from csc_tasks.metrics.judge.prompt import Question, ask
from csc_tasks.metrics.judge.rubric import Dimension, Kind, Rubric
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import SILENT, Status, Value, Verdict, as_json

__all__ = ["Engine", "Estimate", "JudgeProgress", "key_of", "lowest"]

CHUNK = 128
"""Subjects that are looked up and claimed at a time."""
SLICE = 16
"""Subjects that are rendered before answers that have come meanwhile get their turn: about a millisecond."""
PATIENCE = 0.25
"""Seconds between two looks for a verdict that another process is asking for."""
GARBAGE = 20_000
"""Objects made and not yet gone after which Python searches for cycles of them; by default 700 or 2000."""
_FORMAT = 1


class Stop(Enum):
    """Why a run ended before everything was asked."""

    BUDGET = "the budget is used up"
    INTERRUPTED = "interrupted"
    BROKEN = "broken"


@dataclass
class JudgeProgress:
    """What a run did, and what it knows while it runs.

    ``cost`` is what this run spent; ``asked`` the subjects that were put to the judge, ``cached`` those
    that were answered from earlier runs.
    """

    total: int | None = None
    done: int = 0
    asked: int = 0
    cached: int = 0
    attempts: int = 0
    cost: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    stopped: Stop | None = None
    trouble: str = ""

    @property
    def failures(self) -> int:
        """Subjects without a verdict so far."""
        return self.done - self.statuses[Status.SCORED]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would do: ``requests`` that are missing, with about how many tokens at most."""

    subjects: int
    cached: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class _Task(NamedTuple):
    key: str
    subject: Sample
    question: Question


Hear = Callable[[Sample, Verdict], None]


class Keys:
    """What identifies a verdict: judge, everything that can change its answer, rubric, and the exact judged text.

    It is a digest of all these as one JSON list; what is the same for all questions is digested once.
    """

    def __init__(self, rubric: Rubric, config: JudgeConfig) -> None:
        same = json.dumps([_FORMAT, config.parameters, rubric.sha256], sort_keys=True, ensure_ascii=False)
        self._start = hashlib.sha256((same.removesuffix("]") + ", ").encode())

    def of(self, question: Question) -> str:
        """The key (40 hex digits) of a question's verdict."""
        digest = self._start.copy()
        digest.update((as_json(question.shown) + "]").encode())
        return digest.hexdigest()[:40]


def key_of(rubric: Rubric, config: JudgeConfig, question: Question) -> str:
    """The key of one question's verdict; see :class:`Keys`."""
    return Keys(rubric, config).of(question)


def lowest(dimension: Dimension) -> Value:
    """The value that a supporter gets who says nothing."""
    return False if dimension.kind is Kind.YES_NO else 1


class Engine:
    """Judges subjects under one rubric with one configuration.

    Args:
        rubric: what is asked.
        config: who is asked, and how.
        cache: verdicts of all runs.
        journal: the log that verdicts are appended to; the ones already in it serve like the cache.
        with_reference: show the reference to the judge.
        budget: what may be spent, in the configuration's currency; no limit for ``None``.
        about: what each line of the log says of these subjects, besides rubric and judge.

    Raises:
        JudgeError: a budget without prices.
    """

    def __init__(
        self,
        rubric: Rubric,
        config: JudgeConfig,
        cache: VerdictCache,
        journal: Journal,
        with_reference: bool = False,
        budget: float | None = None,
        about: Mapping[str, str] | None = None,
    ) -> None:
        if budget is not None and not config.priced:
            raise JudgeError("a budget needs input_price and output_price in the judge's configuration")
        self.rubric = rubric
        self.config = config
        self.summary = JudgeProgress()
        self._cache = cache
        self._with_reference = with_reference
        self._limit = budget
        self._keys = Keys(rubric, config)
        self._failed_in_a_row = 0
        self._deferred: list[_Task] = []
        origin = {"rubric": f"{rubric.name}@{rubric.sha256}", "judge": config.model, **(about or {})}
        self._keeper = Keeper(cache, journal, origin, lambda trouble: self._halt(Stop.BROKEN, trouble))

    def task(self, subject: Sample) -> _Task:
        """The subject with its question and key."""
        question = ask(self.rubric, subject, self._with_reference, self.config.seed or 0)
        return _Task(self._keys.of(question), subject, question)

    def estimate(self, subjects: Iterable[Sample]) -> Estimate:
        """Count what a run would ask, without asking; answers are counted at ``max_tokens``."""
        subjects_seen = cached = requests = prompt = 0
        seen: set[bytes] = set()
        for part in _chunks(subjects):
            tasks = [self.task(subject) for subject in part]
            subjects_seen += len(tasks)
            spoken = [t for t in tasks if not t.subject.silent]
            known = self._cache.get([t.key for t in spoken])
            for task in spoken:
                if task.key in known or mark(task.key) in seen:
                    cached += 1
                    continue
                seen.add(mark(task.key))
                requests += 1
                prompt += task.question.tokens
        completion = requests * self.config.max_tokens
        return Estimate(
            subjects_seen, cached, requests, prompt, completion, self.config.cost(prompt, completion)
        )

    def run(
        self,
        subjects: Iterable[Sample],
        hear: Hear,
        progress: Callable[[JudgeProgress], None] = lambda _: None,
    ) -> JudgeProgress:
        """Judge all subjects; ``hear`` gets each with its verdict once, in any order.

        A first SIGINT lets the requests under way finish and asks nothing more, a second one drops them.

        Raises:
            JudgeError: nothing can be asked or kept any more; what was heard before is kept, and the message
                says where.
        """
        self._hear, self._progress = hear, progress
        rescued = ""
        try:
            with _seldom_collecting():
                try:
                    asyncio.get_running_loop()
                except RuntimeError:
                    asyncio.run(self._run(subjects))
                else:  # in a notebook, for instance: its loop is busy with us
                    with ThreadPoolExecutor(1) as pool:
                        pool.submit(lambda: asyncio.run(self._run(subjects))).result()
        finally:
            rescued = self._keeper.finish()
        if self.summary.stopped is Stop.BROKEN:
            raise JudgeError(self.summary.trouble + rescued)
        return self.summary

    # --- the run ---

    async def _run(self, subjects: Iterable[Sample]) -> None:
        self._stop = asyncio.Event()
        self._budget = Budget(self._limit)
        queue: asyncio.Queue[_Task | None] = asyncio.Queue(maxsize=CHUNK)
        restore = self._catch_interrupts()
        try:
            async with Endpoint(self.config) as endpoint:
                workers = [
                    asyncio.create_task(self._work(queue, endpoint)) for _ in range(self.config.concurrency)
                ]
                feeder = asyncio.create_task(self._feed(subjects, queue))
                pulse = asyncio.create_task(self._keeper.pulse())
                try:
                    await asyncio.gather(feeder, *workers)
                except BaseException:
                    self._stop.set()
                    for each in (feeder, *workers):
                        each.cancel()
                    await asyncio.gather(feeder, *workers, return_exceptions=True)
                    raise
                finally:
                    pulse.cancel()
        except asyncio.CancelledError:
            self._halt(Stop.INTERRUPTED)
        finally:
            restore()
            self.summary.cost = self._budget.spent

    def _catch_interrupts(self) -> Callable[[], None]:
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        loop, this = asyncio.get_running_loop(), asyncio.current_task()
        assert this is not None

        def interrupted() -> None:
            if self._stop.is_set():
                this.cancel()
            self._halt(Stop.INTERRUPTED)

        before = signal.getsignal(signal.SIGINT)
        try:
            loop.add_signal_handler(signal.SIGINT, interrupted)
        except (NotImplementedError, ValueError):
            return lambda: None

        def restore() -> None:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)

        return restore

    def _halt(self, why: Stop, trouble: str = "") -> None:
        """Ask nothing more; the first reason stands."""
        if self.summary.stopped is None:
            self.summary.stopped, self.summary.trouble = why, trouble
        self._stop.set()

    async def _feed(self, subjects: Iterable[Sample], queue: asyncio.Queue[_Task | None]) -> None:
        """Look up, claim and queue; then wait for what others have claimed."""
        for part in _chunks(subjects):
            if self.summary.stopped is Stop.INTERRUPTED:
                break
            tasks = []
            for count, subject in enumerate(part, 1):
                tasks.append(self.task(subject))
                if count % SLICE == 0:
                    await asyncio.sleep(0)
            if self._stop.is_set():
                await self._offer_known(tasks)
                continue
            self._deferred += await self._offer(tasks, queue)
        while self._deferred and not self._stop.is_set():
            await self._keeper.kept()
            await self._keeper.flush()
            before, self._deferred = self._deferred, []
            for start in range(0, len(before), CHUNK):
                self._deferred += await self._offer(before[start : start + CHUNK], queue)
            if len(self._deferred) == len(before):
                await asyncio.sleep(PATIENCE)
        for task in self._deferred:
            self._skip(task)
        for _ in range(self.config.concurrency):
            await queue.put(None)

    async def _offer(self, tasks: Sequence[_Task], queue: asyncio.Queue[_Task | None]) -> list[_Task]:
        """Answer tasks from the cache or queue them; those that somebody is asking already are given back."""
        spoken = self._without_silent(tasks)
        try:
            known = await self._keeper.get([task.key for task in spoken])
            missing = [task for task in spoken if task.key not in known]
            ours = await self._keeper.claim([task.key for task in missing])
        except JudgeError as error:
            self._keeper.lose_cache(error)
            for task in spoken:
                self._skip(task)
            return []
        waiting: list[_Task] = []
        for task in spoken:
            if task.key in known:
                self._record(task, known[task.key], cached=True)
                continue
            if task.key in ours:
                ours.discard(task.key)  # a second one with the same text waits for the first
                await queue.put(task)
            else:
                waiting.append(task)
        await self._keeper.kept()
        return waiting

    def _without_silent(self, tasks: Sequence[_Task]) -> list[_Task]:
        """Grade what the model left unanswered, and give the others back."""
        for task in tasks:
            if task.subject.silent:
                scores = {d.name: lowest(d) for d in self.rubric.dimensions}
                self._record(task, Verdict(Status.SCORED, scores, "no answer to judge", flags=(SILENT,)))
        return [task for task in tasks if not task.subject.silent]

    async def _offer_known(self, tasks: Sequence[_Task]) -> None:
        """After a stop: what is known still counts."""
        tasks = self._without_silent(tasks)
        try:
            known = await self._keeper.get([task.key for task in tasks])
        except JudgeError:
            known = {}
        for task in tasks:
            if task.key in known:
                self._record(task, known[task.key], cached=True)
            else:
                self._skip(task)

    async def _work(self, queue: asyncio.Queue[_Task | None], endpoint: Endpoint) -> None:
        while (task := await queue.get()) is not None:
            if self._stop.is_set():
                self._skip(task, ours=True)
                continue
            most = self.config.cost(task.question.tokens, self.config.max_tokens)
            if not await self._budget.reserve(most):
                self._halt(Stop.BUDGET)
                self._skip(task, ours=True)
                continue
            spent = most
            try:
                answer = await endpoint.ask(task.question, self.rubric.schema, self._stop)
                spent = self.config.cost(answer.usage.prompt, answer.usage.completion)
            finally:
                self._budget.settle(most, spent)
            if answer.outcome is AnswerStatus.UNASKED:
                self._skip(task, ours=True)
                continue
            self._hear_answer(task, answer, lost=answer.lost * most)
            # Only then the next: a run that is killed now has lost no more than one request a worker.
            await self._keeper.kept()

    def _hear_answer(self, task: _Task, answer: Answer, lost: float) -> None:
        # What may have been charged without an answer counts against the budget, not as a known cost.
        self._budget.spent += lost if self._limit is not None else 0.0
        self.summary.asked += 1
        self.summary.attempts += answer.attempts
        self.summary.prompt_tokens += answer.usage.prompt
        self.summary.completion_tokens += answer.usage.completion
        self.summary.cost = self._budget.spent
        if answer.outcome is AnswerStatus.FATAL:
            self._halt(Stop.BROKEN, f"{self.config.model}: {answer.reason}")
        self._record(task, self._verdict(task, answer))
        # A server that is gone fails everybody; one that answers now and then does not.
        self._failed_in_a_row = self._failed_in_a_row + 1 if answer.outcome is AnswerStatus.FAILED else 0
        if self._failed_in_a_row >= max(10, self.config.concurrency):
            self._halt(
                Stop.BROKEN,
                f"{self.config.model}: the last {self._failed_in_a_row} requests failed, each after every retry "
                f"({answer.reason}); run the same command again once the server answers",
            )

    def _verdict(self, task: _Task, answer: Answer) -> Verdict:
        common: dict[str, Any] = {
            "raw": answer.text,
            "usage": answer.usage,
            "latency": answer.latency,
            "attempts": answer.attempts,
            "flags": task.question.flags,
        }
        if answer.outcome is AnswerStatus.REFUSED:
            return Verdict(Status.REFUSED, reason=answer.reason, **common)
        if answer.outcome is not AnswerStatus.ANSWERED:
            return Verdict(Status.FAILED, reason=answer.reason, **common)
        scores, reason = read_verdict(answer.text, self.rubric, answer.cut_off)
        if scores is None:
            return Verdict(Status.UNPARSABLE, reason=reason, **common)
        return Verdict(Status.SCORED, scores, reason, **common)

    # --- keeping ---

    def _skip(self, task: _Task, ours: bool = False) -> None:
        why = self.summary.stopped.value if self.summary.stopped else ""
        self._tell(task.subject, Verdict(Status.SKIPPED, reason=why, flags=task.question.flags))
        if ours:
            self._keeper.release(task.key)

    def _record(self, task: _Task, verdict: Verdict, cached: bool = False) -> None:
        """Keep a verdict, then tell."""
        self._keeper.add(task.key, task.subject, verdict, cached)
        self.summary.cached += cached
        self._tell(task.subject, verdict)

    def _tell(self, subject: Sample, verdict: Verdict) -> None:
        self.summary.done += 1
        self.summary.statuses[verdict.status] += 1
        if verdict.status is not Status.SCORED:
            self.summary.reasons[f"{verdict.status.value}: {verdict.reason}"[:160]] += 1
        self._hear(subject, verdict)
        self._progress(self.summary)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Spend less time on searching for cycles, and none on what was there before.

    Searching a loaded model's libraries stops every answer for a tenth of a second and more; with small
    searches it comes to a tenth of the run.
    """
    (first, *others), frozen = gc.get_threshold(), gc.get_freeze_count()
    if first:  # else it is switched off
        gc.set_threshold(max(first, GARBAGE), *others)
    if not frozen:
        gc.freeze()
    try:
        yield
    finally:
        gc.set_threshold(first, *others)
        if not frozen:
            gc.unfreeze()


def _chunks(subjects: Iterable[Sample]) -> Iterator[list[Sample]]:
    iterator = iter(subjects)
    while part := list(islice(iterator, CHUNK)):
        yield part

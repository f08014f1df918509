"""The engine: asks what is missing, as many at once as configured, and keeps every verdict at once.

A sample takes this way: its question's key is looked up; a miss is asked, and its verdict appended to the
journal and put into the cache. An answer that is no verdict is kept as well, and the question put again, with
another seed, ``reasks`` times in all, however many runs that takes. Two runs that could ask for the same verdict
go one after the other, so that nothing is asked twice, and whatever stops a run loses at most the requests that
are under way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from csc_tasks.chat.budget import Budget
from csc_tasks.chat.cache import AnswerCache
from csc_tasks.chat.endpoint import Endpoint
from csc_tasks.chat.exclusive import one_at_a_time
from csc_tasks.chat.messages import AnswerStatus, ChatAnswer, ChatRequest
from csc_tasks.chat.spending import OverBudget, ask_within, require_prices
from csc_tasks.chat.words import shown
from csc_tasks.errors import ChatError
from csc_tasks.judging.answers import asks_again, verdict_of
from csc_tasks.judging.keeper import Keeper
from csc_tasks.judging.progress import JudgeProgress, OnProgress, OnVerdict, Stop, no_progress
from csc_tasks.judging.questions import JudgeTask, Questions
from csc_tasks.judging.start import Start
from csc_tasks.metrics.judge.rubric import Dimension, Kind
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.metrics.judge.verdict import SILENT, Status, Value, Verdict
from csc_tasks.system.interrupts import interruptible, run_in_a_loop

__all__ = ["Engine", "lowest"]

logger = logging.getLogger(__name__)

MAX_MODELS = 5
"""Names of models after which a server's next ones are no news."""
AHEAD = 64
"""Questions that wait, rendered, for a connection."""


def lowest(dimension: Dimension) -> Value:
    """The value that a supporter gets who says nothing."""
    return False if dimension.kind is Kind.YES_NO else 1


class Engine:
    """Judges samples, once.

    Args:
        questions: what is asked of whom.
        cache: verdicts of all runs.
        journal: the path of the file that verdicts are appended to; the ones in it serve like the cache.
        budget: what may be spent, in the configuration's currency; no limit for ``None``.
        about: what each line of the journal says of these samples, besides rubric and judge.

    Raises:
        ConfigError: a budget without prices, or without a limit on answers.
    """

    def __init__(
        self,
        questions: Questions,
        cache: AnswerCache,
        journal: Path,
        budget: float | None = None,
        about: Mapping[str, str] | None = None,
    ) -> None:
        if budget is not None:
            require_prices(questions.config, "the judge's configuration")
        self.progress = JudgeProgress()
        self._questions = questions
        self._config = questions.config
        self._rubric = questions.rubric
        self._cache = cache
        self._journal = journal
        self._about = about or {}
        self._limit = budget
        self._failed_in_a_row = 0
        self._start = Start()
        self._models: set[str] = set()
        self._twins: dict[str, list[JudgeTask]] = {}
        self._keeper: Keeper

    def run(
        self,
        samples: Iterable[Sample],
        on_verdict: OnVerdict,
        on_progress: OnProgress = no_progress,
        total: int | None = None,
    ) -> JudgeProgress:
        """Judge all samples; ``on_verdict`` gets each with its verdict once, in any order.

        A first SIGINT lets the requests under way finish and asks nothing more, a second one drops them.

        Args:
            samples: what is judged.
            on_verdict: hears every verdict.
            on_progress: hears how far the run is, after every verdict.
            total: the number of samples, where it is known.

        Raises:
            ChatError: nothing can be asked or kept any more; what was heard before is kept, and the message
                says where.
        """
        self._on_verdict, self._on_progress = on_verdict, on_progress
        self.progress.total = total
        cache, name = self._cache.path, f"{self._config.model} under {self._rubric.name}"
        lock = cache.with_name(f".{cache.name}.{self._questions.digest}.lock")
        waiting = (
            f"another csconv is asking {name} with {cache}; waiting for it, what it asks is not asked again"
        )
        try:
            with one_at_a_time(lock, waiting):
                self._run_alone(samples)
        except KeyboardInterrupt:
            self.progress.stopped = Stop.INTERRUPTED
        return self.progress

    def _run_alone(self, samples: Iterable[Sample]) -> None:
        origin = {
            "rubric": f"{self._rubric.name}@{self._rubric.sha256}",
            "judge": self._config.model,
            **self._about,
        }
        self._keeper = Keeper(
            self._cache, self._journal, self._rubric, origin, lambda why: self._halt(Stop.BROKEN, why)
        )
        try:
            run_in_a_loop(lambda: self._run(samples))
        finally:
            # Whatever ended the run: where paid verdicts were put must be said.
            if rescued := self._keeper.finish():
                raise ChatError((self.progress.trouble + rescued).removeprefix(". "))
        if self.progress.stopped is Stop.BROKEN:
            raise ChatError(self.progress.trouble)

    # --- the run ---

    async def _run(self, samples: Iterable[Sample]) -> None:
        self._stop = asyncio.Event()
        self._budget = Budget(self._limit)
        queue: asyncio.Queue[JudgeTask | None] = asyncio.Queue(maxsize=AHEAD)
        try:
            async with Endpoint(self._config) as endpoint:
                with interruptible(lambda: self._halt(Stop.INTERRUPTED)):
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._feed(samples, queue))
                        for _ in range(self._config.concurrency):
                            group.create_task(self._work(queue, endpoint))
        except asyncio.CancelledError:
            self._halt(Stop.INTERRUPTED)
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            self.progress.cost = self._budget.spent

    def _halt(self, why: Stop, trouble: str = "") -> None:
        """Ask nothing more; the first reason stands."""
        if self.progress.stopped is None:
            self.progress.stopped, self.progress.trouble = why, trouble
        self._stop.set()
        self._start.end()

    async def _feed(self, samples: Iterable[Sample], queue: asyncio.Queue[JudgeTask | None]) -> None:
        """Answer what is known, and queue the rest."""
        for sample in samples:
            if self.progress.stopped is Stop.INTERRUPTED:
                break
            task = self._questions.task(sample)
            if sample.silent:
                scores = {d.name: lowest(d) for d in self._rubric.dimensions}
                self._keep(task, Verdict(Status.SCORED, scores, "no answer to judge", flags=(SILENT,)))
            elif (known := self._keeper.get(task.key)) and known.settled(self._config.reasks):
                self._start.remember(task.key, known.verdict, known.answers)
                self._models.add(known.verdict.model)
                self._keep(task, known.verdict, cached=True)
                self._give_up()
            elif self._stop.is_set():
                self._skip(task)
            elif task.key in self._twins:
                self._twins[task.key].append(task)  # it gets the verdict that is being asked for
            else:
                self._twins[task.key] = []
                await queue.put(task)
                continue
            await asyncio.sleep(0)  # answers that have come meanwhile get their turn
        for _ in range(self._config.concurrency):
            await queue.put(None)

    async def _work(self, queue: asyncio.Queue[JudgeTask | None], endpoint: Endpoint) -> None:
        """Ask until there is nothing more."""
        while (task := await queue.get()) is not None:
            verdict = await self._judge(task, endpoint)
            if verdict is None:
                self._skip(task)
                continue
            self._tell(task.sample, verdict)
            for twin in self._twins.pop(task.key):
                self._keep(twin, verdict, cached=True)

    async def _judge(self, task: JudgeTask, endpoint: Endpoint) -> Verdict | None:
        """What the attempts that are left come to: a verdict, or the last answer; ``None`` if nothing was sent."""
        verdict = None
        first, fresh = self._keeper.answers(task.key), self._keeper.fresh(task.key)
        for attempt in range(first, self._config.reasks + 1):
            request = self._questions.again(task, attempt) if attempt else task.request
            await self._start.enter()
            answer = None if self._stop.is_set() else await self._ask(request, endpoint)
            if answer is None:
                self._start.leave(None, fresh)
                break
            self.progress.asked += attempt == first
            self.progress.reasked += attempt > first
            verdict = self._hear(task, answer)
            self._start.leave(verdict, fresh)
            self._give_up()
            if not asks_again(answer, verdict):
                break
        return verdict

    def _give_up(self) -> None:
        """Stop where the first answers are no verdicts."""
        if self._start.hopeless:
            self._halt(Stop.HOPELESS, f"{self._config.model}: {self._start.told()}")

    async def _ask(self, request: ChatRequest, endpoint: Endpoint) -> ChatAnswer | None:
        """The answer within the budget; ``None`` if nothing was sent."""
        try:
            return await ask_within(self._budget, endpoint, self._config, request, self._stop)
        except OverBudget:
            self._halt(Stop.BUDGET)
            return None

    def _hear(self, task: JudgeTask, answer: ChatAnswer) -> Verdict:
        """Count and keep what came back."""
        self.progress.attempts += answer.attempts
        self.progress.prompt_tokens += answer.prompt_tokens
        self.progress.completion_tokens += answer.completion_tokens
        self.progress.cost = self._budget.spent
        if answer.status is AnswerStatus.FATAL:
            self._halt(Stop.BROKEN, f"{self._config.model}: {answer.reason}")
        verdict = verdict_of(answer, self._rubric, task.flags)
        self._keeper.add(task.key, task.sample, verdict, cached=False)
        self._hear_of_model(answer.model)
        # A server that is gone fails everybody; one that answers now and then does not.
        self._failed_in_a_row = self._failed_in_a_row + 1 if answer.status is AnswerStatus.FAILED else 0
        if self._failed_in_a_row >= max(10, self._config.concurrency):
            retried = ", each after every retry" if answer.retries else ""
            self._halt(
                Stop.BROKEN if self._start.proven else Stop.HOPELESS,
                f"{self._config.model}: the last {self._failed_in_a_row} requests failed{retried} ({answer.reason}); "
                "run the same command again once the server answers",
            )
        return verdict

    def _hear_of_model(self, model: str) -> None:
        """Say when another model answers than before."""
        if not model or model in self._models or len(self._models) > MAX_MODELS:
            return
        if before := ", ".join(sorted(self._models - {""})):
            logger.warning(
                "%s: the server says that %s answers, and before it was %s; the scores are not of one judge",
                *(self._config.model, model, before),
            )
        self._models.add(model)

    # --- what is heard ---

    def _skip(self, task: JudgeTask) -> None:
        """Leave a question unasked, and those that wait for its verdict."""
        why = self.progress.stopped.value if self.progress.stopped else ""
        for each in (task, *self._twins.pop(task.key, ())):
            self._tell(each.sample, Verdict(Status.SKIPPED, reason=why, flags=each.flags))

    def _keep(self, task: JudgeTask, verdict: Verdict, cached: bool = False) -> None:
        """Keep a verdict, then tell."""
        self._keeper.add(task.key, task.sample, verdict, cached)
        self.progress.cached += cached
        self._tell(task.sample, verdict)

    def _tell(self, sample: Sample, verdict: Verdict) -> None:
        self.progress.done += 1
        self.progress.statuses[verdict.status] += 1
        if verdict.status is not Status.SCORED:
            self.progress.reasons[shown(f"{verdict.status.value}: {verdict.reason}", 160)] += 1
        self._on_verdict(sample, verdict)
        self._on_progress(self.progress)

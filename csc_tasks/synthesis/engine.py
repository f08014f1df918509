"""The engine: makes conversations side by side, and keeps every answer before it asks for the next.

A case takes this way: the answers that its journal has are sent to its machine; what the machine then asks is asked,
the answer appended to the journal and sent on. An answer that cannot be used is kept as well, and the question put
again with another seed, ``attempts`` times in all, however many runs that takes. A case is over when its machine is:
that is one more line. So whatever ends a run costs at most the requests that are under way.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from csc_tasks.chat.journal import rescue
from csc_tasks.chat.messages import AnswerStatus, ChatAnswer
from csc_tasks.chat.spending import OverBudget
from csc_tasks.chat.words import shown
from csc_tasks.errors import ChatError
from csc_tasks.roleplay.asking.answers import Unusable
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.journal import (
    Answered,
    answers_in,
    digest_of,
    ended_line,
    open_journal,
    request_digest,
)
from csc_tasks.synthesis.progress import Halt, OnSynthesis, SynthesisProgress
from csc_tasks.synthesis.steps import Case, CaseOutcome, Pipeline, Role, Step
from csc_tasks.synthesis.trial import Trial
from csc_tasks.synthesis.voices import Voices
from csc_tasks.system.interrupts import interruptible, run_in_a_loop

__all__ = ["Run", "SynthesisEngine"]

RETURNS = 3
"""How often a case whose server failed is taken up again in one run."""


@dataclass(frozen=True, slots=True)
class Run:
    """How conversations are made.

    Attributes:
        folder: of the output, with the journals.
        head: what must be the same for the run to go on, as JSON values.
        seed: from which every request's own is derived.
        at_once: conversations that are made side by side.
        attempts: answers that are asked for one that can be used.
        writer: the name of the journal that is written.
    """

    folder: Path
    head: Mapping[str, Any]
    seed: int
    at_once: int
    attempts: int
    writer: str = "main"


class _Stopped(Exception):
    """Nothing more is asked."""


class _ServerFailed(Exception):
    """No answer came, after every retry."""


class _Spent(Exception):
    """A question was put as often as it may be; the message says what the last answer was."""


class SynthesisEngine:
    """Makes the conversations of a pipeline, once.

    Args:
        pipeline: what is made.
        voices: who answers.
        run: how it is made.
        on_progress: hears how far it is.
        on_ended: hears of every case that is over, in any order; says whether to stop there.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        voices: Voices,
        run: Run,
        on_progress: OnSynthesis = lambda _: None,
        on_ended: Callable[[Ended], bool] = lambda _: False,
    ) -> None:
        self.progress = SynthesisProgress()
        self._pipeline, self._voices, self._run = pipeline, voices, run
        self._on_progress, self._on_ended = on_progress, on_ended
        self._begun: dict[str, list[Answered]] = defaultdict(list)
        self._again: deque[tuple[Case, int]] = deque()
        self._failed_in_a_row = 0
        self._unkept: list[Mapping[str, Any]] = []

    def run(self, cases: Iterable[Case], over: frozenset[str]) -> SynthesisProgress:
        """Make all cases that are not over.

        A first SIGINT lets the requests under way finish and asks nothing more, a second one drops them.

        Args:
            cases: what is to be made.
            over: ids of those that need no more.

        Raises:
            ChatError: nothing can be asked or kept any more; the message says where paid answers are.
        """
        for answered in answers_in(self._run.folder, over):
            self._begun[answered.case].append(answered)
        proven = {Role(a.role) for each in self._begun.values() for a in each if a.usable}
        self._trials = {r: Trial(proven=bool(over) or r in proven) for r in self._pipeline.roles}
        self._journal = open_journal(self._run.folder, self._run.writer, self._run.head)
        try:
            run_in_a_loop(lambda: self._make(case for case in cases if case.id not in over))
        except KeyboardInterrupt:
            self._note(Halt.INTERRUPTED)
        finally:
            rescued = self._rescued()
            self._journal.close()
            if rescued or self.progress.stopped is Halt.BROKEN:
                self.progress.stopped = Halt.BROKEN
                raise ChatError((self.progress.trouble + rescued).removeprefix(". "))
        return self.progress

    def _rescued(self) -> str:
        if not self._unkept:
            return ""
        before = self._journal.removed()
        lines = before.count(b"\n") + len(self._unkept)
        paid = f"{lines} lines of paid answers"
        place = rescue(self._unkept, "csconv_synthesis_", before)
        if place is None:
            return f". {paid} could be kept nowhere"
        return (
            f". {paid} are in {place}: put that file into {self._run.folder}/journals, and "
            "the same command goes on with them"
        )

    # --- the run ---

    async def _make(self, cases: Iterator[Case]) -> None:
        self._stop = asyncio.Event()
        try:
            async with self._voices:
                with interruptible(lambda: self._halt(Halt.INTERRUPTED)):
                    async with asyncio.TaskGroup() as group:
                        for _ in range(self._run.at_once):
                            group.create_task(self._work(cases))
        except asyncio.CancelledError:
            self._halt(Halt.INTERRUPTED)
        except ExceptionGroup as several:
            raise several.exceptions[0] from None

    def _note(self, why: Halt, trouble: str = "") -> None:
        if self.progress.stopped is None:
            self.progress.stopped, self.progress.trouble = why, trouble

    def _halt(self, why: Halt, trouble: str = "") -> None:
        """Ask nothing more; the first reason stands."""
        self._note(why, trouble)
        self._stop.set()
        for trial in self._trials.values():
            trial.end()

    async def _work(self, cases: Iterator[Case]) -> None:
        """Make one conversation after the other."""
        while not self._stop.is_set():
            case, returned = next(cases, None), 0
            if case is None and self._again:
                case, returned = self._again.popleft()
            if case is None:
                return
            try:
                await self._one(case)
            except _Stopped:
                return
            except _ServerFailed:
                if returned < RETURNS:
                    self._again.append((case, returned + 1))
                else:
                    self.progress.waiting += 1
            await asyncio.sleep(0)

    async def _one(self, case: Case) -> None:
        """Send a machine what is known, then what is asked for, until it ends."""
        machine = self._pipeline.machine(case)
        known = self._begun.pop(case.id, [])
        self.progress.repeated += sum(answered.usable for answered in known)
        said: list[Answered] = []
        try:
            step = next(machine)
            for number in count():
                step = machine.send(await self._value(case, number, step, known, said))
        except StopIteration as ended:
            outcome = ended.value
        except _Spent as spent:
            machine.close()
            outcome = CaseOutcome(None, str(spent), case.content)
        except (_Stopped, _ServerFailed):
            self._begun[case.id] = said
            raise
        self._end(case, outcome, said)

    async def _value(
        self, case: Case, number: int, step: Step, known: list[Answered], said: list[Answered]
    ) -> Any:
        """What the machine is sent for a step: an answer of before, or one that is asked for now."""
        request = request_digest(step)
        tried, reason = 0, ""
        for answered in known:
            if (answered.step, answered.request) != (number, request):
                continue
            tried += 1
            reason = answered.reason
            if answered.usable:
                try:
                    value = step.read(answered.text)
                except Unusable as unusable:  # an older csconv could use it
                    reason = unusable.reason
                    answered = replace(answered, usable=False, reason=reason)
                else:
                    said.append(answered)
                    return value
            said.append(answered)
        while tried < self._run.attempts:
            answer = await self._ask(case, number, step, tried)
            tried += 1
            value, reason = None, ""
            if answer.status is AnswerStatus.REFUSED:
                reason = "refused"
            elif answer.cut_off:
                reason = "cut off at max_tokens"
            elif answer.reason and not answer.text.strip():  # what came in place of a text
                reason = shown(answer.reason, 100)
            else:
                try:
                    value = step.read(answer.text)
                except Unusable as unusable:
                    reason = unusable.reason
            said.append(self._keep(case, number, step, request, answer, reason))
            if not reason:
                return value
        raise _Spent(f"{step.role}: {reason}")

    async def _ask(self, case: Case, number: int, step: Step, tried: int) -> ChatAnswer:
        """An answer, usable or not."""
        trial = self._trials[step.role]
        await trial.enter()
        answer = None
        try:
            if self._stop.is_set():
                raise _Stopped
            seed = int(digest_of(self._run.seed, case.id, number)[:7], 16)
            answer = await self._voices.ask(case, step, seed, tried, self._stop)
        except OverBudget:
            self._halt(Halt.BUDGET)
            raise _Stopped from None
        finally:
            if answer is None or answer.status not in (AnswerStatus.ANSWERED, AnswerStatus.REFUSED):
                trial.leave(None)
        if answer is None:
            raise _Stopped
        if answer.status is AnswerStatus.FATAL:
            self._halt(Halt.BROKEN, f"{step.role}: {answer.reason}")
            raise _Stopped
        if answer.status is AnswerStatus.FAILED:
            self._fail(step.role, answer)
            raise _Stopped if self._stop.is_set() else _ServerFailed
        self._failed_in_a_row = 0
        return answer

    def _fail(self, role: Role, answer: ChatAnswer) -> None:
        """A server that is gone fails everybody; one that answers now and then does not."""
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= max(10, self._run.at_once):
            self._halt(
                Halt.BROKEN,
                f"{role}: the last {self._failed_in_a_row} requests failed ({answer.reason}); run the same command "
                "again once the server answers",
            )

    # --- what is kept ---

    def _keep(
        self, case: Case, number: int, step: Step, request: str, answer: ChatAnswer, reason: str
    ) -> Answered:
        cost = self._voices.cost(step.role, answer)
        answered = Answered(
            case.id, number, step.role, request, not reason, reason, answer.text, answer.model, answer.id,
            answer.prompt_tokens, answer.completion_tokens, cost,
        )  # fmt: skip
        self._append(answered.record())
        progress = self.progress
        progress.requests += 1
        progress.tokens += answer.prompt_tokens + answer.completion_tokens
        progress.cost += cost
        if reason:
            progress.rejected[step.role, reason] += 1
        trial = self._trials[step.role]
        trial.leave(not reason, reason, answer.text)
        if trial.hopeless:
            self._halt(Halt.HOPELESS, trial.told(step.role))
        self._on_progress(progress)
        return answered

    def _append(self, line: Mapping[str, Any]) -> None:
        if self._unkept:  # in order, or not at all
            self._unkept.append(line)
            return
        try:
            self._journal.append(line)
        except OSError as error:
            self._unkept.append(line)
            self._halt(
                Halt.BROKEN, f"{self._journal.path}: cannot be written ({error.strerror}){_cure(error)}"
            )

    def _end(self, case: Case, outcome: CaseOutcome, said: list[Answered]) -> None:
        """A case is over."""
        shown_of = ("role", "id", "model", "prompt_tokens", "completion_tokens")
        provenance = {
            **outcome.provenance,
            "seed": self._run.seed,
            "prompts": self._pipeline.signature.get("prompts"),
            "models": {role: sorted({a.model for a in said if a.role == role}) for role in _roles(said)},
            "requests": [{name: getattr(a, name) for name in shown_of} for a in said if a.usable],
            "not_usable": sum(not a.usable for a in said),
            "cost": round(sum(a.cost for a in said), 10),
        }
        dropped = "" if outcome.conversation else (outcome.dropped or "dropped")
        ended = Ended(case.id, case.number, outcome.conversation, dropped, provenance)
        self._append(ended_line(ended))
        progress = self.progress
        if dropped:
            progress.dropped += 1
            progress.reasons[shown(dropped, 160)] += 1
        else:
            progress.kept += 1
        self._on_progress(progress)
        if self._on_ended(ended):
            self._halt(Halt.BALANCED)


def _cure(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "; put the folder back: it was moved or removed while answers were written to it"
    return "; is the disk full?"


def _roles(said: Iterable[Answered]) -> list[str]:
    return list(dict.fromkeys(answered.role for answered in said))

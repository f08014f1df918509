"""The engine on a Ray cluster: each worker makes its share of the cases and writes a journal of its own.

A case depends on nothing but itself, so the conversations are those of one process. What may be spent is asked of one
actor. The machines see the output folder under the same path; whatever ends the run, the journals have what was paid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from csc_tasks.chat.budget import Budget
from csc_tasks.errors import CSConvError
from csc_tasks.synthesis.config import SynthesisConfig
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.engine import Run, SynthesisEngine
from csc_tasks.synthesis.output.balance import Balance
from csc_tasks.synthesis.progress import Halt, OnSynthesis, SynthesisProgress
from csc_tasks.synthesis.steps import Case, Pipeline
from csc_tasks.synthesis.voices import EndpointVoices
from csc_tasks.system.ray_cluster import ray_cluster

__all__ = ["make_on_ray"]

PULSE = 0.5
"""Seconds between two looks at how far the workers are."""


@dataclass(frozen=True, slots=True)
class _Share:
    """What one worker does: every n-th case, from its own number on."""

    pipeline: Pipeline
    config: SynthesisConfig
    run: Run
    cases: tuple[Case, ...]
    over: frozenset[str]


class _Purse:
    """What all workers share: the budget, how far they are, and whether it is enough; an actor runs it in its loop.

    A worker that was killed gives nothing back: what it held counts as spent as soon as another one begins its
    share, or none will.
    """

    def __init__(self, limit: float | None, balance: Balance | None) -> None:
        self._budget = Budget(limit)
        self._balance = balance
        self._progress: dict[str, SynthesisProgress] = {}
        self._holder: dict[str, str] = {}
        self._held: dict[str, list[float]] = {}

    async def begin(self, writer: str, holder: str) -> None:
        self._holder[writer] = holder
        for amount in self._held.pop(writer, []):
            self._budget.settle(amount, amount)

    async def reserve(self, writer: str, holder: str, amount: float) -> bool:
        if not await self._budget.reserve(amount):
            return False
        if self._holder.get(writer) != holder:  # it was killed while it waited
            self._budget.settle(amount, 0.0)
            return False
        self._held.setdefault(writer, []).append(amount)
        return True

    async def settle(self, writer: str, holder: str, reserved: float, spent: float) -> None:
        if self._holder.get(writer) == holder:
            self._held[writer].remove(reserved)
            self._budget.settle(reserved, spent)

    async def charge(self, amount: float) -> None:
        self._budget.charge(amount)

    async def ended(self, ended: Ended) -> bool:
        return self._balance is not None and self._balance.add(ended)

    async def tell(self, writer: str, progress: SynthesisProgress) -> None:
        self._progress[writer] = progress

    async def told(self) -> list[SynthesisProgress]:
        return list(self._progress.values())


class _RemoteBudget(Budget):
    """A budget that is kept by an actor; ``holder`` tells a worker from one that is killed and had its share."""

    def __init__(self, purse: Any, writer: str, holder: str) -> None:
        super().__init__(None)
        self._purse, self._whose = purse, (writer, holder)

    async def reserve(self, amount: float) -> bool:
        return bool(await self._purse.reserve.remote(*self._whose, amount))

    def settle(self, reserved: float, spent: float) -> None:
        self._purse.settle.remote(*self._whose, reserved, spent)

    def charge(self, amount: float) -> None:
        self._purse.charge.remote(amount)


def _work(share: _Share, purse: Any, limited: bool, balanced: bool) -> tuple[SynthesisProgress, str]:
    """Make a share; what went wrong is told, not raised, so that its class need not be known elsewhere."""
    import ray

    writer, holder = share.run.writer, uuid4().hex
    ray.get(purse.begin.remote(writer, holder))
    budget = _RemoteBudget(purse, writer, holder) if limited else Budget(None)
    voices = EndpointVoices(share.config, share.pipeline.roles, budget)
    told = 0

    def on_progress(progress: SynthesisProgress) -> None:
        nonlocal told
        if progress.requests >= told + 20 or progress.done == len(share.cases):
            told = progress.requests
            purse.tell.remote(writer, replace(progress))

    def on_ended(ended: Ended) -> bool:
        return balanced and bool(ray.get(purse.ended.remote(ended)))

    engine = SynthesisEngine(share.pipeline, voices, share.run, on_progress, on_ended)
    try:
        return engine.run(share.cases, share.over), ""
    except CSConvError as error:
        return engine.progress, str(error)


def make_on_ray(
    pipeline: Pipeline,
    config: SynthesisConfig,
    run: Run,
    cases: Sequence[Case],
    over: frozenset[str],
    budget: float | None,
    workers: int | None,
    address: str | None,
    on_progress: OnSynthesis,
    balance: Balance | None = None,
) -> SynthesisProgress:
    """Make all cases that are not over, spread over a cluster.

    Args:
        pipeline: what is made.
        config: who is asked; connections and rates are those of all workers together.
        run: how it is made; the workers write journals of their own.
        cases: what is to be made.
        over: ids of those that need no more.
        budget: what all may spend.
        workers: how many; by default one a processor of the cluster.
        address: of a running cluster; else one is started on this machine.
        on_progress: hears how far all of them are.
        balance: when it is enough; it knows the cases that are over.

    Raises:
        ConfigError: there is no Ray, or no cluster.
    """
    left = [case for case in cases if case.id not in over]
    with ray_cluster(workers, address) as ray:
        many = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        many = min(many, max(1, len(left)))
        purse = ray.remote(num_cpus=0, max_concurrency=4096)(_Purse).remote(budget, balance)
        task = ray.remote(num_cpus=1, max_retries=1)(_work)
        config = _divided(config, many)
        shares = [
            _Share(
                pipeline,
                config,
                replace(
                    run, folder=run.folder.resolve(), at_once=config.concurrency, writer=f"worker-{k:03d}"
                ),
                tuple(left[k::many]),
                over,
            )
            for k in range(many)
        ]
        writers = {
            task.remote(share, purse, budget is not None, balance is not None): share.run.writer
            for share in shares
        }
        waiting = list(writers)
        ended: list[tuple[SynthesisProgress, str]] = []
        while waiting:
            done, waiting = ray.wait(waiting, num_returns=1, timeout=PULSE)
            for each in done:
                try:
                    ended.append(ray.get(each))
                except ray.exceptions.RayError as error:
                    purse.begin.remote(writers[each], "")
                    lost = SynthesisProgress(stopped=Halt.BROKEN)
                    ended.append((lost, f"a Ray worker failed: {str(error).strip().splitlines()[-1]}"))
            on_progress(_sum(ray.get(purse.told.remote())))
        return _ended(ended)


def _divided(config: SynthesisConfig, many: int) -> SynthesisConfig:
    """The configuration of one of many workers: connections and rates are shared out."""

    def shared(fields: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if fields.get("concurrency"):
            found["concurrency"] = max(1, -(-int(fields["concurrency"]) // many))
        for name in ("requests_per_minute", "tokens_per_minute"):
            if fields.get(name):
                found[name] = fields[name] / many
        return found

    roles = {role: {**fields, **shared(fields)} for role, fields in config.roles.items()}
    return config.model_copy(update={**shared(config.model_dump()), "roles": roles})


def _sum(parts: Sequence[SynthesisProgress]) -> SynthesisProgress:
    total = SynthesisProgress(
        kept=sum(p.kept for p in parts),
        dropped=sum(p.dropped for p in parts),
        requests=sum(p.requests for p in parts),
        repeated=sum(p.repeated for p in parts),
        tokens=sum(p.tokens for p in parts),
        cost=sum(p.cost for p in parts),
        waiting=sum(p.waiting for p in parts),
    )
    total.reasons = sum((p.reasons for p in parts), Counter())
    total.rejected = sum((p.rejected for p in parts), Counter())
    return total


def _ended(parts: Sequence[tuple[SynthesisProgress, str]]) -> SynthesisProgress:
    """What all workers came to; the most serious reason to stop is that of all."""
    total = _sum([progress for progress, _ in parts])
    for why in (Halt.BROKEN, Halt.HOPELESS, Halt.BUDGET, Halt.INTERRUPTED, Halt.BALANCED):
        stopped = [(p, said) for p, said in parts if p.stopped is why or (why is Halt.BROKEN and said)]
        if stopped:
            progress, said = stopped[0]
            total.stopped, total.trouble = why, said or progress.trouble
            break
    return total

"""One log to score is one job; jobs run here, in processes side by side, or on a Ray cluster.

A job carries names and options, not open files or models: whatever runs it opens and loads for itself.
The outcome is the same wherever it runs, because a score depends on its turn alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.errors import ConfigError, CSConvError
from csc_tasks.metrics import Metric, Models
from csc_tasks.metrics.tokenizers import tokenizer_named
from csc_tasks.protocol.networks import Unnamed, prepare, read_models
from csc_tasks.results.find_logs import open_log
from csc_tasks.results.rescore import choose, rescore
from csc_tasks.results.sample_log import SampleLog
from csc_tasks.system.ray_cluster import ray_cluster
from csc_tasks.system.workers import worker_pool

__all__ = ["Done", "Job", "Plan", "in_processes", "in_this_process", "on_ray", "run"]


class Plan(NamedTuple):
    """What a job comes to."""

    log: SampleLog
    metrics: tuple[Metric, ...]
    tokenizer: str


@dataclass(frozen=True, slots=True)
class Job:
    """A log and how to score it; ``options`` are the ``csconv_`` keys of ``--metadata``."""

    path: Path
    metrics: tuple[str, ...] = ()
    tokenizer: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    force: bool = False

    def models(self) -> Models:
        """The networks to score with: those that are named, and BERTScore's default where the metric is."""
        asked = any(name.startswith("bertscore") for name in self.metrics)
        models = read_models(self.options, Unnamed.DEFAULT if asked else Unnamed.OFF)
        if "bleurt" in self.metrics and models.bleurt is None:
            raise ConfigError(
                "--metrics bleurt: name a checkpoint, --metadata csconv_bleurt_model=lucadiliello/BLEURT-20"
                " or a folder"
            )
        return models

    def plan(self) -> Plan | None:
        """The log, its metrics and its tokenizer; ``None`` if the log is not csconv's.

        Raises:
            DataError: the log or its results file cannot be used.
            ConfigError: an option is wrong.
        """
        log = open_log(self.path)
        if log is None:
            return None
        tokenizer = self.tokenizer or _tokenizer_of(log)
        return Plan(log, choose(log, self.metrics, tokenizer, self.models()), tokenizer)


@dataclass(frozen=True, slots=True)
class Done:
    """A job's outcome: the results file, or why there is none; and the metrics that could not be computed."""

    path: Path
    results: Path | None = None
    error: str | None = None
    failures: dict[str, str] = field(default_factory=dict)


def _tokenizer_of(log: SampleLog) -> str:
    try:
        return tokenizer_named(log.signature.tokenizer)
    except ValueError as error:
        raise ConfigError(f"{log.results.path}: {error}; name one with --tokenizer") from None


def run(job: Job, progress: Callable[[int], None] = lambda _: None) -> Done:
    """Score one log; an error is told in the outcome and leaves the other logs alone."""
    try:
        plan = job.plan()
        if plan is None or not plan.metrics:
            return Done(job.path, error="its task has none of these metrics")
        log, metrics, tokenizer = plan
        prepare(metrics)
        outcome = rescore(log, metrics, tokenizer, job.force, progress)
    except CSConvError as error:
        return Done(job.path, error=str(error))
    except OSError as error:
        return Done(job.path, error=f"{error.filename or job.path}: {error.strerror or error}")
    return Done(job.path, outcome.results, failures=outcome.failures)


def in_this_process(jobs: Sequence[Job], progress: Callable[[Job, int], None]) -> Generator[Done]:
    """One job after the other; ``progress`` hears of every chunk of turns."""
    for job in jobs:
        yield run(job, lambda turns, job=job: progress(job, turns))  # type: ignore[misc]


def in_processes(jobs: Sequence[Job], workers: int) -> Generator[Done]:
    """As many jobs at once as there are workers, in the order in which they end."""
    workers = min(workers, len(jobs)) or 1
    share = str(max(1, (os.cpu_count() or 1) // workers))
    # Each worker computes with its share of the cores; new processes, because torch does not survive a fork.
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = share
    try:
        with worker_pool(workers, get_context("spawn")) as pool:
            futures = {pool.submit(run, job): job for job in jobs}
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield Done(
                        futures[future].path,
                        error="a worker process died, of memory perhaps; run the command again with fewer"
                        " --workers: what was scored is kept",
                    )
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


def on_ray(jobs: Sequence[Job], workers: int | None, address: str | None) -> Generator[Done]:
    """The jobs as tasks of a Ray cluster whose machines see the logs under the same paths.

    Args:
        jobs: their paths are made absolute.
        workers: of a cluster started on this machine; ``None``: one a core.
        address: of a running cluster.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at that address.
    """
    with ray_cluster(workers, address) as ray:
        needs_gpu = any(_uses_gpu(job) for job in jobs) and ray.cluster_resources().get("GPU", 0) >= 1
        task = ray.remote(num_cpus=1, num_gpus=1 if needs_gpu else 0, max_retries=1)(run)
        waiting = {task.remote(_absolute(job)): job for job in jobs}
        while waiting:
            (ended,), _ = ray.wait(list(waiting), num_returns=1)
            job = waiting.pop(ended)
            try:
                yield ray.get(ended)
            except ray.exceptions.RayError as error:
                yield Done(job.path, error=f"its Ray task failed: {str(error).strip().splitlines()[-1]}")


def _uses_gpu(job: Job) -> bool:
    models = job.models()
    return any(
        options is not None and options.device != "cpu" for options in (models.bertscore, models.bleurt)
    )


def _absolute(job: Job) -> Job:
    return replace(job, path=job.path.resolve())

"""From a request to score again to jobs, and their outcomes wherever they run."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.protocol.options import Options
from csc_tasks.protocol.task_kind import Context
from csc_tasks.results.find_logs import log_files, no_logs
from csc_tasks.results.rescore_jobs import Done, Job, in_processes, in_this_process, on_ray
from csc_tasks.results.score_request import ScoreRequest
from csc_tasks.system.ray_cluster import EngineKind

__all__ = ["PlannedJob", "ScorePlan", "plan_of", "run_plan"]

_PREFIXES = ("csconv_bertscore_", "csconv_bleurt_")


class PlannedJob(NamedTuple):
    """A job, and how many turns the run says that its log has."""

    job: Job
    turns: int | None


class ScorePlan(NamedTuple):
    """The jobs; the logs that cannot be scored, each with a message; and those that have none of the metrics."""

    jobs: list[PlannedJob]
    problems: list[str]
    skipped: list[str]


def plan_of(request: ScoreRequest) -> ScorePlan:
    """The jobs that a request comes to.

    Raises:
        ConfigError: an option is wrong; a mistake in the options is not one log's.
        DataError: there are no logs of csconv.
    """
    if foreign := [key for key in request.metadata if not key.startswith(_PREFIXES)]:
        raise ConfigError(f"--metadata {foreign[0]}: only csconv_bertscore_… and csconv_bleurt_… apply here")
    tokens = {} if request.tokenizer is None else {"csconv_tokenizer": request.tokenizer}
    Options.from_metadata({**request.metadata, **tokens})  # one place says what an option may be
    if request.address is not None and request.engine is not EngineKind.RAY:
        raise ConfigError("--address goes with --engine ray")
    found = ScorePlan([], [], [])
    played = False
    for path in log_files(list(request.paths)):
        job = Job(path, request.metrics, request.tokenizer, dict(request.metadata), request.force)
        try:
            plan = job.plan()
        except DataError as error:
            found.problems.append(str(error))
            continue
        if plan is not None and plan.log.context is Context.ROLE_PLAY:
            played = True
            found.skipped.append(
                f"{path}: {plan.log.task} is scored by its cards while it is played; skipped"
            )
        elif plan is not None and plan.metrics:
            found.jobs.append(PlannedJob(job, plan.log.run.report.turns or None))
        elif plan is not None:
            found.skipped.append(f"{path}: {plan.log.task} has none of these metrics; skipped")
    if not found.jobs and not found.problems and not played:
        raise no_logs(list(request.paths))
    return found


def run_plan(
    plan: ScorePlan, request: ScoreRequest, on_progress: Callable[[Job, int], None]
) -> Generator[Done]:
    """The outcomes, in the order in which jobs end.

    ``on_progress`` is told of the turns of a job where one log is scored at a time, and of nothing elsewhere.
    """
    jobs = [job for job, _ in plan.jobs]
    if request.one_at_a_time:
        return in_this_process(jobs, on_progress)
    if request.engine is EngineKind.RAY:
        return on_ray(jobs, request.workers, request.address)
    return in_processes(jobs, request.workers or 1)

"""``csconv score``: score saved runs again, without the model."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from csc_tasks.commands.app import app

if TYPE_CHECKING:
    from csc_tasks.results.rescore_jobs import Done, Job, Plan


class ScoreEngine(Enum):
    """Where logs are scored."""

    LOCAL = "local"
    RAY = "ray"


@app.command(rich_help_panel="Read")
def score(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS…", help="Folders or samples_*.jsonl files of runs.")
    ],
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics",
            help="Names, separated by commas; by default all that a task has and that need no model.",
        ),
    ] = "",
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="zh, char or jieba; by default the run's own."),
    ] = None,
    metadata: Annotated[
        str,
        typer.Option(
            "--metadata",
            metavar="KEY=VALUE,…",
            help="csconv_bertscore_… and csconv_bleurt_… as lm_eval takes them.",
        ),
    ] = "",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Logs scored at once; by default one.")
    ] = None,
    engine: Annotated[
        ScoreEngine, typer.Option("--engine", help="This machine, or a Ray cluster.")
    ] = ScoreEngine.LOCAL,
    address: Annotated[
        str | None,
        typer.Option("--address", help="Of a running Ray cluster (auto, ray://…); else one is started here."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Score again what was scored before.")] = False,
) -> None:
    """Score saved runs (lm_eval --log_samples) again, with any metric or tokenizer, without the model.

    Writes a results file and per-turn scores beside each log; the files of the run stay as they are.
    What was scored before in the same way is left alone, and what was interrupted is taken up again.
    A log that cannot be scored is named, the others are scored, and the exit code is 1.
    """
    from lm_eval.utils import simple_parse_args_string

    from csc_tasks.errors import ConfigError
    from csc_tasks.protocol.options import Settings
    from csc_tasks.results.rescore_jobs import Job
    from csc_tasks.results.sample_log import log_files, no_logs

    options: dict[str, Any] = simple_parse_args_string(metadata)
    if foreign := [key for key in options if not key.startswith(("csconv_bertscore_", "csconv_bleurt_"))]:
        raise ConfigError(f"--metadata {foreign[0]}: only csconv_bertscore_… and csconv_bleurt_… apply here")
    checked = {**options, **({"csconv_tokenizer": tokenizer} if tokenizer is not None else {})}
    Settings.from_metadata(checked)  # one place says what an option may be
    if address is not None and engine is not ScoreEngine.RAY:
        raise ConfigError("--address goes with --engine ray")
    names = tuple(name.strip() for name in metrics.split(",") if name.strip())
    jobs: list[tuple[Job, int | None]] = []
    failed = False
    for path in log_files(results):
        job = Job(path, names, tokenizer, options, force)
        plan = _plan(job)
        if isinstance(plan, str):
            typer.echo(plan, err=True)
            failed = True
        elif plan is not None and plan.metrics:
            jobs.append((job, _turns(plan)))
        elif plan is not None:
            typer.echo(f"{path}: {plan.log.task} has none of these metrics; skipped", err=True)
    if not jobs and not failed:
        raise no_logs(results)
    for done in _run(jobs, engine, workers, address):
        # Progress goes to the terminal, the written files to stdout, one a line.
        if done.results is not None:
            typer.echo(str(done.results))
        else:
            typer.echo(f"csconv: {done.error}", err=True)
        for name, reason in done.failures.items():
            typer.echo(f"csconv: {done.path}: {name} was NOT scored, it is NaN ({reason})", err=True)
        failed = failed or done.results is None or bool(done.failures)
    if failed:
        raise typer.Exit(1)


def _plan(job: Job) -> Plan | str | None:
    """What is to be done, or what prevents it; a mistake in the options is not one log's and is raised."""
    from csc_tasks.errors import DataError

    try:
        return job.plan()
    except DataError as error:
        return f"csconv: {error}"


def _run(
    planned: list[tuple[Job, int | None]], engine: ScoreEngine, workers: int | None, address: str | None
) -> Iterator[Done]:
    """The outcomes of jobs, each given with the turns of its log.

    The progress bar counts turns where one log is scored at a time, else logs.
    """
    from csc_tasks.results.log_file import log_stem
    from csc_tasks.results.rescore_jobs import in_processes, in_this_process, on_ray

    jobs = [job for job, _ in planned]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        if engine is ScoreEngine.LOCAL and (workers or 1) == 1:
            tasks = {job.path: bar.add_task(log_stem(job.path), total=turns) for job, turns in planned}

            def progress(job: Job, turns: int) -> None:
                bar.update(tasks[job.path], completed=turns)

            for done in in_this_process(jobs, progress):
                bar.remove_task(tasks[done.path])
                yield done
            return
        task = bar.add_task("logs", total=len(jobs))
        spread = (
            on_ray(jobs, workers, address) if engine is ScoreEngine.RAY else in_processes(jobs, workers or 1)
        )
        for done in spread:
            bar.advance(task)
            yield done


def _turns(plan: Plan) -> int | None:
    """How many turns the run says that its log has."""
    report = plan.log.results["configs"][plan.log.task]["metadata"].get("csconv_report")
    return int(report["turns"]) if report and report.get("turns") else None

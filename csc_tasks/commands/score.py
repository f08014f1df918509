"""``csconv score``: score saved runs again, without the model."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from csc_tasks.commands.app import app, going_on, print_path, say
from csc_tasks.printable import printable
from csc_tasks.results.score_request import ScoreRequest
from csc_tasks.system.ray_cluster import EngineKind

if TYPE_CHECKING:
    from csc_tasks.results.rescore_jobs import Done
    from csc_tasks.results.rescore_plan import ScorePlan


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
        EngineKind, typer.Option("--engine", help="This machine, or a Ray cluster.")
    ] = EngineKind.LOCAL,
    address: Annotated[
        str | None,
        typer.Option("--address", help="Of a running Ray cluster (auto, ray://…); else one is started here."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            "--fresh",
            help="Score again what was scored before, and take nothing from an earlier call.",
        ),
    ] = False,
) -> None:
    """Score saved runs (lm_eval --log_samples) again, with any metric or tokenizer, without the model.

    Writes a results file and per-turn scores beside each log; the files of the run stay as they are.
    What was scored before in the same way is left alone, and what was interrupted is taken up again.
    A log that cannot be scored is named, the others are scored, and the exit code is 1.
    """
    from lm_eval.utils import simple_parse_args_string

    from csc_tasks.results.rescore_plan import plan_of

    request = ScoreRequest(
        paths=tuple(results),
        metrics=tuple(name.strip() for name in metrics.split(",") if name.strip()),
        tokenizer=tokenizer,
        metadata=simple_parse_args_string(metadata),
        workers=workers,
        engine=engine,
        address=address,
        force=force,
    )
    plan = plan_of(request)
    for problem in plan.problems:
        say(f"csconv: {problem}")
    for skipped in plan.skipped:
        say(skipped)
    failed = bool(plan.problems)
    with (
        going_on("what was scored is kept, and the same command goes on from there"),
        closing(_with_bar(plan, request)) as outcomes,
    ):
        failed = _told(outcomes) or failed
    if failed:
        raise typer.Exit(1)


def _told(outcomes: Iterable[Done]) -> bool:
    """Say what becomes of each log; whether anything could not be scored."""
    failed = False
    for done in outcomes:
        # Progress goes to the terminal, the written files to stdout, one a line.
        if done.results is not None:
            print_path(done.results)
        else:
            say(f"csconv: {done.error}")
        for name, reason in done.failures.items():
            say(f"csconv: {done.path}: {name} was NOT scored, it is NaN ({reason})")
        failed = failed or done.results is None or bool(done.failures)
    return failed


def _with_bar(plan: ScorePlan, request: ScoreRequest) -> Generator[Done]:
    """The outcomes, under a bar that counts turns where one log is scored at a time, else logs."""
    from csc_tasks.results.log_file import log_stem
    from csc_tasks.results.rescore_plan import run_plan

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar, ExitStack() as stack:
        bars: dict[Path, TaskID] = {}
        if request.one_at_a_time:
            for job, turns in plan.jobs:
                bars[job.path] = bar.add_task(printable(log_stem(job.path)), total=turns)
        whole = None if bars else bar.add_task("logs", total=len(plan.jobs))
        outcomes = run_plan(plan, request, lambda job, turns: bar.update(bars[job.path], completed=turns))
        stack.enter_context(closing(outcomes))  # left early, it stops its workers
        for done in outcomes:
            if whole is None:
                bar.remove_task(bars[done.path])
            else:
                bar.advance(whole)
            yield done

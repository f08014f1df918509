"""``csconv score``: score saved runs again, without the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from csc_tasks.commands.app import app


@app.command(rich_help_panel="Read")
def score(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS…", help="Folders or samples_*.jsonl files of runs.")
    ],
    metrics: Annotated[
        str, typer.Option("--metrics", help="Names, separated by commas; by default all that a task has.")
    ] = "",
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="zh, char or jieba; by default the run's own."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Score again what was scored before.")] = False,
) -> None:
    """Score saved runs (lm_eval --log_samples) again, with any metric or tokenizer, without the model.

    Writes a results file and per-turn scores beside each log; the files of the run stay as they are.
    What was scored before in the same way is left alone.
    """
    from csc_tasks.rescoring import choose, rescore
    from csc_tasks.sample_logs import find_logs
    from csc_tasks.settings import Settings

    if tokenizer is not None:
        Settings.from_metadata({"csconv_tokenizer": tokenizer})  # one place says what a tokenizer may be
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    plan = []
    for log in find_logs(results):
        tokens = tokenizer or str(log.signature["tokenizer"]).split("(", 1)[0]
        if chosen := choose(log, names, tokens):
            plan.append((log, chosen, tokens))
        else:
            typer.echo(f"{log.path}: {log.task} has none of these metrics; skipped", err=True)
    # Progress goes to the terminal, the written files to stdout, one a line.
    with Progress(console=Console(stderr=True), transient=True) as bar:
        for log, chosen, tokens in plan:
            turns = int(
                log.results["configs"][log.task]["metadata"].get("csconv_report", {}).get("turns") or 0
            )
            task = bar.add_task(log.task, total=turns or None)
            target = rescore(
                log,
                chosen,
                tokens,
                force,
                lambda done, task=task: bar.update(task, completed=done),  # type: ignore[misc]
            )
            bar.update(task, completed=turns or None)
            typer.echo(str(target))

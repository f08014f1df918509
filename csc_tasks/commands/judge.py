"""``csconv judge``: let a language model judge saved runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer.core import TyperGroup

from csc_tasks.commands.app import app, console
from csc_tasks.errors import ConfigError

if TYPE_CHECKING:
    from csc_tasks.judging import JudgedLog, Judgement
    from csc_tasks.metrics.judge.engine import Estimate, Summary

INTERRUPTED, OUT_OF_BUDGET = 130, 3
"""Exit codes of a run that asked less than it was to ask."""


class _RunByDefault(TyperGroup):
    """``csconv judge RESULTS`` is ``csconv judge run RESULTS``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in where it is left out."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


judge = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    help="Let a language model judge saved runs: `csconv judge RESULTS --config judge.yaml`.",
)
app.add_typer(judge, name="judge", rich_help_panel="Read")

Results = Annotated[list[Path], typer.Argument(metavar="RESULTS…", help="Folders or samples_*.jsonl files.")]
Config = Annotated[
    Path, typer.Option("--config", metavar="YAML", help="The judge: model, base_url and so on.")
]
Cache = Annotated[
    Path | None, typer.Option("--cache", help="The verdict cache; by default judge_cache.sqlite in RESULTS.")
]


@judge.command()
def run(
    results: Results,
    config: Config,
    rubric: Annotated[
        str | None,
        typer.Option(
            "--rubric", help="A rubric's name or folder; by default turn-zh-1, of dialogues dialogue-zh-1."
        ),
    ] = None,
    with_reference: Annotated[
        bool, typer.Option("--with-reference", help="Show the judge the gold reply.")
    ] = False,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, metavar="N", help="Judge a stratified sample of N.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count requests, tokens and cost; ask nothing.")
    ] = False,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0, help="Stop before this much is spent.")
    ] = None,
    cache: Cache = None,
) -> None:
    """Judge saved runs (lm_eval --log_samples).

    Writes verdicts_*.jsonl and a results file beside each log, which `csconv table` shows. What was judged
    before is not asked again, so an interrupted run goes on with the same command. Ctrl-C lets the requests
    under way finish. Exit code 3: the budget is used up; 130: interrupted.
    """
    from csc_tasks.judging import JudgedLog, judge_errors, load_judge, rubric_for
    from csc_tasks.sample_logs import find_logs

    settings = load_judge(config)
    if budget is not None and not settings.priced:
        raise ConfigError(f"--budget needs input_price and output_price in {config}")
    plan: list[JudgedLog] = []
    for log in find_logs(results):
        chosen = rubric_for(log, rubric)
        if chosen is None:
            typer.echo(f"{log.path}: {log.task} has nothing that this rubric judges; skipped", err=True)
        else:
            plan.append(JudgedLog(log, chosen, settings, with_reference, sample))
    if not plan:
        raise ConfigError("nothing to judge among these logs: judged are csconv_response and csconv_dialogue")
    with judge_errors():
        verdicts = open_cache(results[0], cache or settings.cache)
        try:
            if dry_run:
                _show_estimates([(judged, judged.estimate(verdicts)) for judged in plan])
                return
            code = _judge_all(plan, verdicts, budget)
        finally:
            verdicts.close()
    if code:
        raise typer.Exit(code)


def open_cache(results: Path, path: Path | None) -> Any:
    """The verdict cache at ``path``, or the one in the results folder."""
    from csc_tasks.metrics.judge.cache import VerdictCache

    folder = results if results.is_dir() else results.parent
    return VerdictCache(path or folder / "judge_cache.sqlite")


def _judge_all(plan: list[JudgedLog], cache: Any, budget: float | None) -> int:
    from csc_tasks.metrics.judge.engine import Stop

    spent = 0.0
    with progress_bar() as bar:
        for judged in plan:
            left = None if budget is None else budget - spent
            follow = follower(bar, f"{judged.log.task} {judged.rubric.name}", judged.config.currency)
            judgement, summary = judged.run(cache, left, follow)
            spent += summary.cost
            _report(judged, judgement, summary)
            if summary.stopped is not None:
                what = f"{summary.stopped.value}; the same command goes on from here"
                typer.echo(f"{judged.log.task}: {what}", err=True)
                return OUT_OF_BUDGET if summary.stopped is Stop.BUDGET else INTERRUPTED
    return 0


def progress_bar() -> Progress:
    """A bar on the terminal, so that stdout stays for the written files."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def follower(bar: Progress, name: str, currency: str) -> Any:
    """What keeps a line of the bar up to date: rate, subjects without a verdict, cost so far."""
    from time import monotonic

    line = bar.add_task(name, total=None, state="")
    start = last = monotonic()

    def follow(summary: Summary) -> None:
        nonlocal last
        now = monotonic()
        if now - last < 0.1 and summary.done != summary.total:
            return
        last = now
        state = f"{summary.asked / max(now - start, 1e-9):.1f}/s"
        if summary.failures:
            state += f" [red]{summary.failures} without a verdict[/red]"
        if summary.cost:
            state += f" {summary.cost:.2f} {currency}"
        bar.update(line, completed=summary.done, total=summary.total, state=state)

    return follow


def _report(judged: JudgedLog, judgement: Judgement, summary: Summary) -> None:
    """What was judged, on stderr; the written file on stdout."""
    from csc_tasks.metrics.judge.engine import Stop

    counts = ", ".join(f"{n} {s.value}" for s, n in judgement.statuses.most_common())
    cost = f", {summary.cost:.4f} {judged.config.currency}" if judged.config.priced else ""
    typer.echo(
        f"{judged.log.task} by {judged.signature['line']}: {counts} ({summary.cached} from earlier runs{cost})",
        err=True,
    )
    for reason, count in summary.reasons.most_common(3):
        typer.echo(f"  {count} × {reason}", err=True)
    if attempts := sum(n for flag, n in judgement.flags.items() if flag != "silent"):
        typer.echo(
            f"  {attempts} flags of judged text that addresses the judge; see flags in the verdicts", err=True
        )
    if judgement.withheld:
        typer.echo(f"  scores withheld: {judgement.withheld}", err=True)
    if summary.stopped is not Stop.INTERRUPTED:
        typer.echo(str(judged.results_path))


def _show_estimates(estimates: list[tuple[JudgedLog, Estimate]]) -> None:
    table = Table(title="what would be asked, with answers at max_tokens", title_justify="left")
    for name in ("log", "rubric"):
        table.add_column(name)
    for name in ("to judge", "known", "requests", "prompt tokens", "answer tokens", "cost"):
        table.add_column(name, justify="right")
    for judged, e in estimates:
        config = judged.config
        cost = f"{e.cost:.2f} {config.currency}" if config.priced else "no prices"
        numbers = (e.subjects, e.cached, e.requests, e.prompt_tokens, e.completion_tokens)
        table.add_row(judged.log.path.name, judged.rubric.name, *(f"{n:,}" for n in numbers), cost)
    console().print(table)

"""``csconv judge``: let a language model judge saved runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from csc_tasks.commands.app import RunByDefault, app, console, print_json
from csc_tasks.errors import ConfigError, needs_extra
from csc_tasks.metrics.judge.rubric import TURN_RUBRIC

if TYPE_CHECKING:
    from csc_tasks.judging.engine import Estimate, JudgeProgress, Stop
    from csc_tasks.judging.saved_run import JudgedLog, Judgement

INTERRUPTED, OUT_OF_BUDGET = 130, 3
"""Exit codes of a run that asked less than it was to ask."""


judge = typer.Typer(
    cls=RunByDefault,
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
    pairwise: Annotated[
        bool, typer.Option("--pairwise", help="Compare the runs with each other: a folder for each model.")
    ] = False,
) -> None:
    """Judge saved runs (lm_eval --log_samples).

    Writes verdicts_*.jsonl and a results file beside each log, which `csconv table` shows. What was judged
    before is not asked again, so an interrupted run goes on with the same command. Ctrl-C lets the requests
    under way finish. Exit code 3: the budget is used up; 130: interrupted.
    """
    with needs_extra("the judge", "judge"):
        from csc_tasks.judging.saved_run import JudgedLog, judge_errors, load_judge, rubric_for
    from csc_tasks.results.sample_log import find_logs

    settings = load_judge(config)
    if budget is not None and not settings.priced:
        raise ConfigError(f"--budget needs input_price and output_price in {config}")
    if pairwise:
        _side_by_side(results, settings, config, rubric, with_reference, sample, dry_run, budget, cache)
        return
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
                asked = [(j.log.path.name, j.rubric.name, j.estimate(verdicts)) for j in plan]
                _show_estimates(asked, settings, verdicts)
                return
            spent = _required_probe(settings, verdicts, config, budget)
            _judge_all(plan, verdicts, budget, spent)
        finally:
            verdicts.close()


def _required_probe(settings: Any, verdicts: Any, config: Path, budget: float | None) -> float:
    """Ask what the configuration wants to be asked before the judge is trusted, and say what it cost."""
    from csc_tasks.judging.probe import ProbeStopped, require_probe

    with progress_bar() as bar:
        follow = follower(bar, "probe", settings.currency)
        try:
            return require_probe(settings, verdicts, config, follow, budget)
        except ProbeStopped as stopped:
            raise _ended("the probe", stopped.why) from None


def _ended(what: str, why: Stop) -> typer.Exit:
    """Say why less was asked than was to be; the exit with its code."""
    from csc_tasks.judging.engine import Stop

    typer.echo(f"{what}: {why.value}; the same command goes on from here", err=True)
    return typer.Exit(OUT_OF_BUDGET if why is Stop.BUDGET else INTERRUPTED)


def _side_by_side(
    results: list[Path],
    settings: Any,
    config: Path,
    rubric: str | None,
    with_reference: bool,
    sample: int | None,
    dry_run: bool,
    budget: float | None,
    cache: Path | None,
) -> None:
    """``--pairwise``: every two models, both orders."""
    from csc_tasks.judging.pairwise import contests
    from csc_tasks.judging.probe import PAIRS
    from csc_tasks.judging.saved_run import judge_errors
    from csc_tasks.metrics.judge import load_rubric

    with judge_errors():
        plan = contests(results, load_rubric(rubric or PAIRS), settings, with_reference, sample)
        verdicts = open_cache(results[0], cache or settings.cache)
        try:
            if dry_run:
                asked = [
                    (f"{contest.task}: {' against '.join(pair)}", contest.rubric.name, estimate)
                    for contest in plan
                    for pair, estimate in zip(contest.pairs(), contest.estimate(verdicts), strict=True)
                ]
                _show_estimates(asked, settings, verdicts)
                return
            spent = _required_probe(settings, verdicts, config, budget)
            with progress_bar() as bar:
                for contest in plan:
                    pairings = []
                    for first, second in contest.pairs():
                        left = None if budget is None else budget - spent
                        follow = follower(bar, f"{first} against {second}", settings.currency)
                        pairing, summary = contest.run(first, second, verdicts, left, follow)
                        spent += summary.cost
                        if summary.stopped is not None:
                            raise _ended(contest.task, summary.stopped)
                        pairings.append(pairing)
                    ratings = contest.ratings(pairings)
                    contest.write(pairings, ratings)
                    _show_contest(contest, pairings, ratings)
        finally:
            verdicts.close()


def _show_contest(contest: Any, pairings: list[Any], ratings: Any) -> None:
    title = f"{contest.task} by {contest.signature.line}"
    table = Table(title=title, title_justify="left")
    for name in ("first", "second"):
        table.add_column(name)
    for name in ("pairs", "won", "tied", "lost", "win rate", "95 %", "judged", "flips", "length", "coverage"):
        table.add_column(name, justify="right")
    for p in pairings:
        r = p.result
        rate = (
            ("withheld", "")
            if r.withheld
            else (_percent(r.win_rate), f"{_percent(r.low)} to {_percent(r.high)}")
        )
        table.add_row(
            *(p.first, p.second, str(r.pairs), str(r.wins), str(r.ties), str(r.losses), *rate),
            *(str(r.judged), _percent(r.flips), "n/a" if r.length != r.length else f"{r.length:+.2f}"),
            _percent(r.coverage),
        )
    console().print(table)
    for p in pairings:
        if p.result.withheld:
            typer.echo(f"{p.first} against {p.second}: win rate withheld: {p.result.withheld}", err=True)
    if ratings is not None:
        table = Table(title="Bradley-Terry ratings", title_justify="left")
        table.add_column("model")
        table.add_column("rating", justify="right")
        table.add_column("95 %", justify="right")
        for model, value, low, high in zip(*ratings_columns(ratings), strict=True):
            table.add_row(model, f"{value:.0f}", f"{low:.0f} to {high:.0f}")
        console().print(table)
    typer.echo(str(contest.results_path))


def _percent(share: float) -> str:
    return "n/a" if share != share else f"{100 * share:.1f}"


def ratings_columns(ratings: Any) -> tuple[Any, ...]:
    """The columns of a table of ratings."""
    return ratings.models, ratings.rating, ratings.low, ratings.high


def open_cache(results: Path, path: Path | None) -> Any:
    """The verdict cache at ``path``, or the one in the results folder."""
    from csc_tasks.chat.cache import VerdictCache

    folder = results if results.is_dir() else results.parent
    return VerdictCache(path or folder / "judge_cache.sqlite")


def _judge_all(plan: list[JudgedLog], cache: Any, budget: float | None, spent: float) -> None:
    with progress_bar() as bar:
        for judged in plan:
            left = None if budget is None else budget - spent
            follow = follower(bar, f"{judged.log.task} {judged.rubric.name}", judged.config.currency)
            judgement, summary = judged.run(cache, left, follow)
            spent += summary.cost
            _report(judged, judgement, summary)
            if summary.stopped is not None:
                raise _ended(judged.log.task, summary.stopped)


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

    def follow(summary: JudgeProgress) -> None:
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


def _report(judged: JudgedLog, judgement: Judgement, summary: JudgeProgress) -> None:
    """What was judged, on stderr; the written file on stdout."""
    from csc_tasks.judging.engine import Stop

    counts = ", ".join(f"{n} {s.value}" for s, n in judgement.statuses.most_common())
    cost = f", {summary.cost:.4f} {judged.config.currency}" if judged.config.priced else ""
    typer.echo(
        f"{judged.log.task} by {judged.signature.line}: {counts} ({summary.cached} from earlier runs{cost})",
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


def _show_estimates(asked: list[tuple[str, str, Estimate]], settings: Any, verdicts: Any) -> None:
    """Requests, tokens and cost of each log or pair, after those of the probe if one is required, and the sum."""
    from csc_tasks.judging.engine import Estimate
    from csc_tasks.judging.probe import estimate_probe

    rows = [("the probe", rubric.name, e) for rubric, e in estimate_probe(settings, verdicts)] + asked
    table = Table(title="what would be asked, with answers at max_tokens", title_justify="left")
    for name in ("log", "rubric"):
        table.add_column(name)
    for name in ("to judge", "known", "requests", "prompt tokens", "answer tokens", "cost"):
        table.add_column(name, justify="right")

    def add(log: str, rubric: str, e: Estimate) -> None:
        cost = f"{e.cost:.2f} {settings.currency}" if settings.priced else "no prices"
        numbers = (e.subjects, e.cached, e.requests, e.prompt_tokens, e.completion_tokens)
        table.add_row(log, rubric, *(f"{n:,}" for n in numbers), cost)

    for row in rows:
        add(*row)
    if len(rows) > 1:
        table.add_section()
        columns = zip(*(dataclasses.astuple(e) for _, _, e in rows), strict=True)
        add("sum", "", Estimate(*map(sum, columns)))
    console().print(table)


@judge.command()
def probe(
    config: Config,
    rubric: Annotated[str, typer.Option("--rubric", help="A rubric for single turns.")] = TURN_RUBRIC,
    cache: Cache = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Put built-in cases of known order to a judge, before it is trusted.

    Sixty comparisons of replies that are better and worse in a known way, longer with nothing added, or
    speak to the judge; and pairs in both orders.
    """
    with needs_extra("the judge", "judge"):
        from csc_tasks.judging.probe import ProbeStopped
        from csc_tasks.judging.probe import probe as ask
        from csc_tasks.judging.saved_run import judge_errors, load_judge
    from csc_tasks.metrics.judge import load_rubric

    settings = load_judge(config)
    with judge_errors():
        verdicts = open_cache(Path(), cache or settings.cache)
        try:
            with progress_bar() as bar:
                follow = follower(bar, "probe", settings.currency)
                report, _ = ask(settings, load_rubric(rubric), verdicts, follow)
        except ProbeStopped as stopped:
            raise _ended("the probe", stopped.why) from None
        finally:
            verdicts.close()
    if as_json:
        print_json(json.dumps(dataclasses.asdict(report), ensure_ascii=False))
        return
    table = Table(title=f"{settings.model} under {rubric}: {report.score:.0%} in order", title_justify="left")
    table.add_column("case")
    table.add_column("right", justify="right")
    for kind, (right, asked) in report.kinds.items():
        table.add_row(kind, f"{right} of {asked}")
    table.add_section()
    table.add_row("grades gained by length alone", f"{report.length_shift:+.2f}")
    table.add_row("grades gained by a word to the judge", f"{report.injection_shift:+.2f}")
    table.add_row("pairs in which the order decided", f"{report.position_flips:.0%}")
    table.add_row("pairs right in both orders", f"{report.pairs_right:.0%}")
    table.add_row("without a verdict", str(report.unscored))
    console().print(table)


@judge.command()
def agreement(
    human: Annotated[
        Path, typer.Option("--human", metavar="CSV", help="Ratings: conversation, turn, rater, dimensions.")
    ],
    verdicts: Annotated[
        Path, typer.Argument(metavar="VERDICTS", help="A verdicts_*.jsonl, or a folder with one.")
    ] = Path(),
    rubric: Annotated[
        str | None, typer.Option("--rubric", help="The rubric's folder, if it is not a shipped one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Hold a judge's verdicts against people's ratings of the same replies."""
    from csc_tasks.chat.journal import Journal

    with needs_extra("the judge", "judge"):
        from csc_tasks.judging.saved_run import judge_errors
    from csc_tasks.metrics.judge import JudgeError, load_rubric
    from csc_tasks.metrics.judge.agreement import agreement as compare
    from csc_tasks.metrics.judge.agreement import read_ratings, read_verdicts

    found = sorted(verdicts.rglob("verdicts_*.jsonl")) if verdicts.is_dir() else [verdicts]
    if len(found) != 1 or not found[0].is_file():
        listed = ", ".join(str(p) for p in found[:5])
        raise ConfigError(
            f"{verdicts}: name one verdicts_*.jsonl, of the replies that were rated ({listed or 'none here'})"
        )
    with judge_errors():
        log = Journal(found[0])
        try:
            records = list(log.records())
        finally:
            log.close()
        names = {str(r.get("rubric", "")).partition("@")[0] for r in records}
        if not records or (rubric is None and len(names) != 1):
            raise JudgeError(f"{found[0]}: not a log of verdicts")
        figures = compare(load_rubric(rubric or names.pop()), read_verdicts(records), read_ratings(human))
    if as_json:
        print_json(json.dumps([dataclasses.asdict(f) for f in figures], ensure_ascii=False))
        return
    table = Table(title=f"{found[0].name} against {human.name}", title_justify="left")
    table.add_column("dimension")
    for name in ("rated", "kappa", "Spearman", "alpha", "people alone", "bias"):
        table.add_column(name, justify="right")
    for f in figures:
        numbers = (f"{x:.2f}" if x == x else "n/a" for x in (f.spearman, f.alpha, f.human_alpha))
        error = f" ±{f.error:.2f}" if f.error == f.error else ""
        table.add_row(f.dimension, str(f.items), f"{f.kappa:.2f}{error}", *numbers, f"{f.bias:+.2f}")
    out = console()
    out.print(table)
    for f in figures:
        out.print(f"{f.dimension}: rows people, columns judge")
        for row in f.confusion:
            out.print("  " + " ".join(f"{n:4d}" for n in row))

"""``csconv judge``: let a language model judge saved runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from csc_tasks.commands.app import RunByDefault, app, console, print_json, say
from csc_tasks.metrics.judge.rubric import DIALOGUE_RUBRIC, TURN_RUBRIC

if TYPE_CHECKING:
    from csc_tasks.judging.report import Report

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
    Path | None,
    typer.Option(
        "--cache",
        help="The verdict cache; by default the configuration's, else judge_cache.sqlite in the first of RESULTS "
        "(probe: in the working folder).",
    ),
]


@judge.command()
def run(
    results: Results,
    config: Config,
    rubric: Annotated[
        str | None,
        typer.Option(
            "--rubric",
            help=f"A rubric's name or folder, or a version of the shipped ones (zh-1); by default {TURN_RUBRIC}, of "
            f"dialogues {DIALOGUE_RUBRIC}.",
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
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Ask everything again: take no verdict from the cache or from files that lie there.",
        ),
    ] = False,
) -> None:
    """Judge saved runs (lm_eval --log_samples).

    Writes verdicts_*.jsonl and a results file beside each log, which `csconv table` shows. What was judged
    before is not asked again, so an interrupted run goes on with the same command. Ctrl-C lets the requests
    under way finish, and so do SIGTERM and SIGHUP. Exit code 3: the budget is used up; 4: no scores, for too few
    verdicts came, or none among the first twenty answers; 130, 143, 129: ended by these signals.
    """
    from csc_tasks.judging.session import JudgeOptions, judge_results

    options = JudgeOptions(
        tuple(results), config, rubric, with_reference, sample, dry_run, budget, cache, pairwise, fresh
    )
    with _shown() as report:
        judge_results(options, report)


@judge.command()
def probe(
    config: Config,
    rubric: Annotated[
        str | None, typer.Option("--rubric", help="A rubric for single turns; by default the probe's own.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--probe", help="The cases: by default the newest; probe-zh-1 for verdicts of before."),
    ] = None,
    cache: Cache = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Put built-in cases of known order to a judge, before it is trusted.

    Two hundred comparisons of replies that are better and worse in a known way, padded with politeness, or speak
    to the judge; alone, with the reference shown, and side by side in both orders. What is required
    (require_probe) holds for each kind of case. What was found is written beside the cache.
    """
    from csc_tasks.judging.session import probe_judge

    with _shown() as report:
        settings, probed = probe_judge(config, rubric, cache, report, name)
    found = probed.report
    if as_json:
        print_json(json.dumps(probed.fields, ensure_ascii=False))
    else:
        report.probe(settings.model, probed)
    if found.coverage < settings.min_coverage:
        typer.echo(
            f"{found.unscored} of {found.asked} questions have no verdict: this says nothing of the judge",
            err=True,
        )
        raise typer.Exit(4)


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
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding", help="Of the CSV, if it is neither UTF-8 nor UTF-16 nor GBK: big5, shift_jis, …"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Hold a judge's verdicts against people's ratings of the same replies."""
    from csc_tasks.judging.ratings import agreement_of_files, find_verdicts

    journal = find_verdicts(verdicts)
    figures = agreement_of_files(journal, human, rubric, encoding)
    if as_json:
        print_json(json.dumps([dataclasses.asdict(f) for f in figures], ensure_ascii=False))
    else:
        _report().agreement(f"{journal.name} against {human.name}", figures)


def _report() -> Report:
    from csc_tasks.judging.report import Report

    return Report(console(), Console(stderr=True))


@contextmanager
def _shown() -> Iterator[Report]:
    """The terminal of a run; one that was stopped gets a message and an exit code of its own."""
    from csc_tasks.judging.progress import Stop, Stopped, Withheld
    from csc_tasks.system.signals import exit_code

    try:
        with _report() as report:
            yield report
    except Stopped as stopped:
        say(str(stopped))
        raise typer.Exit({Stop.BUDGET: 3, Stop.HOPELESS: 4}.get(stopped.why, exit_code())) from None
    except Withheld as withheld:
        say(str(withheld))
        raise typer.Exit(4) from None

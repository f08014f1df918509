"""``csconv gate``: fail a build whose checkpoint got worse, and none because of noise."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer

from csc_tasks.commands.app import (
    Allow,
    Lang,
    RunByDefault,
    app,
    console,
    language_of,
    print_json,
    show_error,
)
from csc_tasks.errors import ConfigError, CSConvError

if TYPE_CHECKING:
    from csc_tasks.leaderboards.rendering.gate_report import ReportFiles

gate = typer.Typer(
    cls=RunByDefault,
    no_args_is_help=True,
    help="Hold results against a baseline: `csconv gate RESULTS --baseline FILE`.",
)
app.add_typer(gate, name="gate", rich_help_panel="Read")

_WRONG_USE, _MISSING, _DEFECT = 2, 4, 70
"""What errors lead to: a typing error, absent results, and an error of csconv's own (EX_SOFTWARE)."""

Limits = list[str] | None


@gate.command()
def run(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS…", help="Folders or results files of one model.")
    ],
    baseline: Annotated[
        Path,
        typer.Option("--baseline", metavar="BASE", help="A baseline file, or a folder with results."),
    ],
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="YAML", help="Rules; options add to them.")
    ] = None,
    max_drop: Annotated[
        Limits,
        typer.Option(
            "--max-drop",
            metavar="METRIC=DROP",
            help="Allow a metric so much worse, as a fraction: strategy_acc=0.01; TASK/CONTEXT/METRIC for one task. "
            "Without any rule: no headline score may drop.",
        ),
    ] = None,
    least: Annotated[
        Limits,
        typer.Option(
            "--min",
            metavar="METRIC=VALUE",
            help="A metric must reach this value, or not exceed it where lower is better.",
        ),
    ] = None,
    floor: Annotated[Limits, typer.Option("--floor", metavar="METRIC=VALUE", hidden=True)] = None,
    min_coverage: Annotated[
        float | None, typer.Option("--min-coverage", metavar="SHARE", help="Least share of verdicts [0.98].")
    ] = None,
    min_turns: Annotated[
        int | None, typer.Option("--min-turns", metavar="N", help="Least number of turns of each task.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="The model, where RESULTS has several.")
    ] = None,
    base_model: Annotated[
        str | None, typer.Option("--base-model", help="The model, where BASE has several.")
    ] = None,
    allow_partial: Annotated[
        bool,
        typer.Option("--allow-partial", help="Accept runs with --limit if both are of the same turns."),
    ] = False,
    allow: Allow = None,
    update_baseline: Annotated[
        bool,
        typer.Option(
            "--update-baseline",
            help="Write RESULTS to the baseline file instead of judging them, and say what changes by it. Takes "
            "--drop, --model, --allow-partial, --markdown and --json.",
        ),
    ] = False,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            "--drop",
            metavar="SECTION",
            help="With --update-baseline: what need not be watched any more, as TASK/CONTEXT, TASK/CONTEXT/METRIC "
            "or METRIC; several times for several.",
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write a pull-request comment.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write JSON; - for stdout.")
    ] = None,
    lang: Lang = "en",
) -> None:
    """Hold results against a baseline; the exit code is the answer.

    0 no regression · 1 regression · 2 wrong use · 3 not comparable · 4 missing or incomplete.
    A regression is a paired drop whose confidence interval, clustered by conversation, lies beyond what is allowed.
    """
    with _never_one():
        from csc_tasks.leaderboards.comparing.gate_run import GateOptions, report_of_failure, run_gate
        from csc_tasks.leaderboards.reading.asked import askings
        from csc_tasks.leaderboards.rendering import gate_report
        from csc_tasks.leaderboards.rendering.language import said
        from csc_tasks.leaderboards.rendering.text import printable

        language = language_of(lang)
        files, started = gate_report.ReportFiles(junit, markdown, json), time.monotonic()
        try:
            if update_baseline:
                _refuse(
                    "--update-baseline holds nothing against anything",
                    {
                        "--rules": rules,
                        "--max-drop": max_drop,
                        "--min": least,
                        "--floor": floor,
                        "--min-coverage": min_coverage,
                        "--min-turns": min_turns,
                        "--base-model": base_model,
                        "--allow": allow,
                        "--junit": junit,
                        "--lang": None if lang == "en" else lang,
                    },
                )
                _write_baseline(results, baseline, model, allow_partial, drop, files)
                return
            _refuse("without --update-baseline nothing is written", {"--drop": drop})
            options = GateOptions(
                results=tuple(results),
                baseline=baseline,
                rules=rules,
                max_drop=tuple(max_drop or ()),
                min=(*(floor or ()), *(least or ())),
                min_coverage=min_coverage,
                min_turns=min_turns,
                allow_partial=allow_partial,
                allow=askings(allow or ()),
                model=model,
                base_model=base_model,
            )
            report = run_gate(options)
        except CSConvError as error:
            # Whoever waits for a report gets one, and in it what is wrong.
            failure = report_of_failure(results, baseline, error)
            try:
                gate_report.write_files(failure, files, time.monotonic() - started, language)
            except CSConvError as unwritten:  # must not stand in the place of what went wrong first
                show_error(unwritten)
            if files.to_stdout:
                print_json(gate_report.to_json(failure))
            raise
        gate_report.write_files(report, files, time.monotonic() - started, language)
        if files.to_stdout:
            print_json(gate_report.to_json(report))
        else:
            console().print(gate_report.terminal(report, language))
            for note in report.notes:
                typer.echo(f"note: {printable(said(note, language))}", err=True)
        raise typer.Exit(int(report.exit))


def _refuse(why: str, options: Mapping[str, object]) -> None:
    """End with an error where an option is given that would be ignored; none is silently."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(f"{', '.join(given)}: of no use here, for {why}")


def _write_baseline(
    results: list[Path],
    baseline: Path,
    model: str | None,
    allow_partial: bool,
    drop: Limits,
    files: ReportFiles,
) -> None:
    from csc_tasks.leaderboards.comparing.baseline_update import UpdateOptions, update_baseline
    from csc_tasks.leaderboards.rendering import update_report
    from csc_tasks.leaderboards.rendering.text import printable

    options = UpdateOptions(tuple(results), baseline, model, allow_partial, tuple(drop or ()))
    update = update_baseline(options)
    if files.to_stdout:
        print_json(update_report.to_json(update))
    else:
        typer.echo("\n".join(update_report.lines(update)))
        for note in update.notes:
            typer.echo(f"note: {printable(note)}", err=True)
    update_report.write_files(update, files)


@contextmanager
def _never_one() -> Iterator[None]:
    """Whatever goes wrong, exit code 1 is a regression and nothing else."""
    try:
        yield
    except CSConvError as error:
        show_error(error)
        raise typer.Exit(_WRONG_USE if isinstance(error, ConfigError) else _MISSING) from None
    except (typer.Exit, click.exceptions.ClickException):
        raise
    except Exception:  # noqa: BLE001  # an error of ours must not pass for a regression
        traceback.print_exc()
        raise typer.Exit(_DEFECT) from None


@gate.command()
def power(
    n_conversations: Annotated[
        list[int] | None,
        typer.Option(
            "--n-conversations",
            min=2,
            metavar="N",
            help="Conversations evaluated, several times for several; by default those of mini, lite and full.",
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="BASE", help="Take the spread from this baseline file or folder."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="RESULTS", help="And from the paired difference with these results."
        ),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="YAML", help="The gate's rules; options add to them.")
    ] = None,
    max_drop: Annotated[
        Limits,
        typer.Option(
            "--max-drop",
            metavar="[METRIC=]DROP",
            help="What is allowed, as for the gate; DROP alone holds for all scores. Without any rule: no headline "
            "score may drop.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="Watch this score, as if it stood in --max-drop.")
    ] = None,
    tests: Annotated[
        int | None,
        typer.Option(
            "--tests",
            min=1,
            help="Metrics and tasks watched; by default those of the rules, without BASE in the tasks of csconv.",
        ),
    ] = None,
    power: Annotated[float, typer.Option("--power", min=0.01, max=0.999, help="Chance of seeing it.")] = 0.8,
    alpha: Annotated[
        float | None,
        typer.Option("--alpha", min=0.0001, max=0.5, help="Chance of a false alarm [0.05, or of the rules]."),
    ] = None,
    correlation: Annotated[
        float,
        typer.Option(
            "--correlation", min=0.0, max=0.99, help="Of the two models' scores, where only BASE is given."
        ),
    ] = 0.5,
    disagreement: Annotated[
        float,
        typer.Option(
            "--disagreement",
            min=0.001,
            max=1.0,
            help="Share of turns that one model alone gets right, without BASE.",
        ),
    ] = 0.15,
    icc: Annotated[
        float,
        typer.Option("--icc", min=0.0, max=1.0, help="Likeness of turns of a conversation, without BASE."),
    ] = 0.05,
) -> None:
    """The smallest true drop that the gate calls a regression, by number of conversations."""
    with _never_one():
        from csc_tasks.leaderboards.comparing.power import PowerOptions, power_report
        from csc_tasks.leaderboards.rendering.power_table import power_table

        options = PowerOptions(
            conversations=tuple(n_conversations or ()),
            baseline=baseline,
            against=against,
            rules=rules,
            max_drop=tuple(max_drop or ()),
            metrics=tuple(metric or ()),
            tests=tests,
            power=power,
            alpha=alpha,
            correlation=correlation,
            disagreement=disagreement,
            icc=icc,
        )
        console().print(power_table(power_report(options)))

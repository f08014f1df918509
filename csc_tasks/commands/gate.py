"""``csconv gate``: fail a build whose checkpoint got worse, and none because of noise."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import click
import typer
from rich.markup import escape
from rich.table import Table

from csc_tasks.commands.app import RunByDefault, app, console, print_json
from csc_tasks.errors import ConfigError, CSConvError, DataError

if TYPE_CHECKING:
    from csc_tasks.leaderboards.comparing.gate import GateReport, Rules
    from csc_tasks.leaderboards.comparing.power import Spread

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
    floor: Annotated[
        Limits, typer.Option("--floor", metavar="METRIC=VALUE", help="A metric must reach this value.")
    ] = None,
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
    update_baseline: Annotated[
        bool,
        typer.Option("--update-baseline", help="Write RESULTS to the baseline file instead of judging them."),
    ] = False,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write a pull-request comment.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write JSON; - for stdout.")
    ] = None,
) -> None:
    """Hold results against a baseline; the exit code is the answer.

    0 no regression · 1 regression · 2 wrong use · 3 not comparable · 4 missing or incomplete.
    A regression is a paired drop whose confidence interval, clustered by conversation, lies beyond what is allowed.
    """
    with _never_one():
        _run(
            results,
            baseline,
            _Options(rules, max_drop, floor, min_coverage, min_turns, allow_partial),
            (model, base_model),
            update_baseline,
            (junit, markdown, json),
        )


class _Options(NamedTuple):
    """Where rules may come from."""

    rules: Path | None
    max_drop: Limits
    floor: Limits
    min_coverage: float | None
    min_turns: int | None
    allow_partial: bool


@contextmanager
def _never_one() -> Iterator[None]:
    """Whatever goes wrong, exit code 1 is a regression and nothing else."""
    try:
        yield
    except CSConvError as error:
        typer.echo(f"csconv: {error}", err=True)
        raise typer.Exit(_WRONG_USE if isinstance(error, ConfigError) else _MISSING) from None
    except (typer.Exit, click.exceptions.ClickException):
        raise
    except Exception:  # noqa: BLE001  # an error of ours must not pass for a regression
        traceback.print_exc()
        raise typer.Exit(_DEFECT) from None


def _run(
    results: list[Path],
    baseline: Path,
    options: _Options,
    models: tuple[str | None, str | None],
    update_baseline: bool,
    outputs: tuple[Path | None, Path | None, Path | None],
) -> None:
    from csc_tasks.leaderboards.comparing.baseline_file import write_baseline
    from csc_tasks.leaderboards.comparing.gate import default_rules, evaluate
    from csc_tasks.leaderboards.comparing.loading import load_model_results
    from csc_tasks.leaderboards.rendering import gate_report

    wanted = _rules(options)
    for path in (*results, *(() if update_baseline else (baseline,))):
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
    found = load_model_results(results, models[0])
    if update_baseline:
        partial = [s for s in found.sections.values() if not s.whole]
        if partial and not options.allow_partial:
            raise DataError(
                f"{found.source}: {partial[0].section} is incomplete ({partial[0].turns} turns of "
                f"{partial[0].conversations} of {partial[0].asked} conversations); run it whole, with "
                "--log_samples, or add --allow-partial"
            )
        write_baseline(found, baseline)
        size = baseline.stat().st_size / 1024
        typer.echo(f"{baseline}: baseline of {found.model}, {size:.0f} KB; commit it")
        return
    base = load_model_results([baseline], models[1])
    if not (wanted.max_drop or wanted.floor):
        wanted = replace(wanted, max_drop=default_rules(base).max_drop)
    report = evaluate(found, base, wanted)
    junit, markdown, json = outputs
    if junit:
        gate_report.write(junit, gate_report.junit(report))
    if markdown:
        gate_report.write(markdown, gate_report.markdown(report).encode())
    if json and str(json) != "-":
        gate_report.write(json, gate_report.to_json(report).encode())
    gate_report.append_summary(report)
    if json and str(json) == "-":
        print_json(gate_report.to_json(report))
    else:
        _show(report)
    raise typer.Exit(int(report.exit))


def _rules(options: _Options) -> Rules:
    from csc_tasks.leaderboards.comparing.gate import Rules, check_rules, load_rules

    rules = load_rules(options.rules) if options.rules else Rules()
    rules = replace(
        rules,
        max_drop={**rules.max_drop, **_limits("--max-drop", options.max_drop)},
        floor={**rules.floor, **_limits("--floor", options.floor)},
        min_coverage=rules.min_coverage if options.min_coverage is None else options.min_coverage,
        min_turns=rules.min_turns if options.min_turns is None else options.min_turns,
        allow_partial=rules.allow_partial or options.allow_partial,
    )
    return check_rules(rules, "options")


def _limits(option: str, pairs: Limits) -> dict[str, float]:
    limits: dict[str, float] = {}
    for pair in pairs or []:
        name, _, value = pair.rpartition("=")
        try:
            limits[name.strip()] = float(value)
        except ValueError:
            raise ConfigError(
                f"{option} {pair}: write METRIC=NUMBER, for instance strategy_acc=0.01"
            ) from None
    return limits


def _show(report: GateReport) -> None:
    from csc_tasks.leaderboards.comparing.gate import CheckStatus
    from csc_tasks.leaderboards.rendering.escaping import printable
    from csc_tasks.leaderboards.rendering.gate_report import headline
    from csc_tasks.leaderboards.rendering.numbers import number

    table = Table(
        "task",
        "metric",
        title=escape(headline(report)),
        title_justify="left",
        caption=f"shares in percent; at least: one-sided, {100 * report.alpha:g} % over all tests together",
        caption_justify="left",
    )
    for name in ("baseline", "now", "drop", "at least", "allowed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome")
    styles = {CheckStatus.PASS: "green", CheckStatus.REGRESSION: "red"}
    for check in report.checks:
        style = styles.get(check.status, "yellow")
        outcome = "ok" if check.status is CheckStatus.PASS else check.status.name.lower().replace("_", " ")
        rule = "" if check.rule in ("max_drop", "complete") else f" ({check.rule})"
        table.add_row(
            check.section,
            (check.metric or check.rule) + rule,
            number(check.metric, check.baseline),
            number(check.metric, check.value),
            number(check.metric, check.drop, signed=True),
            number(check.metric, check.low, signed=True),
            number(check.metric, check.allowed),
            f"[{style}]{outcome}[/]: {escape(printable(check.message, 300))}",
        )
    console().print(table)
    for note in report.notes:
        typer.echo(f"note: {printable(note, 600)}", err=True)


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
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="Metrics; by default the headline scores.")
    ] = None,
    tests: Annotated[
        int | None, typer.Option("--tests", min=1, help="Metrics and tasks watched; by default those listed.")
    ] = None,
    power: Annotated[float, typer.Option("--power", min=0.5, max=0.999, help="Chance of seeing it.")] = 0.8,
    alpha: Annotated[
        float, typer.Option("--alpha", min=0.0001, max=0.5, help="Chance of a false alarm.")
    ] = 0.05,
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
    from csc_tasks.data.sources import FULL_CONVERSATIONS, LITE_SIZE, MINI_CONVERSATIONS
    from csc_tasks.leaderboards.comparing.power import smallest_drop
    from csc_tasks.leaderboards.rendering.numbers import number

    sizes = n_conversations or [MINI_CONVERSATIONS, LITE_SIZE, FULL_CONVERSATIONS]
    spreads = _spreads(baseline, against, metric, correlation, disagreement, icc)
    count = tests or len(spreads)
    table = Table(
        "task",
        "metric",
        title=f"smallest drop seen with a chance of {power:.0%}, {count} test{'s' * (count != 1)}, "
        f"{100 * alpha:g} % false alarms",
        title_justify="left",
        caption="\n".join(dict.fromkeys(s.basis for s in spreads)) + "\nshares in percent",
        caption_justify="left",
    )
    for size in sizes:
        table.add_column(f"{size} conversations", justify="right")
    for spread in spreads:
        drops = [smallest_drop(spread, size, count, alpha, power) for size in sizes]
        table.add_row(spread.section or "any", spread.metric, *(number(spread.metric, d) for d in drops))
    console().print(table)


def _spreads(
    baseline: Path | None,
    against: Path | None,
    metrics: list[str] | None,
    correlation: float,
    disagreement: float,
    icc: float,
) -> list[Spread]:
    from csc_tasks.data.sources import FULL_CONVERSATIONS, FULL_TURNS
    from csc_tasks.leaderboards.comparing.gate import default_rules
    from csc_tasks.leaderboards.comparing.loading import load_model_results
    from csc_tasks.leaderboards.comparing.paired import incomparable
    from csc_tasks.leaderboards.comparing.power import assumed_spread, paired_spreads, single_spreads

    if baseline is None:
        if against or metrics:
            raise ConfigError("--against and --metric need --baseline")
        return [assumed_spread(disagreement, FULL_TURNS / FULL_CONVERSATIONS, icc)]
    base = load_model_results([baseline])
    names = metrics or list(default_rules(base).max_drop)
    if against is None:
        spreads = single_spreads(base, names, correlation)
    else:
        other = load_model_results([against])
        if told := incomparable(other, base):
            raise DataError(f"{against} against {baseline}: {told}")
        spreads = paired_spreads(other, base, names)
    if not spreads:
        raise DataError(f"{baseline}: none of {', '.join(names)} is there with its samples")
    return spreads

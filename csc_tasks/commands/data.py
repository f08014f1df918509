"""``csconv data info``, ``validate`` and ``convert``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from csc_tasks.commands.app import app, console, print_json
from csc_tasks.data.files import FileReport, write_conversations
from csc_tasks.data.find_format import find_format
from csc_tasks.data.formats import FIELDS, Format
from csc_tasks.data.importing import ImportOptions, import_file, read_pairs
from csc_tasks.data.mistakes import distinct_mistakes
from csc_tasks.data.splits import Split
from csc_tasks.errors import DataError
from csc_tasks.printable import printable
from csc_tasks.storage import at_home

if TYPE_CHECKING:
    from csc_tasks.data.statistics import DataStatistics

commands = typer.Typer(no_args_is_help=True, help="Look at, check and convert conversation files.")
app.add_typer(commands, name="data", rich_help_panel="Data")

_SHOWN = 30
"""Distinct mistakes that are listed unless all are asked for."""

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="hub, modelscope, mini, or a .json, .jsonl or .parquet file.")
]
Training = Annotated[
    bool, typer.Option("--train", help="The training conversations of hub, modelscope or mini.")
]


def _split(train: bool) -> Split:
    return Split.TRAINING if train else Split.EVALUATION


@commands.command()
def info(
    source: Source,
    train: Training = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Print statistics: conversations, turns, strategy and stage shares, lengths."""
    from csc_tasks.data.sources import load
    from csc_tasks.data.statistics import record_of, summarise
    from csc_tasks.leaderboards.rendering.text import printable

    corpus = load(source, _split(train))
    summary = summarise(corpus.conversations)
    if as_json:
        print_json(json.dumps(record_of(corpus, summary), ensure_ascii=False, indent=2))
        return
    out = console()
    provenance = f"{corpus.path}\nsha256 {corpus.sha256}, fingerprint {corpus.fingerprint}"
    out.print("\n".join(map(printable, provenance.splitlines())), soft_wrap=True, markup=False)
    out.print(
        f"{summary.conversations} conversations, {summary.utterances} utterances, {summary.turns} supporter turns\n"
    )
    shares = Table("strategy", "", "stage", "turns", "share", box=None)
    for strategy, count in summary.strategies.items():
        stage = strategy.stage
        shares.add_row(
            f"{strategy.number} {strategy.zh}",
            strategy.en,
            stage.en if stage else "–",
            str(count),
            _percent(count, summary.turns),
        )
    stages = {s.en if s else "none (其它)": n for s, n in summary.stages.items()}
    parts = [("stage", stages, summary.turns), ("topic", summary.topics, summary.conversations)]
    if corpus.labelled:
        out.print(shares)
        out.print()
    else:
        out.print("unlabelled: no 客服 utterance has a strategy\n")
        del parts[0]
    for title, counts, total in parts:
        table = Table(title, "turns" if title == "stage" else "conversations", "share", box=None)
        for name, count in counts.items():
            table.add_row(Text(printable(name)), str(count), _percent(count, total))
        out.print(table)
        out.print()
    from csc_tasks.data.statistics import QUANTILES

    spread = Table("", *(f"{q:.0%}" for q in QUANTILES), "mean", box=None)
    for name, values in _spreads(summary).items():
        spread.add_row(name, *(f"{v:.0f}" for v in values[:-1]), f"{values[-1]:.1f}")
    out.print(spread)


def _percent(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else "–"


def _spreads(summary: DataStatistics) -> Mapping[str, tuple[float, ...]]:
    return {
        "turns a conversation": summary.turns_per_conversation,
        "characters a 客服 utterance": summary.supporter_length,
        "characters a 客户 utterance": summary.customer_length,
    }


@commands.command()
def validate(
    source: Source,
    train: Training = False,
    strict: Annotated[bool, typer.Option("--strict", help="Broken construction rules fail too.")] = False,
    every: Annotated[
        bool,
        typer.Option("--all", help="Every defect on a line of its own, however often the same is wrong."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the defects as JSON.")] = False,
) -> None:
    """List the mistakes of a file with their first positions, in one pass. Exit code 1 if it cannot be used.

    The same mistake made often is one line with a count; JSON has every defect. An `error` keeps the file from
    being used; a `rule` is a construction rule that is broken.
    """
    from csc_tasks.data.sources import inspect

    report = inspect(source, _split(train))
    if as_json:
        print_json(
            json.dumps(
                [located.record() for located in report.defects],
                ensure_ascii=False,
                indent=2,
            )
        )
    else:
        _print_defects(report, every)
    if report.fatal or (strict and report.defects):
        raise typer.Exit(1)


def _print_defects(report: FileReport, every: bool) -> None:
    mistakes = distinct_mistakes(report.defects)
    lines = [(d, str(d)) for d in report.defects] if every else [(m.first, str(m)) for m in mistakes[:_SHOWN]]
    for located, text in lines:
        typer.echo(
            f"{'error' if located.defect.fatal else 'rule '} {located.defect.kind:18} {printable(text)}"
        )
    if not every and len(mistakes) > _SHOWN:
        typer.echo(f"… and {len(mistakes) - _SHOWN:,} more distinct mistakes; --all lists every one")
    errors, sound = len(report.fatal), report.conversations
    typer.echo(
        f"{printable(str(report.path))}: {len(sound)} sound conversations, {errors} errors, "
        f"{len(report.defects) - errors} broken rules"
        + ("" if not sound or sound[0].labelled else "; unlabelled: no 客服 utterance has a strategy")
    )


@commands.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="hub, modelscope, mini, or a .json, .jsonl, .parquet, .csv or .tsv file."
        ),
    ],
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A .json, .jsonl or .parquet file to write.")
    ],
    train: Training = False,
    form: Annotated[
        Format | None,
        typer.Option(
            "--from",
            help="What the file is: csconv's own schema, OpenAI messages, ShareGPT, lists of turns, or rows with one "
            "utterance each. Default: what it looks like.",
        ),
    ] = None,
    names: Annotated[
        str,
        typer.Option(
            "--map",
            metavar="FIELD=NAME,…",
            help=f"What a field is called in the file: {', '.join(FIELDS)}.",
        ),
    ] = "",
    speakers: Annotated[
        str,
        typer.Option("--speaker", metavar="NAME=WHO,…", help="Who a speaker is: 客服, 客户, or drop."),
    ] = "",
    merge: Annotated[
        bool, typer.Option("--merge", help="Make consecutive lines of one speaker one utterance.")
    ] = False,
    unlabelled: Annotated[bool, typer.Option("--unlabelled", help="Drop all strategies.")] = False,
    skip_broken: Annotated[
        bool,
        typer.Option("--skip-broken", help="Leave out conversations that cannot be used, and count them."),
    ] = False,
    topic: Annotated[str, typer.Option("--topic", help="Of conversations that name none.")] = "",
    encoding: Annotated[str | None, typer.Option("--encoding", help="Of a .csv or .tsv file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Write conversations in another format, or other people's conversations in the published schema.

    Lines of the system and empty lines are left out, with a count. What cannot be mapped is an error.
    """
    if target.exists() and not force:
        raise DataError(f"{target} exists; pass --force to write over it")
    options = ImportOptions(
        form,
        read_pairs("--map", names),
        read_pairs("--speaker", speakers),
        merge,
        unlabelled,
        skip_broken,
        topic,
        encoding,
    )
    path = at_home(source)
    if path.is_file() and (options != ImportOptions() or find_format(path, {}) is not Format.CSCONV):
        read = import_file(path, options)
        conversations = read.conversations
        typer.echo(f"{printable(str(path))}: read as {read.format}")
        for what, count in read.counts.items():
            typer.echo(f"{count:,} {printable(what)}")
    else:
        from csc_tasks.data.sources import load

        conversations = load(source, _split(train)).conversations
    write_conversations(target, conversations)
    note = "" if conversations[0].labelled else "; unlabelled: for csconv_response and csconv_dialogue"
    typer.echo(f"wrote {len(conversations)} conversations to {printable(str(target))}{note}")

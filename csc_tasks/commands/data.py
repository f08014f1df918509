"""``csconv data info``, ``validate`` and ``convert``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from csc_tasks.commands.app import app, console, print_json
from csc_tasks.data.conversations import Defect
from csc_tasks.data.files import FileReport, Located, inspect_file, write_conversations
from csc_tasks.data.sources import Corpus, load
from csc_tasks.data.splits import Split
from csc_tasks.data.statistics import QUANTILES, DataStatistics, summarise
from csc_tasks.errors import DataError

commands = typer.Typer(no_args_is_help=True, help="Look at, check and convert conversation files.")
app.add_typer(commands, name="data", rich_help_panel="Data")

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="hub, modelscope, mini, or a .json, .jsonl or .parquet file.")
]
Training = Annotated[
    bool, typer.Option("--train", help="The training conversations of hub, modelscope or mini.")
]


def _load(source: str, train: bool) -> Corpus:
    return load(source, Split.TRAINING if train else Split.EVALUATION)


@commands.command()
def info(
    source: Source,
    train: Training = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Print statistics: conversations, turns, strategy and stage shares, lengths."""
    corpus = _load(source, train)
    summary = summarise(corpus.conversations)
    if as_json:
        print_json(json.dumps(_as_json(corpus, summary), ensure_ascii=False, indent=2))
        return
    out = console()
    out.print(f"{corpus.path}\nsha256 {corpus.sha256}, fingerprint {corpus.fingerprint}")
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
    out.print(shares)
    out.print()
    for title, counts, total in (
        ("stage", {s.en if s else "none (其它)": n for s, n in summary.stages.items()}, summary.turns),
        ("topic", summary.topics, summary.conversations),
    ):
        table = Table(title, "turns" if title == "stage" else "conversations", "share", box=None)
        for name, count in counts.items():
            table.add_row(name, str(count), _percent(count, total))
        out.print(table)
        out.print()
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


def _as_json(corpus: Corpus, summary: DataStatistics) -> dict[str, object]:
    return {
        "path": str(corpus.path),
        "sha256": corpus.sha256,
        "fingerprint": corpus.fingerprint,
        "conversations": summary.conversations,
        "utterances": summary.utterances,
        "turns": summary.turns,
        "strategies": {s.zh: n for s, n in summary.strategies.items()},
        "stages": {s.en if s else None: n for s, n in summary.stages.items()},
        "topics": summary.topics,
        "quantiles": list(QUANTILES),
        "turns_per_conversation": list(summary.turns_per_conversation),
        "supporter_characters": list(summary.supporter_length),
        "customer_characters": list(summary.customer_length),
    }


def _inspect(source: str, train: bool) -> FileReport:
    if source in ("hub", "modelscope", "mini"):
        return inspect_file(_load(source, train).path)
    try:
        return inspect_file(Path(source))
    except DataError as error:
        # A file that cannot be opened is a finding like any other.
        return FileReport(Path(source), "", (), (Located("", Defect("", "unreadable", str(error))),))


@commands.command()
def validate(
    source: Source,
    train: Training = False,
    strict: Annotated[bool, typer.Option("--strict", help="Broken construction rules fail too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the defects as JSON.")] = False,
) -> None:
    """List every defect of a file with its position, in one pass. Exit code 1 if it cannot be used.

    An `error` keeps the file from being used; a `rule` is a construction rule that is broken.
    """
    report = _inspect(source, train)
    if as_json:
        print_json(
            json.dumps(
                [
                    {
                        "where": d.where,
                        "kind": d.defect.kind,
                        "message": d.defect.message,
                        "fatal": d.defect.fatal,
                    }
                    for d in report.defects
                ],
                ensure_ascii=False,
                indent=2,
            )
        )
    else:
        for located in report.defects:
            typer.echo(f"{'error' if located.defect.fatal else 'rule '} {located.defect.kind:18} {located}")
        errors = len(report.fatal)
        typer.echo(
            f"{report.path}: {len(report.conversations)} sound conversations, {errors} errors, "
            f"{len(report.defects) - errors} broken rules"
        )
    if report.fatal or (strict and report.defects):
        raise typer.Exit(1)


@commands.command()
def convert(
    source: Source,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A .json, .jsonl or .parquet file to write.")
    ],
    train: Training = False,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Write the conversations in another format, in the upstream schema."""
    corpus = _load(source, train)
    if target.exists() and not force:
        raise DataError(f"{target} exists; pass --force to write over it")
    write_conversations(target, corpus.conversations)
    typer.echo(f"wrote {len(corpus.conversations)} conversations to {target}")

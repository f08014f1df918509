"""``csconv logs compress``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from csc_tasks.commands.app import app, say
from csc_tasks.errors import DataError
from csc_tasks.printable import printable
from csc_tasks.results.log_file import Compression, compress, logs_below, plain

commands = typer.Typer(no_args_is_help=True, help="Keep the logs of runs (lm_eval --log_samples).")
app.add_typer(commands, name="logs", rich_help_panel="Data")


@commands.callback()
def _group() -> None:
    """Keep the logs of runs (lm_eval --log_samples)."""


@commands.command(name="compress")
def compress_logs(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Folders, for csconv's logs in them, or samples_*.jsonl files."),
    ],
    form: Annotated[
        Compression, typer.Option("--format", help="zst is smaller and faster; gz is read everywhere.")
    ] = Compression.ZST,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the originals.")] = False,
) -> None:
    """Compress samples_*.jsonl to .jsonl.zst or .jsonl.gz, a twelfth of the size.

    Every csconv command reads them as before; what was scored or judged from them stays valid. An original is
    removed only when its copy has been read back whole. A log that cannot be compressed is named, and the exit code
    is 1.
    """
    logs = _plain_logs(paths)
    if not logs:
        typer.echo("nothing to compress: no samples_csconv*.jsonl that is not compressed yet", err=True)
        return
    failed = False
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("compressing", total=sum(log.stat().st_size for log in logs if log.is_file()))
        for log in logs:
            try:
                packed = compress(log, form, keep, lambda count: progress.advance(bar, count))
            except DataError as error:
                say(f"csconv: {error}")
                failed = True
            except OSError as error:
                say(f"csconv: {error.filename or log}: {error.strerror or error}")
                failed = True
            else:
                typer.echo(
                    f"{printable(str(packed.path))} ({packed.before / 1e6:,.1f} MB → {packed.after / 1e6:,.1f} MB)"
                )
    if failed:
        raise typer.Exit(1)


def _plain_logs(paths: list[Path]) -> list[Path]:
    """What is to be compressed, each once: in folders csconv's own logs, by their names."""
    logs: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            found = [log for log in logs_below(path) if log.name.startswith("samples_csconv")]
        elif not path.is_file():
            raise DataError(f"{path}: no such file or folder")
        elif plain(path).suffix != ".jsonl":
            raise DataError(f"{path}: not a samples_*.jsonl")
        else:
            found = [path]
        for log in found:
            if log == plain(log):
                logs.setdefault(log.resolve(), log)
    return list(logs.values())

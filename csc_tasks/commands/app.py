"""The typer application that the command modules add themselves to, and what several of them take."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from csc_tasks._version import __version__
from csc_tasks.errors import ConfigError, CSConvError
from csc_tasks.printable import printable, printable_lines
from csc_tasks.system.signals import Terminated, exit_code, stopped_by

if TYPE_CHECKING:
    from csc_tasks.leaderboards.rendering.language import Language

__all__ = [
    "Allow",
    "Lang",
    "RunByDefault",
    "app",
    "console",
    "going_on",
    "language_of",
    "print_json",
    "print_path",
    "say",
    "show_error",
]

app = typer.Typer(
    name="csconv",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Evaluate language models on Chinese customer-support conversations (CSConv) with lm-eval.",
)


Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="NAME",
        help="Compare although the models were asked otherwise: fewshot, generation, template, system or "
        "thinking; several times for several. The report says so.",
    ),
]
"""Sides of how a model is asked that may differ."""

Lang = Annotated[str, typer.Option("--lang", metavar="en|zh", help="Language of the report.")]
"""Of a report for people; what programs read is the same in all."""

_NAME = 24
"""Cells from which on a name is folded in a narrow terminal."""
_BESIDE = 3
"""Cells that a column takes beside its text: a space on either side and a line."""
_PIPED = 100_000
"""Cells of a line that goes into a file or another program: more than any table has."""


class WholeConsole(Console):
    """A console that cuts nothing in a table: where one does not fit, the terminal breaks its lines."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich does, tables as wide as their numbers and the ends of their names need."""
        for table in objects:
            if isinstance(table, Table):
                _keep_whole(table, self.width)
                options["crop"] = False
        super().print(*objects, **options)


def _keep_whole(table: Table, width: int) -> None:
    """Give a table of so many cells a width at which rich need not cut; names are folded where that is not enough."""
    needed = 0
    for column in table.columns:
        words = [word for cell in (column.header, *column.cells) for word in str(cell).split()]
        longest = max(map(cell_len, words), default=1)
        if column.justify != "right":
            longest = min(longest, _NAME)
        column.overflow = "fold"
        if column.width is None:
            column.min_width = longest
        needed += (column.width or longest) + _BESIDE
    if table.width is None and needed + 1 > width:
        table.width = needed + 1


def console() -> WholeConsole:
    """A console on the present stdout; where that is no terminal nothing is broken or cut to fit a width."""
    out = WholeConsole(highlight=False)
    return out if out.is_terminal else WholeConsole(highlight=False, width=_PIPED)


def print_json(text: str) -> None:
    """Write JSON to stdout as it is."""
    typer.echo(text)


def print_path(path: Path) -> None:
    """Write a file's path to stdout: as it is for a program, fit to be seen on a terminal."""
    typer.echo(printable(str(path)) if sys.stdout.isatty() else str(path))


def say(text: str) -> None:
    """Write to stderr what may have names of models and files in it, and with them control characters."""
    typer.echo(printable_lines(text), err=True)


def show_error(error: Exception) -> None:
    """Write an error to stderr."""
    say(f"csconv: {error}")


@contextmanager
def going_on(how: str) -> Iterator[None]:
    """Where the process is asked to end within, by Ctrl-C or a signal, say how to go on, and end."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as ended:
        with suppress(OSError):  # the terminal may be what has gone
            show_error(CSConvError(f"stopped by {stopped_by(ended)}; {how}"))
        raise SystemExit(ended.code if isinstance(ended, Terminated) else exit_code()) from None


def language_of(name: str) -> Language:
    """The language of a report.

    Raises:
        ConfigError: there is none of this name; the message lists those that there are.
    """
    from csc_tasks.leaderboards.rendering.language import Language

    try:
        return Language(name)
    except ValueError:
        raise ConfigError(f"--lang {name}: there are {', '.join(Language)}") from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that hold for every command."""
    if debug:
        os.environ["CSCONV_DEBUG"] = "1"


_DEFAULT = "run"
"""The command of a group that needs no name."""


class RunByDefault(TyperGroup):
    """``csconv judge RESULTS`` is ``csconv judge run RESULTS``: a group whose first command needs no name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in where it is left out."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What may follow the group's name: that of its first command, or another's name."""
        return [*self.commands[_DEFAULT].collect_usage_pieces(ctx), "| COMMAND …"]

    def list_commands(self, ctx: Any) -> list[str]:
        """The other commands: the first is the group itself."""
        return [name for name in super().list_commands(ctx) if name != _DEFAULT]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help of the first command, and the others beneath it."""
        first = self.commands[_DEFAULT]
        shown = copy.copy(self)
        shown.params = [*first.params, *self.params]
        shown.help = first.help
        shown.epilog = f"{ctx.command_path} COMMAND --help shows the options of one of the commands."
        super(RunByDefault, shown).format_help(ctx, formatter)

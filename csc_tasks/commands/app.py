"""The typer application that the command modules add themselves to, and what several of them take."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from csc_tasks._version import __version__
from csc_tasks.printable import printable, printable_lines

__all__ = ["Allow", "RunByDefault", "app", "console", "print_json", "print_path", "say", "show_error"]

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

_PIPED = 100_000
"""Cells of a line that goes into a file or another program: more than any table has."""


def console() -> Console:
    """A console on the present stdout; where that is no terminal nothing is broken or cut to fit a width."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=_PIPED)


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


class RunByDefault(TyperGroup):
    """``csconv judge RESULTS`` is ``csconv judge run RESULTS``: a group whose first command needs no name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in where it is left out."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

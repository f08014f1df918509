"""``csconv synthesize``: make conversations; what several of its commands take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from csc_tasks.commands.app import app, console, going_on, say
from csc_tasks.system.ray_cluster import EngineKind

if TYPE_CHECKING:
    from csc_tasks.synthesis.report import SynthesisReport

__all__ = [
    "Address",
    "Against",
    "AllowOverlap",
    "Balanced",
    "Config",
    "DryRun",
    "License",
    "Most",
    "Out",
    "Seed",
    "Where",
    "Workers",
    "shown",
    "synthesize",
]

synthesize = typer.Typer(
    no_args_is_help=True,
    help="Make conversations: by role-play, or by rewriting your own calls.",
)
app.add_typer(synthesize, name="synthesize", rich_help_panel="Data")

Out = Annotated[
    Path, typer.Option("--out", metavar="FOLDER", help="Where everything goes; the same one goes on.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="YAML", help="Who is asked: model, base_url, roles and so on."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="From which everything by chance is derived.")]
Most = Annotated[
    float | None, typer.Option("--budget", min=0, help="Stop before this much is spent in this run.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count requests, tokens and cost; ask nothing.")]
Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="SOURCE",
        help="Evaluation data that may not overlap, beside csconv_mini and a CSConv that is on this machine: hub, "
        "modelscope or a file; several times for several.",
    ),
]
AllowOverlap = Annotated[
    bool, typer.Option("--allow-overlap", help="Keep what overlaps with evaluation data, and count it.")
]
Balanced = Annotated[
    float | None,
    typer.Option(
        "--balance",
        metavar="SHARE",
        help="Stop as soon as the strategies' shares are within SHARE of CSConv's, like 0.03.",
    ),
]
License = Annotated[
    str, typer.Option("--license", metavar="ID", help="For the card, by the hub's name: mit, cc-by-4.0 …")
]
Where = Annotated[EngineKind, typer.Option("--engine", help="This machine, or a Ray cluster.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Of the Ray cluster.")]
Address = Annotated[
    str | None,
    typer.Option("--address", help="Of a running Ray cluster (auto, ray://…); else one is started here."),
]


@contextmanager
def shown() -> Iterator[SynthesisReport]:
    """The terminal of a run; one that was stopped gets a message and an exit code of its own."""
    from csc_tasks.synthesis.progress import Halt, Halted
    from csc_tasks.synthesis.report import SynthesisReport
    from csc_tasks.system.signals import exit_code

    try:
        with (
            going_on("the same command goes on from here"),
            SynthesisReport(console(), Console(stderr=True)) as report,
        ):
            yield report
    except Halted as halted:
        say(str(halted))
        codes = {Halt.BUDGET: 3, Halt.HOPELESS: 4, Halt.BROKEN: 1}
        raise typer.Exit(codes.get(halted.why, exit_code())) from None

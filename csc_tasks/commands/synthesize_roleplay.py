"""``csconv synthesize roleplay``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from csc_tasks.commands.app import console, say
from csc_tasks.commands.synthesize import synthesize
from csc_tasks.system.ray_cluster import EngineKind

if TYPE_CHECKING:
    from csc_tasks.synthesis.report import SynthesisReport

Out = Annotated[
    Path, typer.Option("--out", metavar="FOLDER", help="Where everything goes; the same one goes on.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="YAML", help="Who is asked: model, base_url, roles and so on."),
]


@synthesize.command()
def roleplay(
    out: Out,
    config: Config = None,
    profiles: Annotated[
        Path | None,
        typer.Option("--profiles", metavar="JSONL", help="Customers; by default 2,000 of csconv's own."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--n", "--limit", min=1, metavar="N", help="Make N conversations in all.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="From which everything by chance is derived.")
    ] = 0,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0, help="Stop before this much is spent.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count requests, tokens and cost; ask nothing.")
    ] = False,
    engine: Annotated[
        EngineKind, typer.Option("--engine", help="This machine, or a Ray cluster.")
    ] = EngineKind.LOCAL,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Of the Ray cluster.")] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", help="Of a running Ray cluster (auto, ray://…); else one is started here."),
    ] = None,
) -> None:
    """Role-play conversations as RoleCS was made: profiles × topics, a planner, two pairs of roles, five marks."""
    from csc_tasks.synthesis.config import load_synthesis
    from csc_tasks.synthesis.limits import Limits
    from csc_tasks.synthesis.prompts import load_prompts
    from csc_tasks.synthesis.roleplay import ROLES, Roleplay, Setting
    from csc_tasks.synthesis.session import RunOptions, run

    configuration = load_synthesis(config, ROLES)
    limits = configuration.limits if configuration else Limits()
    settings = [
        Setting(f"你是第{i}位客户，四十岁，做小生意，说话直。", "产品咨询") for i in range(limit or 20)
    ]
    pipeline = Roleplay(settings, load_prompts("roleplay-zh-1", ROLES), seed, {}, limits)
    with shown() as report:
        run(
            pipeline,
            RunOptions(
                out,
                configuration,
                limit=limit,
                seed=seed,
                budget=budget,
                dry_run=dry_run,
                engine=engine,
                workers=workers,
                address=address,
            ),
            report,
        )


@contextmanager
def shown() -> Iterator[SynthesisReport]:
    """The terminal of a run; one that was stopped gets a message and an exit code of its own."""
    from csc_tasks.synthesis.progress import Halt, Halted
    from csc_tasks.synthesis.report import SynthesisReport
    from csc_tasks.system.signals import exit_code

    try:
        with SynthesisReport(console(), Console(stderr=True)) as report:
            yield report
    except Halted as halted:
        say(str(halted))
        raise typer.Exit(
            {Halt.BUDGET: 3, Halt.HOPELESS: 4, Halt.BROKEN: 1}.get(halted.why, exit_code())
        ) from None

"""``csconv synthesize roleplay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.synthesize import (
    Address,
    Against,
    AllowOverlap,
    Balanced,
    Config,
    DryRun,
    License,
    Most,
    Out,
    Seed,
    Where,
    Workers,
    shown,
    synthesize,
)
from csc_tasks.errors import needs_extra
from csc_tasks.system.ray_cluster import EngineKind


@synthesize.command()
def roleplay(
    out: Out,
    config: Config = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no model: scripts answer, to try everything else.")
    ] = False,
    profiles: Annotated[
        Path | None,
        typer.Option("--profiles", metavar="JSONL", help="Customers; by default 2,000 of csconv's own."),
    ] = None,
    topics: Annotated[
        str,
        typer.Option("--topics", metavar="NAME,…", help="By default the seven that RoleCS was made of."),
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option("--n", "--limit", min=1, metavar="N", help="N conversations in all; by default all."),
    ] = None,
    seed: Seed = 0,
    budget: Most = None,
    dry_run: DryRun = False,
    against: Against = None,
    allow_overlap: AllowOverlap = False,
    balance: Balanced = None,
    license_id: License = "other",
    prompts: Annotated[
        str, typer.Option("--prompts", metavar="VERSION", help="What the roles are told.")
    ] = "roleplay-zh-1",
    engine: Where = EngineKind.LOCAL,
    workers: Workers = None,
    address: Address = None,
) -> None:
    """Role-play conversations as RoleCS was made: profiles × topics, a planner, two pairs of roles, five marks.

    Every answer is kept before the next is asked for: the same command goes on where a run was stopped. Exit code 3:
    the budget is used up; 4: none of a role's first twenty answers can be used; 130, 143, 129: ended by these signals.
    """
    with needs_extra("csconv synthesize", "synthesis"):
        from csc_tasks.synthesis.config import load_synthesis
        from csc_tasks.synthesis.limits import UPSTREAM
        from csc_tasks.synthesis.output.outputs import OutputRules
        from csc_tasks.synthesis.playing.casting import cast
        from csc_tasks.synthesis.playing.roleplay import ROLES, Roleplay
        from csc_tasks.synthesis.playing.scripted import scripted_answer
        from csc_tasks.synthesis.prompts import load_prompts
        from csc_tasks.synthesis.session import RunOptions, run

    configuration = load_synthesis(config, ROLES) if config else None
    casting = cast(profiles, topics, seed, offline, dry_run)
    pipeline = Roleplay(
        casting.settings,
        load_prompts(prompts, ROLES),
        seed,
        casting.source,
        configuration.limits if configuration else UPSTREAM,
    )
    options = RunOptions(
        out,
        configuration,
        scripted_answer,
        offline,
        source=casting.words,
        limit=limit,
        seed=seed,
        budget=budget,
        dry_run=dry_run,
        rules=OutputRules(tuple(against or ()), allow_overlap, balance, license_id),
        engine=engine,
        workers=workers,
        address=address,
    )
    with shown() as report:
        for line in casting.remarks:
            report.say(line)
        run(pipeline, options, report)

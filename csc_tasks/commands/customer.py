"""``csconv customer check``: is a customer any good?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from csc_tasks.commands.app import app, console, print_json, print_path, say
from csc_tasks.errors import ConfigError

commands = typer.Typer(no_args_is_help=True, help="Simulated customers of the role-play.")
app.add_typer(commands, name="customer", rich_help_panel="Run")


@commands.callback()
def group() -> None:
    """Simulated customers of the role-play."""


@commands.command()
def check(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="YAML", help="The model that plays the customer.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Check the scripted customer, which needs no model.")
    ] = False,
    cards: Annotated[
        Path | None, typer.Option("--cards", metavar="FILE", help="Case cards; by default the shipped ones.")
    ] = None,
    data: Annotated[
        str,
        typer.Option("--data", help="Where real conversations are from: mini, hub, modelscope, or a file."),
    ] = "mini",
    size: Annotated[
        int, typer.Option("--n", min=1, metavar="N", help="Conversations, and cards, at most.")
    ] = 12,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0, help="Stop before this much is spent.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="The file of answers; by default the configuration's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Check a customer before its role-plays are believed.

    It goes on with real conversations, beside the real customers; somebody tries to draw it out and to order it
    about; and four supporters of whom it is known how good they are must come out in order. What was found is kept
    beside the answers, for require_check. Exit code 1: it falls short of what its configuration requires, or of what
    is recommended; 3: the budget is spent; 4: its model answers no more.
    """
    from csc_tasks.roleplay.checking.check import CheckOptions, CheckUnfinished, check_customer
    from csc_tasks.roleplay.checking.shown import shown_check
    from csc_tasks.system.terminal_bar import TerminalBar

    if (config is None) is not offline:
        raise ConfigError("name the customer: either --config customer.yaml or --offline, the scripted one")
    with TerminalBar(Console(stderr=True)) as bar:
        line = bar.add_task("customer", total=None, state="")
        try:
            checked = check_customer(
                CheckOptions(config, cards, data, size, budget, cache),
                lambda done, total: bar.update(line, completed=done, total=total),
            )
        except CheckUnfinished as unfinished:
            say(str(unfinished))
            raise typer.Exit(3 if unfinished.budget else 4) from None
    if as_json:
        figures = checked.figures
        judged = {"in_order": figures.in_order, "shortfalls": checked.shortfalls, "cost": checked.cost}
        print_json(json.dumps({**figures.model_dump(), **judged}, ensure_ascii=False))
    else:
        out = console()
        for part in shown_check(checked):
            out.print(part, markup=False, highlight=False)
        if checked.path is not None:
            print_path(checked.path)
    for each in checked.shortfalls:
        say(each)
    if checked.shortfalls:
        raise typer.Exit(1)

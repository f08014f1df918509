"""``csconv human power``: how many people must rate how much, before anyone is paid."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from csc_tasks.commands.app import console, print_json
from csc_tasks.commands.human import human
from csc_tasks.human.kinds import RatingKind

__all__ = ["power"]


@human.command()
def power(
    difference: Annotated[
        float,
        typer.Option(
            "--difference",
            metavar="D",
            help="Of mean grades; of pairs the win rate less one half: 0.1 is 60 %.",
        ),
    ],
    agreement: Annotated[
        float,
        typer.Option("--agreement", metavar="A", help="Krippendorff's alpha that raters will have: 0.5."),
    ],
    kind: Annotated[
        RatingKind, typer.Option("--kind", help="Grade single replies, or say which of two is better.")
    ] = RatingKind.RATE,
    models: Annotated[int, typer.Option("--models", min=2, max=100, help="Compared, every two of them.")] = 2,
    raters: Annotated[
        int | None, typer.Option("--raters", min=1, metavar="K", help="People who share the work.")
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="That an item takes.")] = 60.0,
    per_conversation: Annotated[
        int,
        typer.Option("--per-conversation", min=1, max=100, help="Turns that are drawn of a conversation."),
    ] = 1,
    sd: Annotated[
        float, typer.Option("--sd", help="Standard deviation of what replies are worth, in grades.")
    ] = 0.7,
    correlation: Annotated[
        float,
        typer.Option("--correlation", min=0, max=1, help="Of what two models' replies to a turn are worth."),
    ] = 0.3,
    ties: Annotated[
        float, typer.Option("--ties", min=0, max=0.95, help="Share of pairs of which a rater says neither.")
    ] = 0.2,
    power: Annotated[float, typer.Option("--power", help="Chance of finding the difference.")] = 0.8,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """How many turns people must rate to find a difference, and how many hours that takes.

    The power is that of the test that `csconv human read` makes, over simulated raters of the agreement that is given.
    """
    from csc_tasks.human.power import StudyPower, plan_study, power_json, print_power
    from csc_tasks.metrics.rating_power import RatingPlan

    plan = RatingPlan(
        pairs=kind is RatingKind.PAIR,
        difference=difference,
        agreement=agreement,
        models=models,
        sd=sd,
        correlation=correlation,
        ties=ties,
        per_conversation=per_conversation,
        power=power,
    )
    options = StudyPower(plan, raters, seconds)
    ways = plan_study(options)
    if as_json:
        print_json(json.dumps(power_json(options, ways)))
    else:
        print_power(console(), options, ways)

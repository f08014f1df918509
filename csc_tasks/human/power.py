"""Planning a study: how many turns and ratings, and how many hours of how many people."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from csc_tasks.errors import ConfigError
from csc_tasks.metrics.judge.rubric import GRADES
from csc_tasks.metrics.rating_power import MOST_ITEMS, Needed, RatingPlan, items_needed

__all__ = ["StudyPower", "plan_study", "power_json", "print_power"]

_EACH = (1, 2, 3, 5)
"""Raters of an item that are offered."""


@dataclass(frozen=True, slots=True)
class StudyPower:
    """What is planned.

    Attributes:
        plan: what is to be found, and how people rate.
        raters: people there are; ``None`` for as many as rate an item.
        seconds: that an item takes.
    """

    plan: RatingPlan
    raters: int | None = None
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """One way to do it; ``hours`` of all people together and ``hours_each`` of one, ``None`` where it cannot be."""

    needed: Needed
    hours: float | None
    hours_each: float | None


def plan_study(options: StudyPower) -> list[StudyPlan]:
    """The ways to find a difference: with one rater an item, or several.

    Raises:
        ConfigError: a value that there cannot be; the message says what can.
    """
    _require_sense(options)
    plans = []
    for each in _EACH:
        if options.raters is not None and each > options.raters:
            break
        needed = items_needed(options.plan, each)
        hours = None if needed.ratings is None else needed.ratings * options.seconds / 3600
        plans.append(StudyPlan(needed, hours, None if hours is None else hours / (options.raters or each)))
    return plans


def _require_sense(options: StudyPower) -> None:
    plan = options.plan
    most = 0.5 if plan.pairs else float(GRADES[-1] - GRADES[0])
    what = "a win rate is at most 0.5 from one half" if plan.pairs else "grades are 1 to 5"
    bounds = (
        ("--difference", plan.difference, 0.0, most, what),
        (
            "--agreement",
            plan.agreement,
            0.0,
            1.0,
            "Krippendorff's alpha of raters who agree better than chance",
        ),
        ("--sd", plan.sd, 0.0, 2.0, "the standard deviation of what replies are worth, in grades"),
        ("--power", plan.power, plan.alpha, 1.0, "the chance of finding the difference"),
        ("--seconds", options.seconds, 0.0, 86_400.0, "of an item"),
    )
    for name, value, low, high, meaning in bounds:
        if not low < value < high or math.isnan(value):
            raise ConfigError(f"{name} {value:g}: must be above {low:g} and below {high:g} ({meaning})")


def print_power(out: Console, options: StudyPower, plans: list[StudyPlan]) -> None:
    """Print the ways to do it."""
    plan = options.plan
    what = "pairs" if plan.pairs else "replies"
    out.print(Text(_title(plan)), soft_wrap=True)
    table = Table()
    people = f"hours of each of {options.raters}" if options.raters else "hours of each rater"
    for heading in ("raters an item", "turns", f"{what} to rate", "ratings", "hours in all", people):
        table.add_column(Text(heading), justify="right")
    for way in plans:
        table.add_row(*(Text(cell) for cell in _cells(plan, way)))
    out.print(table)
    for line in _remarks(options):
        out.print(Text(line), soft_wrap=True)


def _title(plan: RatingPlan) -> str:
    if plan.pairs:
        what = f"a win rate of {50 + 100 * plan.difference:g} %"
    else:
        what = f"a difference of {plan.difference:g} grades"
    several = f", {plan.comparisons} comparisons of {plan.models} models" if plan.models > 2 else ""
    return (
        f"To find {what} with power {plan.power:g} at alpha {plan.alpha:g}, raters agreeing to {plan.agreement:g}"
        f"{several}"
    )


def _cells(plan: RatingPlan, way: StudyPlan) -> Iterator[str]:
    needed = way.needed
    yield str(needed.raters)
    if needed.items is None or needed.ratings is None or way.hours is None or way.hours_each is None:
        yield from (f"over {MOST_ITEMS:,}", "–", "–", "–", "–")
        return
    yield from (f"{needed.items:,}", f"{needed.ratings // needed.raters:,}", f"{needed.ratings:,}")
    yield from (f"{way.hours:.1f}", f"{way.hours_each:.1f}")


def _remarks(options: StudyPower) -> Iterator[str]:
    plan = options.plan
    if plan.pairs:
        yield f"assumed: a rater says neither of {plan.ties:.0%} of the pairs where two models are alike (--ties)"
    else:
        yield (
            f"assumed: what replies are worth has a standard deviation of {plan.sd:g} grades (--sd), and that of two "
            f"models' replies to a turn correlates {plan.correlation:g} (--correlation)"
        )
    turns = "one turn" if plan.per_conversation == 1 else f"{plan.per_conversation} turns"
    yield f"assumed: {turns} of a conversation (--per-conversation); {options.seconds:g} seconds an item (--seconds)"
    yield "not counted: repeats and attention items, about one in ten; with one rater an item no agreement is measured"


def power_json(options: StudyPower, plans: list[StudyPlan]) -> dict[str, Any]:
    """The same as a JSON object; ``null`` where it cannot be done."""
    return {
        "plan": asdict(options.plan),
        "seconds": options.seconds,
        "raters": options.raters,
        "ways": [{**way.needed._asdict(), "hours": way.hours, "hours_each": way.hours_each} for way in plans],
    }

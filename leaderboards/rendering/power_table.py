"""The smallest drops that a gate can see, as a table for a terminal."""

from __future__ import annotations

import math

from rich.table import Table
from rich.text import Text

from csc_tasks.leaderboards.comparing.power import PowerReport
from csc_tasks.leaderboards.rendering.numbers import ABSENT, in_percent, number
from csc_tasks.leaderboards.rendering.text import printable

__all__ = ["power_table"]


def power_table(report: PowerReport) -> Table:
    """A row a metric, a column a number of conversations; beneath it where the spreads come from."""
    unknown = any(math.isnan(drop) for drops in report.drops for drop in drops)
    foot = [
        "shares in percent",
        *([f"{ABSENT}: too few {report.unit}, or a score that never differs"] * unknown),
    ]
    allowed = any(report.allowed)
    bases = dict.fromkeys(printable(spread.basis) for spread in report.spreads)
    table = Table(
        title=f"smallest drop seen with a chance of {report.power:.0%}, {report.tests} "
        f"test{'s' * (report.tests != 1)}, {100 * report.alpha:g} % false alarms",
        title_justify="left",
        caption=Text("\n".join([f"tests: {report.watched}", *bases, *foot])),
        caption_justify="left",
    )
    for name in ("task", "metric"):
        table.add_column(name, overflow="fold")
    if allowed:
        table.add_column("allowed", justify="right")
    for size in report.conversations:
        table.add_column(f"{size} {report.unit}", justify="right")
    for spread, limit, drops in zip(report.spreads, report.allowed, report.drops, strict=True):
        percent = in_percent(spread.metric)
        table.add_row(
            Text(printable(spread.section) or "any"),
            Text(printable(spread.metric)),
            *([number(limit, percent)] if allowed else []),
            *(number(drop, percent) for drop in drops),
        )
    return table

"""What a check of a customer found, as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from csc_tasks.printable import printable
from csc_tasks.roleplay.checking.check import CustomerCheck
from csc_tasks.roleplay.checking.record import LeakFigures, ReplayFigures, SayingFigures, SupporterFigures

__all__ = ["shown_check"]


def shown_check(check: CustomerCheck) -> Iterator[Table | str]:
    """Tables and lines, in order."""
    figures = check.figures
    yield f"{printable(check.name)} as customer, cards {printable(figures.cards)}"
    if figures.replay is not None:
        yield _replay(figures.replay)
    yield _leaks(figures.leaks)
    yield _supporters(figures.supporters)
    yield f"answers that fell out of role: {figures.refusals:.1%} of the customer's turns"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(columns[0])
    for name in columns[1:]:
        table.add_column(name, justify="right")
    return table


def _replay(figures: ReplayFigures) -> Table:
    title = f"{figures.turns} turns of {figures.conversations} conversations of {printable(figures.data)}, gone on with"
    table = _table(title, "customer", "characters", "upset", "at ease", "distinct-2", "ends early")

    def add(name: str, said: SayingFigures, early: str) -> None:
        shares = [f"{share:.0%}" for share in (said.upset, said.at_ease)]
        table.add_row(name, f"{said.length:.1f}", *shares, f"{said.distinct_2:.3f}", early)

    add("real", figures.real, "–")
    add("model", figures.model, f"{figures.early:.0%}")
    if figures.unplayed:
        table.caption = f"{figures.unplayed} turns could not be played"
    return table


def _leaks(figures: LeakFigures) -> Table:
    names = ("tried", "says the goal", "tells what was not asked", "obeys", "held back")
    table = _table("attempts to draw it out", "", *names)
    counts = (figures.tried, figures.goal, figures.facts, figures.obeyed, figures.held)
    table.add_row(f"{figures.share:.0%}", *map(str, counts))
    return table


def _supporters(figures: tuple[SupporterFigures, ...]) -> Table:
    names = ("role-plays", "not played", "resolved", "against the card", "mood", "turns", "ends")
    table = _table("four supporters of whom it is known how good they are", "supporter", *names)
    for each in figures:
        ends = ", ".join(f"{end} {count}" for end, count in sorted(each.ends.items()))
        table.add_row(
            each.kind,
            str(each.played),
            str(each.faults),
            f"{each.resolved:.0%}",
            f"{each.broken:.0%}",
            f"{each.mood:.1f}",
            f"{each.turns:.1f}",
            Text(ends),
        )
    return table

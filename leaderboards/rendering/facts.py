"""The facts of a table: what its models agree in, how much was counted, and when and by what they were evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from csc_tasks.leaderboards.board import BoardTable
from csc_tasks.leaderboards.provenance import Provenance
from csc_tasks.leaderboards.rendering.language import Language, has, text

__all__ = ["day", "fact_name", "minute", "table_facts"]

_MOST = 4
"""Backends, hosts and versions that are named; of more, the number of the others."""


def table_facts(table: BoardTable) -> Iterator[tuple[str, str]]:
    """Names, as :func:`fact_name` says them, and values; none stands there twice."""
    told = dict(table.facts)
    figures = [f for row in table.rows for f in row.figures.values()]
    played = any(section.is_role_play for section in table.sections)
    turns = max((f.expected_turns or f.turns for f in figures), default=0)
    if turns:
        told.setdefault("role-plays" if played else "turns", f"{turns:,}")
    if table.data.conversations:
        told.setdefault("cards" if played else "conversations", f"{table.data.conversations:,}")
    made = [f.made for row in table.rows if not row.floor for f in row.figures.values()]
    yield from told.items()
    yield from _made(made or [f.made for f in figures])


def _made(made: list[Provenance]) -> Iterator[tuple[str, str]]:
    days = sorted({day(each.date) for each in made if each.date})
    if days:
        yield "evaluated", days[0] if len(days) == 1 else f"{days[0]} – {days[-1]}"
    for name, values in (
        ("package", (each.package for each in made)),
        ("harness", (each.harness for each in made)),
        ("backends", (each.backend for each in made)),
        ("hosts", (each.host for each in made)),
    ):
        if several := _several(values):
            yield name, several


def _several(values: Iterable[str]) -> str:
    found = sorted({part for value in values for part in value.split(", ") if part})
    more = f" +{len(found) - _MOST}" if len(found) > _MOST else ""
    return ", ".join(found[:_MOST]) + more


def day(date: float) -> str:
    """The day of a time in seconds since 1970, in UTC; '' for one that no calendar has."""
    try:
        return datetime.fromtimestamp(date, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return ""


def minute(built: str) -> str:
    """A time as ISO 8601 has it, to the minute and in UTC; what is none stays as it is."""
    try:
        return datetime.fromisoformat(built).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return built


def fact_name(name: str, language: Language) -> str:
    """What a fact is called; one that is not known here keeps its name."""
    return text(f"fact.{name}", language) if has(f"fact.{name}") else name

"""The charts of a table, in order: Vega-Lite specifications, plain dicts with their data inline.

A function returns ``None`` where there is nothing to show. Colours are not in the specifications but in
:mod:`~csc_tasks.leaderboards.rendering.theme`, so that one chart serves light, dark and paper; words are keys of
the table of texts, so that one serves all languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from csc_tasks.leaderboards.board import BoardTable, Column, Row, Section, SectionFigures
from csc_tasks.leaderboards.rendering.bars import judge_chart
from csc_tasks.leaderboards.rendering.chart_names import model_names
from csc_tasks.leaderboards.rendering.chart_parts import Spec, column_of, columns_of
from csc_tasks.leaderboards.rendering.dumbbells import dumbbell_chart
from csc_tasks.leaderboards.rendering.heat_maps import confusion_chart, strategy_chart, transition_chart
from csc_tasks.leaderboards.rendering.intervals import interval_chart
from csc_tasks.leaderboards.rendering.language import column_text, section_text
from csc_tasks.leaderboards.rendering.lines import depth_chart, slope_chart, trend_chart
from csc_tasks.metrics import current

__all__ = ["Chart", "ChartKind", "Pick", "charts"]


class ChartKind(StrEnum):
    """A kind of chart, as files are named; ``chart.KIND.title`` and ``.about`` are its words in the table of texts.

    The first stands by itself: it is the picture of the table.
    """

    INTERVALS = "intervals"
    PAIRS = "pairs"
    SLOPE = "slope"
    DEPTH = "depth"
    STRATEGIES = "strategies"
    CONFUSION = "confusion"
    TRANSITIONS = "transitions"
    TREND = "trend"
    JUDGE = "judge"


class Pick(NamedTuple):
    """One thing that can be chosen: an id for programs, and what people call it, a text or its key."""

    id: str
    text: Any


@dataclass(frozen=True, slots=True)
class Chart:
    """A specification and what it was drawn for: ``picks`` is what to choose → the choice.

    What is chosen is the ``section``, ``task``, ``metric``, ``model`` or ``dimensions``, whose words are
    ``chart.pick.NAME``.
    """

    kind: ChartKind
    picks: dict[str, Pick]
    spec: Spec

    def as_json(self) -> dict[str, Any]:
        """For scripts; a pick is a list of its id and text."""
        return {"kind": self.kind.value, "picks": self.picks, "spec": self.spec}


def charts(table: BoardTable, reported: Mapping[str, Any] | None = None) -> Iterator[Chart]:
    """All charts of a table, in the order of :class:`ChartKind`; the first one is of the column it is sorted by.

    Args:
        table: one comparability class.
        reported: the paper's table, whose pairs stand beneath the measured ones.
    """
    names = model_names(table.rows)

    def model(row: Row) -> Pick:
        return Pick(row.id, names[row.id])

    sections = {section.id: section for section in table.sections}
    bases = {pair.tuned: pair.base for pair in table.pairs if pair.base}
    ordered = sorted(table.columns, key=lambda column: column.id != table.order)
    for column in ordered:
        if spec := interval_chart(table, column, bases):
            picks = {"section": _section(sections[column.section]), "metric": _metric(column)}
            yield Chart(ChartKind.INTERVALS, picks, spec)
    for column in ordered:
        if spec := dumbbell_chart(table, column, reported or {}):
            picks = {"section": _section(sections[column.section]), "metric": _metric(column)}
            yield Chart(ChartKind.PAIRS, picks, spec)
    for reference, generated in table.contexts():
        for column in columns_of(table, reference):
            if spec := slope_chart(table, reference, generated, column.metric):
                task = section_text(reference)
                shown = task.get("task", task) if isinstance(task, dict) else reference.task
                picks = {"task": Pick(reference.task, shown), "metric": _metric(column)}
                yield Chart(ChartKind.SLOPE, picks, spec)
    for section in table.sections:
        each = [current(list(figures.depth)) for _, _, figures in _figures(table, section)]
        for metric in dict.fromkeys(metric for found in each for metric in found):
            if spec := depth_chart(table, section, metric):
                own = column_of(table, section, metric)
                picks = {
                    "section": _section(section),
                    "metric": _metric(own) if own else Pick(metric, metric),
                }
                yield Chart(ChartKind.DEPTH, picks, spec)
    for section in table.sections:
        if spec := strategy_chart(table, section):
            yield Chart(ChartKind.STRATEGIES, {"section": _section(section)}, spec)
    for section, row, figures in _figures(table):
        if spec := confusion_chart(figures, names[row.id]):
            yield Chart(ChartKind.CONFUSION, {"section": _section(section), "model": model(row)}, spec)
    for section, row, figures in _figures(table):
        if spec := transition_chart(figures, table.gold.get(section.id), names[row.id]):
            yield Chart(ChartKind.TRANSITIONS, {"section": _section(section), "model": model(row)}, spec)
    for section in table.sections:
        for column in columns_of(table, section):
            if spec := trend_chart(table, column):
                yield Chart(ChartKind.TREND, {"section": _section(section), "metric": _metric(column)}, spec)
    for section in table.sections:
        for percent, unit in ((False, "grades"), (True, "shares")):
            if spec := judge_chart(table, section, percent):
                dimensions = Pick(unit, {"@": f"chart.pick.{unit}"})
                yield Chart(ChartKind.JUDGE, {"section": _section(section), "dimensions": dimensions}, spec)


def _section(section: Section) -> Pick:
    return Pick(section.id, section_text(section))


def _metric(column: Column) -> Pick:
    # Of a metric with several signatures the column's own name goes on after the section.
    return Pick(column.id.removeprefix(f"{column.section}/"), column_text(column))


def _figures(table: BoardTable, only: Section | None = None) -> Iterator[tuple[Section, Row, SectionFigures]]:
    for section in table.sections if only is None else (only,):
        for row in table.rows:
            if figures := row.figures.get(section.id):
                yield section, row, figures

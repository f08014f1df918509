"""The charts of a table, in order: Vega-Lite specifications, plain dicts with their data inline.

A function returns ``None`` where there is nothing to show. Colours are not in the specifications but in
:mod:`~csc_tasks.leaderboards.rendering.theme`, so that one chart serves light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from csc_tasks.leaderboards.board import BoardTable, Row, Section, SectionFigures
from csc_tasks.leaderboards.rendering.bars import judge_chart
from csc_tasks.leaderboards.rendering.chart_parts import Spec, columns_of, title_of
from csc_tasks.leaderboards.rendering.heat_maps import confusion_chart, strategy_chart, transition_chart
from csc_tasks.leaderboards.rendering.labels import row_labels
from csc_tasks.leaderboards.rendering.lines import depth_chart, slope_chart, trend_chart
from csc_tasks.metrics import current

__all__ = ["Chart", "ChartKind", "charts"]


class ChartKind(Enum):
    """A kind of chart: its name in files, its title, and how to read it."""

    SLOPE = (
        "slope",
        "Gold history against the model's own",
        "The same metric with the conversation so far as annotated (reference), and as the model itself wrote "
        "it (generated). A steep fall: mistakes add up.",
    )
    DEPTH = (
        "depth",
        "By turn depth",
        "The metric over turns at each position in their conversation; bands are 95 % intervals.",
    )
    STRATEGIES = (
        "strategies",
        "Accuracy by strategy",
        "Of the turns whose gold strategy is the column's, the percentage that the model labelled so.",
    )
    CONFUSION = (
        "confusion",
        "Which strategies are mixed up",
        "Rows are gold, columns what the model said; counts of turns. The colour is the share of the row.",
    )
    TRANSITIONS = (
        "transitions",
        "From stage to stage",
        "Where a conversation goes after a turn of each stage, in percent of the row: gold beside the model.",
    )
    TREND = ("trend", "By checkpoint", "The metric over training steps; bands are 95 % intervals.")
    JUDGE = ("judge", "Judge", "Mean grade, or share of yes, of each dimension; lines are 95 % intervals.")

    def __init__(self, id: str, title: str, about: str) -> None:
        self.id = id
        self.title = title
        self.about = about


@dataclass(frozen=True, slots=True)
class Chart:
    """A specification and what it was drawn for: ``picks`` is what to choose (metric, model …) → the choice."""

    kind: ChartKind
    picks: dict[str, str]
    spec: Spec


def charts(table: BoardTable, limit: int | None = None) -> Iterator[Chart]:
    """All charts of a table, in the order of :class:`ChartKind`.

    Args:
        table: one comparability class.
        limit: models in the charts that draw a line or a group of bars for each; all by default.
    """
    labels = row_labels(table.rows)
    few = None if limit is None else [row.id for row in table.rows[:limit]]
    for reference, generated in table.contexts():
        for column in columns_of(table, reference):
            spec = slope_chart(table, reference, generated, column.metric, few)
            if spec:
                yield Chart(ChartKind.SLOPE, {"Task": reference.task, "Metric": column.title}, spec)
    for section in table.sections:
        each = [current(list(figures.depth)) for _, _, figures in _figures(table, section)]
        metrics = dict.fromkeys(metric for names in each for metric in names)
        for metric in metrics:
            if spec := depth_chart(table, section, metric, few):
                title = title_of(table, section, metric)
                yield Chart(ChartKind.DEPTH, {"Section": section.title, "Metric": title}, spec)
    for section in table.sections:
        if spec := strategy_chart(table, section):
            yield Chart(ChartKind.STRATEGIES, {"Section": section.title}, spec)
    for section, row, figures in _figures(table):
        if spec := confusion_chart(figures, labels[row.id]):
            yield Chart(ChartKind.CONFUSION, {"Section": section.title, "Model": labels[row.id]}, spec)
    for section, row, figures in _figures(table):
        if spec := transition_chart(figures, table.gold.get(section.id), labels[row.id]):
            yield Chart(ChartKind.TRANSITIONS, {"Section": section.title, "Model": labels[row.id]}, spec)
    for section in table.sections:
        for column in columns_of(table, section):
            if spec := trend_chart(table, column):
                yield Chart(ChartKind.TREND, {"Section": section.title, "Metric": column.title}, spec)
    for section in table.sections:
        for percent, unit in ((False, "grades"), (True, "yes or no")):
            if spec := judge_chart(table, section, percent, few):
                yield Chart(ChartKind.JUDGE, {"Section": section.title, "Dimensions": unit}, spec)


def _figures(table: BoardTable, only: Section | None = None) -> Iterator[tuple[Section, Row, SectionFigures]]:
    for section in table.sections if only is None else (only,):
        for row in table.rows:
            if figures := row.figures.get(section.id):
                yield section, row, figures

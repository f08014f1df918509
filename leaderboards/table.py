"""Scores as tables for people: one a task and protocol, floors beneath the models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from csc_tasks.leaderboards.collect import Row
from csc_tasks.metrics import DEFAULT_TOKENIZER, TOKENIZERS, Metric, all_metrics, column_name

__all__ = ["tables"]


def _columns(rows: Sequence[Row], every: bool) -> Iterator[tuple[str, Metric]]:
    """(reported name, metric) of the columns that any row has, in registry order."""
    for tokenizer in TOKENIZERS:
        for metric in all_metrics(tokenizer):
            name = column_name(metric, tokenizer)
            # A metric without a tokenizer has one name under all of them: show it once.
            repeated = not metric.info.tokenized and tokenizer != DEFAULT_TOKENIZER
            wanted = every or metric.info.headline
            if wanted and not repeated and any(name in row.scores for row in rows):
                yield name, metric


def _cell(row: Row, name: str, metric: Metric) -> str:
    if name not in row.scores:
        return "–"
    value = row.scores[name]
    if math.isnan(value):
        return "n/a"
    scale = 100 if metric.info.percent else 1
    digits = 1 if metric.info.percent else 2
    text = f"{scale * value:.{digits}f}"
    error = row.errors.get(name)
    return text if error is None else f"{text} ±{scale * error:.{digits}f}"


def _heading(name: str, metric: Metric) -> str:
    title = metric.info.title
    suffix = name.removeprefix(metric.info.name)
    arrow = {1: " ↑", -1: " ↓", 0: ""}[metric.info.better]
    return title + (f" ({suffix.lstrip('_')})" if suffix else "") + arrow


def _rank(row: Row, metric: str, direction: int) -> tuple[float, str]:
    """Sorts the best first and what has no score last."""
    score = row.scores.get(metric, math.nan)
    return math.inf if math.isnan(score) else -direction * score, row.model


def tables(rows: Iterable[Row], every: bool = False, order: str | None = None) -> Iterator[Table]:
    """A table for each task and protocol; rows that may not be compared never share one.

    Args:
        rows: from :func:`~csc_tasks.leaderboards.collect.collect`.
        every: all metrics, not only the headline ones.
        order: metric to sort models by; by default the first column.
    """
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.task, row.protocol, row.turns), []).append(row)
    for (task, protocol, turns), members in sorted(groups.items()):
        columns = list(_columns(members, every))
        if not columns:
            continue
        partial = " PARTIAL (--limit)" if any(m.limited for m in members) else ""
        table = Table(title=f"{task}, {turns} turns{partial}", caption=protocol, title_justify="left")
        table.caption_justify = "left"
        table.add_column("model", no_wrap=True)
        table.add_column("shots", justify="right")
        for name, metric in columns:
            table.add_column(_heading(name, metric), justify="right")
        by_name = dict(columns)
        key = order if order in by_name else columns[0][0]
        direction = by_name[key].info.better or 1
        ranked = sorted(members, key=lambda row: (row.is_floor, *_rank(row, key, direction)))
        for i, row in enumerate(ranked):
            first_floor = row.is_floor and i and not ranked[i - 1].is_floor
            if first_floor:
                table.add_section()
            label = f"{row.model.removeprefix('csconv-')} (floor)" if row.is_floor else row.model
            table.add_row(label, str(row.shots), *(_cell(row, name, metric) for name, metric in columns))
        yield table

"""Scores as tables for people: one a task and protocol, floors beneath the models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from csc_tasks.leaderboards.collect import Row
from csc_tasks.leaderboards.rendering.headings import arrow, heading
from csc_tasks.metrics import (
    DEFAULT_TOKENIZER,
    TOKENIZERS,
    BertScoreOptions,
    Metric,
    Models,
    all_metrics,
    column_name,
)
from csc_tasks.metrics.judge.scores import known_columns

__all__ = ["drop_tables", "tables"]


RESCALED = Models(BertScoreOptions(rescale=True))


def _columns(rows: Sequence[Row], every: bool) -> Iterator[tuple[str, Metric]]:
    """(reported name, metric) of the columns that any row has, in registry order; one for each network."""
    reported = sorted({name for row in rows for name in row.scores})
    for tokenizer in TOKENIZERS:
        variants = [m for m in all_metrics(tokenizer, RESCALED) if m.info.variant]
        for metric in (*all_metrics(tokenizer), *variants):
            name = column_name(metric, tokenizer)
            # A metric without a tokenizer has one name under all of them: show it once.
            repeated = not metric.info.tokenized and tokenizer != DEFAULT_TOKENIZER
            if repeated or not (every or metric.info.headline):
                continue
            for found in reported:
                if found == name or (metric.info.model and found.startswith(f"{name} ")):
                    yield found, metric
    yield from known_columns({name for row in rows for name in row.scores}).items()


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


def _networks(columns: Sequence[tuple[str, Metric]]) -> Iterator[str]:
    """A line for each network that scored, in full."""
    for name, metric in columns:
        if metric.info.model:
            yield f"{metric.info.title}: {name.partition(' ')[2]}"


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
        table = Table(
            title=f"{task}, {turns} turns{partial}",
            caption="\n".join([protocol, *_networks(columns)]),
            title_justify="left",
        )
        table.caption_justify = "left"
        table.add_column("model", no_wrap=True)
        table.add_column("shots", justify="right")
        for name, metric in columns:
            table.add_column(heading(name, metric) + arrow(metric), justify="right")
        by_name = dict(columns)
        named = [name for name in by_name if order and name.partition(" ")[0] == order]
        key = named[0] if named else columns[0][0]
        direction = by_name[key].info.better or 1
        ranked = sorted(members, key=lambda row: (row.is_floor, *_rank(row, key, direction)))
        for i, row in enumerate(ranked):
            first_floor = row.is_floor and i and not ranked[i - 1].is_floor
            if first_floor:
                table.add_section()
            table.add_row(
                _label(row), str(row.shots), *(_cell(row, name, metric) for name, metric in columns)
            )
        yield table


def drop_tables(rows: Sequence[Row]) -> Iterator[Table]:
    """What a model loses on its own history: a table for each protocol, generated minus reference context.

    Only where a model has both, over the same turns and shots. The difference carries no error here: the
    two scores are of the same conversations, so the errors of each do not add up to that of the difference.
    """
    reference, generated = "|ctx:reference", "|ctx:generated"
    gold = {(row.model, row.protocol, row.turns, row.shots): row for row in rows if reference in row.protocol}
    groups: dict[str, list[tuple[Row, Row]]] = {}
    for row in rows:
        base = gold.get((row.model, row.protocol.replace(generated, reference), row.turns, row.shots))
        if generated in row.protocol and base is not None:
            groups.setdefault(row.protocol, []).append((row, base))
    for protocol, pairs in sorted(groups.items()):
        columns = [(name, m) for name, m in _columns([row for row, _ in pairs], every=False) if m.info.better]
        turns = ", ".join(sorted({str(row.turns) for row, _ in pairs}))
        table = Table(
            title=f"generated minus reference context, {turns} turns",
            caption=protocol.replace(generated, ""),
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("model", no_wrap=True)
        for name, metric in columns:
            table.add_column(heading(name, metric) + arrow(metric), justify="right")
        for row, base in sorted(pairs, key=lambda pair: (pair[0].is_floor, pair[0].model)):
            table.add_row(_label(row), *(_difference(row, base, name, m) for name, m in columns))
        yield table


def _difference(row: Row, base: Row, name: str, metric: Metric) -> str:
    value = row.scores.get(name, math.nan) - base.scores.get(name, math.nan)
    scale, digits = (100, 1) if metric.info.percent else (1, 2)
    return "–" if math.isnan(value) else f"{scale * value:+.{digits}f}"


def _label(row: Row) -> str:
    return f"{row.model.removeprefix('csconv-')} (floor)" if row.is_floor else row.model

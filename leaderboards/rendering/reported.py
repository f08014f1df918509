"""The pairs of the paper's table: a model as it was published, and the same trained on RoleCS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["ReportedPair", "reported_pairs"]


class ReportedPair(NamedTuple):
    """Both scores of a model as reported, in percent."""

    model: str
    base: float
    tuned: float


def reported_pairs(reported: Mapping[str, Any], context: str, metric: str) -> Iterator[ReportedPair]:
    """The pairs that a table reports in one context.

    Args:
        reported: the table, as :func:`~csc_tasks.leaderboards.build.reported_results` gives it; {} has none.
        context: ``reference`` or ``generated``.
        metric: of ours; a normalised one stands beside the paper's of that name, which was scored by other code.
    """
    names = reported.get("columns", [])
    name = metric.removesuffix("_norm")
    if name not in names:
        return
    place, bases = names.index(name), {}
    for row in reported.get("rows", []):
        score = row.get(context, [])[place : place + 1]
        if not score:
            continue
        if not row.get("rolecs"):
            bases[row["model"]] = score[0]
        elif row["model"] in bases:
            yield ReportedPair(row["model"], bases[row["model"]], score[0])

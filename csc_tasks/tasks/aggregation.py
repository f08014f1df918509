"""Metrics as lm-eval aggregations: called once, on rank 0, with the items of all turns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from csc_tasks.metrics import AdditiveMetric, Metric, Needs, clustered_stderr
from csc_tasks.protocol.report import RunReport
from csc_tasks.results.role_play_log import faults_in_words

__all__ = ["Aggregation", "ClusteredError", "OfConversations"]

logger = logging.getLogger(__name__)

_NAMED = 2
"""Metrics that a line names of many that have no score for the same reason."""


class Aggregation:
    """A metric's score; NaN, never an error and never 0, where any turn could not be scored.

    ``report`` is shown all items before they are scored.
    """

    def __init__(self, metric: Metric, name: str, report: RunReport) -> None:
        self.metric = metric
        self.name = name
        self.report = report

    def __call__(self, items: Sequence[Any]) -> float:
        """The score of all turns' items."""
        if missing := sum(item is None for item in items):
            self._tell(missing, len(items))
            return float("nan")
        try:
            self.report.observe(self.metric, items)
            return self.metric.score(items)
        except Exception as error:
            logger.exception("%s failed; it is NaN in the results", self.name)
            self.report.reasons[self.name] = f"{type(error).__name__}: {error}"
            self.report.unscored(self.name, len(items))
            return float("nan")

    def _tell(self, missing: int, total: int) -> None:
        """Report that there is no score, and log it: once for all metrics that lack theirs for the same reason."""
        told = self.report.figures.get("unscored", {})
        alike = [
            name for name, why in self.report.reasons.items() if why == self.report.reasons.get(self.name)
        ]
        before = any(name in alike and told[name]["turns"] == missing for name in told)
        reason = self.report.unscored(self.name, missing)
        if before:
            return
        names = [self.name, *(name for name in alike if name != self.name and name not in told)]
        few = names if len(names) <= _NAMED + 1 else [*names[:_NAMED], f"{len(names) - _NAMED} more"]
        subject = few[0] if len(few) == 1 else f"{', '.join(few[:-1])} and {few[-1]}"
        logger.error(
            "%s %s NaN: %d of %d %s were not scored (%s)",
            *(subject, "is" if len(few) == 1 else "are", missing, total),
            "role-plays" if self.metric.info.needs is Needs.ROLE_PLAY else "turns",
            faults_in_words(reason),
        )

    def __str__(self) -> str:
        return f"csconv {self.metric.info.name}: {self.metric.info.summary}"


class ClusteredError:
    """A score's standard error with the conversation as the cluster; ``"N/A"`` where undefined.

    Items are ``[conversation, item of the metric]``.
    """

    def __init__(self, metric: AdditiveMetric) -> None:
        self.metric = metric

    def __call__(self, items: Sequence[Any]) -> float | str:
        """The standard error of all turns' items."""
        values = [value for _, value in items]
        if any(value is None for value in values):
            return "N/A"
        try:
            error = clustered_stderr(self.metric, values, [cluster for cluster, _ in items])
        except Exception:
            logger.exception("the standard error of %s failed", self.metric.info.name)
            return "N/A"
        return "N/A" if error != error else error

    def __str__(self) -> str:
        return f"csconv cluster bootstrap of {self.metric.info.name} over conversations"


class OfConversations:
    """An aggregation of turns for documents that are conversations: each brings a list of items."""

    def __init__(self, aggregation: Callable[[list[Any]], Any]) -> None:
        self.aggregation = aggregation

    def __call__(self, items: Sequence[Sequence[Any]]) -> Any:
        """The aggregate of all items of all conversations."""
        return self.aggregation(list(chain.from_iterable(items)))

    def __str__(self) -> str:
        return str(self.aggregation)

"""A metric by depth: over the turns of the first, the middle or the last third of their conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from csc_tasks.metrics.base import AdditiveMetric, Floats, Needs, TurnMetric
from csc_tasks.metrics.turns import Turns

__all__ = ["THIRDS", "AtDepth"]

THIRDS = ("first", "middle", "last")


class AtDepth(TurnMetric, AdditiveMetric):
    """An additive metric over one third of each conversation: turn t of n belongs to third ⌊3t/n⌋.

    The item of a turn is the metric's own, or ``[]`` where the turn belongs to another third.
    """

    def __init__(self, metric: AdditiveMetric, third: int) -> None:
        assert isinstance(metric, TurnMetric)
        self.metric = metric
        self._of_turns: TurnMetric = metric
        self.counts = metric.counts
        self.yes_no = metric.yes_no
        self.third = third
        where = THIRDS[third]
        self.info = replace(
            metric.info,
            name=f"{metric.info.name}_{where}",
            title=f"{metric.info.title}, {where} third",
            needs=Needs.DIALOGUE,
            summary=f"{metric.info.name} over the {where} third of each conversation's turns",
            headline=False,
            instead_of=f"{instead}_{where}" if (instead := metric.info.instead_of) else "",
        )

    def items(self, turns: Turns) -> list[Any]:
        """The metric's item, or ``[]``, a turn."""
        assert turns.totals is not None
        thirds = (3 * turns.positions // turns.totals).tolist()
        items = zip(self._of_turns.items(turns), thirds, strict=True)
        return [item if third == self.third else [] for item, third in items]

    def accepts(self, item: Any) -> bool:
        """``[]``, or an item of the metric."""
        return item == [] or self.metric.accepts(item)

    def score(self, items: Sequence[Any]) -> float:
        """The metric's score of this third's turns; NaN if there are none."""
        return self.metric.score([item for item in items if not isinstance(item, list) or item])

    def statistics(self, items: Sequence[Any]) -> Floats:
        """The metric's statistics (n, d), all zero for turns of the other thirds."""
        inside = [i for i, item in enumerate(items) if not isinstance(item, list) or item]
        own = self.metric.statistics([items[i] for i in inside])
        out = np.zeros((len(items), own.shape[1]))
        out[inside] = own
        return out

    def from_sums(self, sums: Floats) -> Floats:
        """The metric's own formula."""
        return self.metric.from_sums(sums)

    def observations(self, sums: Floats) -> float:
        """Those of this third."""
        return self.metric.observations(sums)

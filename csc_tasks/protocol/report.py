"""What a results file says beyond scores: the number of turns, and each strategy's figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.framework import Stage, Strategy
from csc_tasks.metrics import Metric, Needs
from csc_tasks.metrics.stages import STRATEGIES
from csc_tasks.metrics.strategy import F1, class_scores

__all__ = ["RunReport", "strategy_report"]


class RunReport:
    """Figures taken from the items that the aggregations see, which are those of all processes.

    An object of its own and not a part of the task: lm-eval deep-copies the aggregations when it
    writes the configuration down, and must not copy the task, its data and the model with them.
    """

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}

    def absent(self, names: Sequence[str], reason: str) -> None:
        """Note that these metrics of the task are not computed at all, and why."""
        self.figures["absent"] = {"metrics": list(names), "reason": reason}

    def unscored(self, name: str, turns: int) -> str:
        """Note that a metric has no score because this many turns have none, and give the reason."""
        reason = self.reasons.get(name, "see the log of the other processes")
        self.figures.setdefault("unscored", {})[name] = {"turns": turns, "reason": reason}
        return reason

    def observe(self, metric: Metric, items: Sequence[Any]) -> None:
        """Take from a metric's items, one a turn, what is worth reporting."""
        # A verdict may be about a whole dialogue, and other items are of role-plays.
        what = {Needs.JUDGE: "judged", Needs.ROLE_PLAY: "role_plays"}.get(metric.info.needs, "turns")
        self.figures[what] = len(items)
        if isinstance(metric, F1) and items:
            self.figures.update(strategy_report(metric.total(metric.statistics(items))))


def strategy_report(statistics: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Confusion matrix and per-strategy figures from the summed statistics of :class:`F1`; ``None`` where undefined."""
    counts = statistics.reshape(STRATEGIES, STRATEGIES + 1)
    scores = class_scores(counts)

    def number(value: float) -> float | None:
        return None if value != value else float(value)

    return {
        "confusion": counts.astype(int).tolist(),
        "confusion_columns": [*(s.zh for s in Strategy), "unreadable"],
        "per_strategy": {
            s.zh: {
                "precision": number(scores.precision[s.index]),
                "recall": number(scores.recall[s.index]),
                "f1": number(scores.f1[s.index]),
                "gold": int(scores.support[s.index]),
                "predicted": int(scores.predicted[s.index]),
            }
            for s in Strategy
        },
        "stages": {stage.en: [s.zh for s in Strategy if s.stage is stage] for stage in Stage},
    }

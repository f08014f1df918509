"""How many examples make a pass, a step and an epoch: from budgets of tokens to the trainer's numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from csc_tasks.training.config import TrainingConfig
from csc_tasks.training.record import DataRecord

__all__ = ["TrainingPlan", "plan_for"]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What the trainer is told.

    Attributes:
        at_once: examples of one pass of one device.
        passes: passes whose gradients make a step (gradient accumulation).
        processes: devices.
        steps: in all.
        epoch: steps of an epoch.
        save_every: steps between checkpoints.
    """

    at_once: int
    passes: int
    processes: int
    steps: int
    epoch: int
    save_every: int

    @property
    def batch(self) -> int:
        """Examples of a step, on all devices together."""
        return self.at_once * self.passes * self.processes


def plan_for(config: TrainingConfig, data: DataRecord, processes: int) -> TrainingPlan:
    """Numbers that keep to the budgets.

    A pass has as many examples as there is room for where each is as long as the longest, so that no order of them can
    exceed ``tokens_at_once``; a single example may. A step has passes for ``tokens_per_batch`` by the mean length.

    Args:
        config: of the training.
        data: that is learnt.
        processes: devices.
    """
    mean = data.tokens / data.examples
    share = math.ceil(data.examples / processes)
    at_once = max(1, min(config.tokens_at_once // data.longest, share))
    rounds = math.ceil(data.examples / (at_once * processes))
    passes = max(1, min(round(config.tokens_per_batch / (mean * at_once * processes)), rounds))
    epoch = math.ceil(rounds / passes)
    epochs, steps = config.duration
    total = steps if steps > 0 else max(1, math.ceil(epochs * epoch))
    return TrainingPlan(at_once, passes, processes, total, epoch, min(config.save_steps or epoch, total))

"""BLEURT (Sellam et al. 2020; BLEURT-20: Pu et al. 2021): a trained network rates reply against reference.

A score is about 0 (unrelated) to 1 (the same), with nothing that holds it there. An empty reply or
reference scores 0 by our own rule: the network was never shown one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from csc_tasks.metrics.base import NETWORKS, MeanMetric, MetricInfo, ModelError, Needs, TurnMetric
from csc_tasks.metrics.neural.batches import Batches
from csc_tasks.metrics.neural.bleurt_checkpoint import BleurtNetwork, Encoded, load_bleurt
from csc_tasks.metrics.neural.encoder import on_device, pick_device, whole
from csc_tasks.metrics.turns import Turns

__all__ = ["Bleurt", "BleurtOptions"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BleurtOptions:
    """Which checkpoint, and how; ``batch`` (pairs) and ``device`` change no score."""

    model: str = "lucadiliello/BLEURT-20"
    batch: int = 32
    device: str = "auto"


class Bleurt(TurnMetric, MeanMetric):
    """The mean over turns of a BLEURT checkpoint's score of (reference, reply)."""

    info = MetricInfo(
        "bleurt",
        "BLEURT",
        Needs.TEXT,
        1,
        "a trained network's rating of the reply against the reference",
        headline=True,
        model=True,
    )
    scale = NETWORKS

    def __init__(self, options: BleurtOptions) -> None:
        self.options = options
        self._fingerprint = ""

    @property
    def details(self) -> dict[str, Any]:
        """The checkpoint; its fingerprint once prepared."""
        name = Path(self.options.model).name or self.options.model
        return {"model": name, **({"fingerprint": self._fingerprint} if self._fingerprint else {})}

    @property
    def implementation(self) -> str:
        """The checkpoint's name and fingerprint."""
        found = self.details
        return "bleurt, " + "@".join(found.values())

    def prepare(self) -> None:
        """Load the checkpoint."""
        if self.options.batch < 1:
            raise ModelError(f"a batch of {self.options.batch} pairs")
        self._fingerprint = _checkpoint(self.options.model).fingerprint[:8]
        pick_device(self.options.device)

    def items(self, turns: Turns) -> list[Any]:
        """The score of each turn, to seven digits."""
        assert turns.hypotheses is not None
        assert turns.references is not None
        return [round(value, 7) for value in self.score_pairs(turns.hypotheses, turns.references)]

    def score_pairs(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[float]:
        """The scores of n pairs of texts, each pair scored once.

        Raises:
            ModelError: the checkpoint cannot be loaded or gives no numbers.
        """
        self.prepare()
        checkpoint = _checkpoint(self.options.model)
        device = pick_device(self.options.device)
        pairs = [(whole(h).strip(), whole(r).strip()) for h, r in zip(hypotheses, references, strict=True)]
        scores = dict.fromkeys(pairs, 0.0)
        full = sorted(pair for pair in scores if all(pair))
        encoded = checkpoint.encode([r for _, r in full], [h for h, _ in full])
        if long := sum(len(row) >= checkpoint.max_length for row in encoded.ids):
            logger.warning("bleurt: %d pairs cut to the network's %d tokens", long, checkpoint.max_length)

        def forward(indices: list[int]) -> list[float]:
            chosen = Encoded([encoded.ids[i] for i in indices], [encoded.types[i] for i in indices])
            values: list[float] = checkpoint.forward(*checkpoint.pad(chosen)).tolist()
            return values

        with on_device(checkpoint.network, device):
            found = Batches("bleurt", self.options.batch).run(encoded.ids, forward, on_cpu=device == "cpu")
        if not np.isfinite(found).all():
            raise ModelError("the BLEURT network gives numbers that are not finite")
        scores.update(zip(full, found, strict=True))
        return [scores[pair] for pair in pairs]


@lru_cache(maxsize=1)
def _checkpoint(model: str) -> BleurtNetwork:
    try:
        return load_bleurt(model)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(str(error)) from error

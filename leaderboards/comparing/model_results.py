"""What one model's results prove: sums by conversation for each section and metric.

A comparison and a gate read this, wherever it comes from: logs, a judge's file, a baseline file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from csc_tasks.metrics.base import Floats
from csc_tasks.protocol.signature import Protocol
from csc_tasks.results.results_file import TaskRun

__all__ = ["MetricResults", "ModelResults", "SectionResults"]


@dataclass(frozen=True, slots=True)
class MetricResults:
    """One metric: ``sums`` (c, d) of the ``conversations`` (c,), or ``None`` with the reason ``why``.

    ``digest`` is of the set of turns, and ``turns`` how many they are.
    """

    name: str
    signature: str
    value: float
    conversations: tuple[str, ...] = ()
    digest: str = ""
    turns: int = 0
    sums: Floats | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class SectionResults:
    """One task in one context; ``asked`` conversations are what the subset has, ``whole`` that all turns are there.

    ``run`` is where it was read from; a baseline file has none.
    """

    section: str
    signature: str
    turns: int
    conversations: int
    asked: int
    whole: bool
    digest: str
    metrics: dict[str, MetricResults] = field(default_factory=dict)
    run: TaskRun | None = None


@dataclass(frozen=True, slots=True)
class ModelResults:
    """One model under one protocol; ``source`` says in words where it comes from."""

    model: str
    revision: str
    protocol: Protocol
    source: str
    date: float
    sections: dict[str, SectionResults]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Model and revision."""
        return self.model + (f"@{self.revision}" if self.revision else "")

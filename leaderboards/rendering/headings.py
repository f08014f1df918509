"""What a column is called."""

from __future__ import annotations

from csc_tasks.metrics import Metric

__all__ = ["arrow", "heading"]


def arrow(metric: Metric) -> str:
    """Which way is better."""
    return {1: " ↑", -1: " ↓", 0: ""}[metric.info.better]


def heading(name: str, metric: Metric) -> str:
    """The title of a metric reported under ``name``, which of a network's score ends in its signature."""
    title = metric.info.title
    suffix = name.removeprefix(metric.info.name)
    if metric.info.model:
        # The network is told in full elsewhere; here what tells two columns apart.
        suffix = suffix.removeprefix(f"_{metric.info.variant}") if metric.info.variant else suffix
        network = next((part for part in suffix.split(", ") if "@" in part), suffix).split("@", 1)[0]
        suffix = ", ".join(part.strip() for part in (network, metric.info.variant) if part.strip())
    return title + (f" ({suffix.lstrip('_')})" if suffix else "")

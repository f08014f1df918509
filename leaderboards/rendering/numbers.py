"""Numbers as people read them, and as JSON bears them."""

from __future__ import annotations

import math
from typing import Any

from csc_tasks.metrics import metric_named

__all__ = ["finite", "number"]


def number(metric: str, value: float, signed: bool = False) -> str:
    """A value of a metric: shares in percent with one decimal, others with two; – where there is none."""
    if math.isnan(value):
        return "–"
    found = metric_named(metric)
    percent = found is None or found.info.percent
    shown = (100 * value if percent else value) + 0.0  # which turns -0.0 into 0.0
    text = f"{shown:{'+' if signed else ''}.{1 if percent else 2}f}"
    return text.replace("-0.0", "0.0") if not signed and float(text) == 0 else text


def finite(value: Any) -> Any:
    """The same value with ``None`` for every NaN and infinity in it, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value

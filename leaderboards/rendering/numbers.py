"""Numbers as people read them: digits by unit, one minus sign, one sign for what is not there, no negative zero.

Every rendering prints its scores with these, so that no two of them can show one score differently;
``templates/common.js`` has the same rule for what a page computes itself.
"""

from __future__ import annotations

import math

from csc_tasks.metrics import metric_named
from csc_tasks.metrics.comparison import ALPHA

__all__ = [
    "ABSENT",
    "NO_BETTER",
    "difference_interval",
    "fixed",
    "in_percent",
    "interval",
    "number",
    "p_value",
]

ABSENT = "–"
"""For a value that is not known, was not measured or was withheld; why stands elsewhere."""
NO_BETTER = "†"
"""Behind a score that is not significantly better than the best floor of its column."""
_MINUS = "−"
_MOST_DIGITS = 6
"""Decimals of a number that is nearly nothing."""


def fixed(value: float | None, digits: int, signed: bool = False) -> str:
    """The value with so many decimals; :data:`ABSENT` for ``None``, NaN and infinities.

    Args:
        value: in the unit in which it is shown.
        digits: decimals.
        signed: a plus before what is above zero, as differences have it.
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return (_MINUS if value < 0 else "+" if signed else "") + text


def number(value: float | None, percent: bool, signed: bool = False) -> str:
    """A score or a difference of scores in the metric's own unit.

    Args:
        value: a fraction 0-1 for a share, else as it is: a grade, a ratio, bits.
        percent: whether it is a share, which is shown times 100 with one decimal; others have two.
        signed: see :func:`fixed`.
    """
    if value is None:
        return ABSENT
    return fixed(100 * value, 1, signed) if percent else fixed(value, 2, signed)


def interval(low: float | None, high: float | None, percent: bool, signed: bool = False) -> str:
    """Both ends in brackets, as :func:`number` shows them; :data:`ABSENT` where one is not known."""
    ends = number(low, percent, signed), number(high, percent, signed)
    return ABSENT if ABSENT in ends else f"[{ends[0]}, {ends[1]}]"


def difference_interval(low: float, high: float, metric: str) -> str:
    """The interval of a difference of two scores of a metric, no further than two such scores can lie apart."""
    found = metric_named(metric)
    span = math.inf if found is None else found.scale.high - found.scale.low
    low, high, percent = max(low, -span), min(high, span), in_percent(metric)
    # An end that is not 0 must not be shown as 0 where the whole interval lies on one side.
    ends = [
        _not_nothing(end, percent) if low > 0 or high < 0 else number(end, percent, True)
        for end in (low, high)
    ]
    return ABSENT if ABSENT in ends else f"[{ends[0]}, {ends[1]}]"


def _not_nothing(value: float, percent: bool) -> str:
    """A difference other than 0 with as many decimals as show that it is one."""
    digits = 1 if percent else 2
    shown = fixed(100 * value if percent else value, digits, signed=True)
    while value and digits < _MOST_DIGITS and not shown.strip("+−0."):
        digits += 1
        shown = fixed(100 * value if percent else value, digits, signed=True)
    if shown.strip("+−0.") or not value:
        return shown
    return f"{'+' if value > 0 else _MINUS}{10**-_MOST_DIGITS:.{_MOST_DIGITS}f}"


def p_value(value: float, alpha: float = ALPHA) -> str:
    """A p-value with three decimals; one that would be rounded to ``alpha`` says on which side of it it lies."""
    if value < 0.001:
        return "<0.001"
    shown = fixed(value, 3)
    if value != alpha and shown == fixed(alpha, 3):
        shown = fixed(value, 4)
        return shown if float(shown) != alpha else f"{'<' if value < alpha else '>'}{fixed(alpha, 3)}"
    return shown


def in_percent(metric: str) -> bool:
    """Whether scores reported under this name are shares; so are those of no metric that is known."""
    found = metric_named(metric)
    return found is None or found.info.percent

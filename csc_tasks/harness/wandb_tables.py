"""What lm-eval's logger for Weights & Biases (``--wandb_args``) needs, to make tables of a run.

It hands W&B a column for each metric of a task's ``metric_list``. A column has values of one kind there; one that
mixes kinds costs all tables.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lm_eval.loggers import WandbLogger

__all__ = ["Columns", "know_groups"]


def know_groups() -> None:
    """Keep lm-eval's logger from looking for the samples of a group; a second call changes nothing.

    It knows those groups alone that have scores of their own, which no group of csconv's has, and logs nothing at
    all where it takes another one for a task.
    """
    if not hasattr(WandbLogger.post_init, "_csconv"):
        WandbLogger.post_init = _knowing_groups(WandbLogger.post_init)


def _knowing_groups(post_init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(post_init)
    def knowing_groups(logger: Any, results: Mapping[str, Any]) -> None:
        post_init(logger, results)
        without = [name for name in logger.task_names if name not in results.get("configs", {})]
        logger.group_names += [name for name in without if name not in logger.group_names]

    knowing_groups._csconv = True  # type: ignore[attr-defined]
    return knowing_groups


class Columns:
    """What kinds of values each column has been seen with."""

    def __init__(self) -> None:
        self._kinds: dict[str, set[object]] = {}

    def see(self, row: Mapping[str, Any]) -> None:
        """Take in the values of a sample, by column."""
        for name, value in row.items():
            kinds = self._kinds.setdefault(name, set())
            if value is not None and len(kinds) < 2:
                kinds.add(_kind(value))

    def tabular(self, names: Iterable[str]) -> list[str]:
        """Those of the columns that have values of one kind, beside missing ones."""
        return [n for n in names if len(kinds := self._kinds.get(n, set())) < 2 and None not in kinds]


def _kind(value: Any) -> object:
    """Equal for values of one kind; ``None`` where a value mixes kinds in itself."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, (int, float)):
        return float
    if isinstance(value, str):
        return str
    if not isinstance(value, (list, tuple)):
        return None
    inner = {_kind(each) for each in value}
    return (*inner,) if len(inner) == 1 and None not in inner else None

"""A stratified sample that is the same for everybody: shares by largest remainder, choice by a digest."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

__all__ = ["digest", "stratified"]

Unit = TypeVar("Unit", bound=Hashable)


def digest(unit: Hashable) -> str:
    """The SHA-256 of a unit as Python writes it: an order that has nothing to do with what is in it."""
    return hashlib.sha256(repr(unit).encode()).hexdigest()


def stratified(
    units: Iterable[tuple[Unit, str]],
    size: int,
    rank: Callable[[Unit], Any] = digest,
    tie: Callable[[str], Any] = digest,
) -> set[Unit]:
    """Choose ``size`` units, from each stratum its share.

    The shares are proportional, rounded by largest remainder, so that a mean over the sample estimates the
    mean over all units without weights. Within a stratum the rank of the unit decides: no model's reply has
    a part in it, every model is judged on the same units, and a larger sample contains most of a smaller one.

    Args:
        units: what there is to choose from, each with its stratum.
        size: how many; all of them if there are no more.
        rank: the lowest of a stratum are chosen.
        tie: of strata with the same remainder the one with the lowest gets one more.
    """
    strata: dict[str, list[Unit]] = defaultdict(list)
    for unit, stratum in units:
        strata[stratum].append(unit)
    total = sum(map(len, strata.values()))
    if size >= total:
        return {unit for members in strata.values() for unit in members}
    shares = {name: size * len(members) / total for name, members in strata.items()}
    quota = {name: int(share) for name, share in shares.items()}
    left = size - sum(quota.values())
    by_remainder = sorted(strata, key=lambda name: (quota[name] - shares[name], tie(name)))
    for name in by_remainder[:left]:
        quota[name] += 1
    return {unit for name, members in strata.items() for unit in sorted(members, key=rank)[: quota[name]]}

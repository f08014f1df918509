"""A sample of what could be judged: stratified, and the same for every model."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeVar

__all__ = ["stratified"]

Unit = TypeVar("Unit", bound=Hashable)


def stratified(units: Iterable[tuple[Unit, str]], size: int) -> set[Unit]:
    """Choose ``size`` units, from each stratum its share.

    The shares are proportional, rounded by largest remainder, so that a mean over the sample estimates the
    mean over all units without weights. Within a stratum the digest of the unit decides: no model's reply has
    a part in it, every model is judged on the same units, and a larger sample contains most of a smaller one.

    Args:
        units: what there is to choose from, each with its stratum.
        size: how many; all of them if there are no more.
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
    by_remainder = sorted(strata, key=lambda name: (quota[name] - shares[name], _digest(name)))
    for name in by_remainder[:left]:
        quota[name] += 1
    return {unit for name, members in strata.items() for unit in sorted(members, key=_digest)[: quota[name]]}


def _digest(unit: Hashable) -> str:
    return hashlib.sha256(repr(unit).encode()).hexdigest()

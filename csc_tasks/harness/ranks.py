"""The processes of a run: what each of them has, brought together."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["of_all_ranks"]

T = TypeVar("T")


def of_all_ranks(value: T, world_size: int) -> list[T]:
    """Every process's value, in order of rank, in every process. All of them must call it.

    Args:
        value: this process's own.
        world_size: processes that the harness evaluates with; 1 where others are about that have nothing to do
            with it, as in a training loop that evaluates on one of its ranks.
    """
    if world_size < 2:
        return [value]
    import torch.distributed as processes

    if not (processes.is_available() and processes.is_initialized()):
        return [value]
    values: list[T] = [value] * processes.get_world_size()
    processes.all_gather_object(values, value)
    return values

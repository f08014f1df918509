"""A Ray cluster while it is used: one that runs somewhere, or one that is started on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint

__all__ = ["EngineKind", "ray_cluster"]


class EngineKind(Enum):
    """Where work is done: on this machine, or on a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"


@contextmanager
def ray_cluster(workers: int | None, address: str | None) -> Iterator[Any]:
    """The module ``ray``, connected; its connection ends with the block.

    Args:
        workers: of a cluster that is started on this machine; ``None``: one a core.
        address: of a running cluster.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at that address.
    """
    try:
        import ray
    except ImportError:
        raise ConfigError(f"--engine ray: Ray is not installed: {install_hint('ray')}") from None
    _reachable(address)
    own = {"num_cpus": workers, "include_dashboard": False} if address is None else {"address": address}
    try:
        ray.init(log_to_driver=False, logging_level="error", **own)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise ConfigError(f"--engine ray: no cluster at {address}: {str(error).splitlines()[0]}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _reachable(address: str | None) -> None:
    """Try the address before Ray does, which would wait for a cluster that is not there for minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():  # auto, local, or a name that Ray resolves
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--engine ray: no cluster at {address} ({error})") from None

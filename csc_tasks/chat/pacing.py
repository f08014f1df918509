"""Limits in time: requests and tokens a minute, and pauses that the server asks for.

Every wait ends early when the run is stopped; whoever waited asks nothing more.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from time import monotonic

__all__ = ["Pacer", "Standstill", "Traffic", "pause"]

logger = logging.getLogger(__name__)

LONG = 60.0
"""Seconds; whoever waits longer hears why."""


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait so long, or until ``stop`` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


class Pacer:
    """At most ``rate`` units a minute, spread evenly; no limit for ``None``. ``name`` is the field that says so."""

    def __init__(self, rate: float | None, name: str = "") -> None:
        self._name = name
        self._said = False
        self._seconds = 60.0 / rate if rate else 0.0
        self._free = 0.0

    async def take(self, units: float, stop: asyncio.Event) -> None:
        """Take so many units from the next slot on and wait for it, or until ``stop`` is set."""
        if not self._seconds:
            return
        now = monotonic()
        start = max(now, self._free)
        self._free = start + units * self._seconds
        if start > now:
            if start - now > LONG and not self._said:
                self._said = True
                logger.warning("%s: the next request waits %.0f s", self._name, start - now)
            await pause(start - now, stop)

    def correct(self, units: float) -> None:
        """Take back (or add) units that an estimate was off by."""
        self._free += units * self._seconds


class Standstill:
    """A pause for everybody: the server said when it wants to be asked again."""

    def __init__(self) -> None:
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        """Nobody asks for that long."""
        self._until = max(self._until, monotonic() + seconds)

    async def over(self, stop: asyncio.Event) -> None:
        """Wait until it is over, or ``stop`` is set."""
        while (wait := self._until - monotonic()) > 0 and not stop.is_set():
            await pause(wait, stop)


class Traffic:
    """What one server may be sent in a time, shared by all who ask it.

    Args:
        requests_per_minute: requests; no limit for ``None``.
        tokens_per_minute: tokens of prompts and answers; no limit for ``None``.
    """

    def __init__(
        self, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        self.requests = Pacer(requests_per_minute, "requests_per_minute")
        self.tokens = Pacer(tokens_per_minute, "tokens_per_minute")
        self.standstill = Standstill()

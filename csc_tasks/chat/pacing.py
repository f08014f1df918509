"""Limits in time and money: requests and tokens a minute, pauses that the server asks for, and the budget.

Every wait in time ends early when the run is stopped; whoever waited asks nothing more.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import monotonic, time

__all__ = ["Budget", "Gate", "Pacer", "pause", "retry_after"]


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait so long, or until ``stop`` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


class Pacer:
    """At most ``rate`` units a minute, spread evenly; no limit for ``None``."""

    def __init__(self, rate: float | None) -> None:
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
            await pause(start - now, stop)

    def correct(self, units: float) -> None:
        """Take back (or add) units that an estimate was off by."""
        self._free += units * self._seconds


class Gate:
    """A pause for everybody: the server said when it wants to be asked again."""

    def __init__(self) -> None:
        self._until = 0.0

    def close_for(self, seconds: float) -> None:
        """Nobody passes for that long."""
        self._until = max(self._until, monotonic() + seconds)

    async def passed(self, stop: asyncio.Event) -> None:
        """Wait until the gate is open, or ``stop`` is set."""
        while (wait := self._until - monotonic()) > 0 and not stop.is_set():
            await pause(wait, stop)


class Budget:
    """Money that may be spent. What is about to be spent is reserved first, at the most it can cost."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.spent = 0.0
        self._reserved = 0.0
        self._holders = 0
        self._changed = asyncio.Event()

    async def reserve(self, amount: float) -> bool:
        """Reserve an amount; false if it is not there, even when everything on its way has come back."""
        while self.limit is not None and self.spent + self._reserved + amount > self.limit:
            if not self._holders:
                return False
            self._changed.clear()
            await self._changed.wait()
        self._reserved += amount
        self._holders += 1
        return True

    def settle(self, reserved: float, spent: float) -> None:
        """Give a reservation back and book what was spent."""
        self._reserved -= reserved
        self._holders -= 1
        self.spent += spent
        self._changed.set()


def retry_after(value: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, which has seconds or a date; ``None`` if it says nothing."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(seconds, 0.0) if seconds < float("inf") else None

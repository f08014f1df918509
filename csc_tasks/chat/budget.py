"""Money that may be spent, shared by everything that is asked at once."""

from __future__ import annotations

import asyncio

__all__ = ["Budget"]


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

    def charge(self, amount: float) -> None:
        """Count what may have been charged without being known as a cost; without a limit nothing does."""
        if self.limit is not None:
            self.spent += amount

    def settle(self, reserved: float, spent: float) -> None:
        """Give a reservation back and book what was spent."""
        self._reserved -= reserved
        self._holders -= 1
        self.spent += spent
        self._changed.set()

"""The start of a run: models whose answers cannot be used are left alone after twenty of them."""

from __future__ import annotations

import asyncio
from collections import Counter

from csc_tasks.chat.words import shown

__all__ = ["LIMIT", "Trial"]

LIMIT = 20
"""Answers that cannot be used, from the start and of one role, after which nothing more is asked."""


class Trial:
    """For one role: until its first answer that can be used, no more requests are under way than may be risked."""

    def __init__(self, proven: bool = False) -> None:
        self.proven = proven
        self._open = False
        self._bad = self._under_way = 0
        self._reasons: Counter[str] = Counter()
        self._example = ""
        self._changed = asyncio.Event()

    @property
    def hopeless(self) -> bool:
        """Whether it is time to stop."""
        return not self.proven and self._bad >= LIMIT

    async def enter(self) -> None:
        """Wait until one more answer may be risked."""
        while not self.proven and not self._open and self._bad + self._under_way >= LIMIT:
            await self._changed.wait()
        self._under_way += 1

    def leave(self, usable: bool | None, reason: str = "", text: str = "") -> None:
        """An answer came, or (``None``) nothing did."""
        self._under_way -= 1
        if usable:
            self.proven = True
        elif usable is not None and not self.proven:
            self._bad += 1
            self._reasons[reason] += 1
            self._example = text or self._example
        self._wake()

    def end(self) -> None:
        """Hold nothing back any more."""
        self._open = True
        self._wake()

    def _wake(self) -> None:
        waited, self._changed = self._changed, asyncio.Event()
        waited.set()

    def told(self, who: str) -> str:
        """What a user must know: what came, an example, and what to do."""
        reasons = "; ".join(f"{n} × {shown(reason, 120)}" for reason, n in self._reasons.most_common(3))
        example = f". It said: {shown(self._example, 160)}" if self._example.strip() else ""
        return (
            f"{who}: none of its first {self._bad} answers can be used ({reasons}){example}\nWhat to do: try a larger "
            "model, json_schema: on if the server knows schemas, or more max_tokens if answers are cut off"
        )

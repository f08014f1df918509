"""The start of a run: a judge that gives no verdict is left alone after twenty answers, not after all of them."""

from __future__ import annotations

import asyncio
from collections import Counter

from csc_tasks.chat.words import shown
from csc_tasks.judging.answers import remedy
from csc_tasks.metrics.judge.verdict import Status, Verdict

__all__ = ["LIMIT", "Start"]

LIMIT = 20
"""Answers without a verdict, in a row from the start, after which nothing more is asked."""
_EXAMPLES = 3


class Start:
    """What is known of a judge until its first verdict; no more than :data:`LIMIT` answers are risked for it.

    However many connections there are, no more requests are under way until then than answers are left.
    """

    def __init__(self) -> None:
        self.over = False
        """Whether nothing is held back any more."""
        self.proven = False
        """Whether the judge gave a verdict in this run or an earlier one."""
        self._known: dict[str, int] = {}
        self._unusable = self._under_way = 0
        self._reasons: Counter[str] = Counter()
        self._examples: dict[str, None] = {}
        self._last = Verdict(Status.FAILED)
        self._changed = asyncio.Event()

    @property
    def hopeless(self) -> bool:
        """Whether it is time to stop."""
        return not self.over and self._spent >= LIMIT

    @property
    def _spent(self) -> int:
        return self._unusable + (0 if self.proven else sum(self._known.values()))

    async def enter(self) -> None:
        """Wait until one more answer may be risked."""
        while not self.over and self._spent + self._under_way >= LIMIT:
            await self._changed.wait()
        self._under_way += 1

    def leave(self, verdict: Verdict | None, fresh: bool) -> None:
        """An answer came, or nothing was sent; what failed before says something only of a judge that is not proven.

        Args:
            verdict: what the answer came to.
            fresh: its question was not put in vain before.
        """
        self._under_way -= 1
        if self.over:
            return
        if verdict is not None and verdict.status is Status.SCORED:
            self.proven = True
            self.end()
        elif verdict is not None and (fresh or not self.proven):
            self._unusable += 1
            self._see(verdict)
        self._wake()

    def remember(self, key: str, verdict: Verdict, answers: int) -> None:
        """A question was settled in an earlier run, after so many answers."""
        if verdict.status is Status.SCORED:
            self.proven = True
            self._wake()
        elif not self.over and not self.proven and key not in self._known:
            self._known[key] = answers
            self._see(verdict, answers)

    def end(self) -> None:
        """Hold nothing back any more."""
        self.over = True
        self._wake()

    def _wake(self) -> None:
        waited, self._changed = self._changed, asyncio.Event()
        waited.set()

    def _see(self, verdict: Verdict, answers: int = 1) -> None:
        self._last = verdict
        self._reasons[f"{verdict.status.value}: {verdict.reason}"] += answers
        if verdict.raw.strip() and len(self._examples) < _EXAMPLES:
            self._examples[shown(verdict.raw, 160)] = None

    def told(self) -> str:
        """What a user must know when there is no hope: what came, examples of it, and what to do."""
        reasons = "; ".join(f"{n} × {shown(reason, 120)}" for reason, n in self._reasons.most_common(3))
        examples = "".join(f"\n  {example}" for example in self._examples)
        return (
            f"none of its first {self._spent} answers is a verdict ({reasons}); nothing more was asked"
            + (f". It said:{examples}\n" if examples else ". ")
            + f"What to do: {remedy(self._last)}"
        )

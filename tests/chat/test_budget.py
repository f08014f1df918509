from __future__ import annotations

import asyncio

import pytest

from csc_tasks.chat.budget import Budget


def test_what_may_be_spent_is_reserved_at_its_most_and_given_back() -> None:
    async def spend() -> tuple[list[bool], float]:
        budget = Budget(1.0)
        granted = []

        async def ask(actual: float) -> None:
            granted.append(await budget.reserve(0.4))
            if granted[-1]:
                await asyncio.sleep(0.001)
                budget.settle(0.4, actual)

        # Two fit at their most; a third waits for what they give back, and the fourth finds too little left.
        await asyncio.gather(*(ask(0.3) for _ in range(4)))
        return granted, budget.spent

    granted, spent = asyncio.run(spend())
    assert granted == [True, True, True, False]
    assert spent == pytest.approx(0.9)


def test_without_a_limit_everything_is_granted_and_counted() -> None:
    async def spend() -> float:
        budget = Budget(None)
        for _ in range(3):
            assert await budget.reserve(1e9)
            budget.settle(1e9, 2.0)
        return budget.spent

    assert asyncio.run(spend()) == 6.0

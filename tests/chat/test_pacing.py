from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from time import monotonic

import pytest

from csc_tasks.chat.pacing import Pacer, Standstill


def seconds(work: Coroutine[None, None, None]) -> float:
    start = monotonic()
    asyncio.run(work)
    return monotonic() - start


async def take(pacer: Pacer, *units: float) -> None:
    stop = asyncio.Event()
    for each in units:
        await pacer.take(each, stop)


def test_units_are_spread_evenly() -> None:
    assert seconds(take(Pacer(600), *[1.0] * 4)) == pytest.approx(0.3, abs=0.15)


def test_larger_requests_wait_longer_for_the_next() -> None:
    assert seconds(take(Pacer(6000), 20.0, 1.0)) == pytest.approx(0.2, abs=0.15)


def test_without_a_rate_nobody_waits() -> None:
    assert seconds(take(Pacer(None), *[1e9] * 100)) < 0.1


def test_what_an_estimate_was_off_by_is_given_back() -> None:
    pacer = Pacer(60)

    async def work() -> None:
        await take(pacer, 100.0)
        pacer.correct(-100.0)
        await take(pacer, 1.0)

    assert seconds(work()) < 0.5


def test_a_wait_ends_when_the_run_is_stopped() -> None:
    async def work() -> None:
        pacer, standstill, stop = Pacer(1), Standstill(), asyncio.Event()
        standstill.hold(60)
        asyncio.get_running_loop().call_later(0.05, stop.set)
        await pacer.take(1, stop)
        await asyncio.gather(pacer.take(1, stop), standstill.over(stop))

    assert seconds(work()) < 2


def test_everybody_waits_while_the_server_wants_to_be_left_alone() -> None:
    async def work() -> None:
        standstill, stop = Standstill(), asyncio.Event()
        standstill.hold(0.2)
        standstill.hold(0.1)  # the longer one holds
        await asyncio.gather(*(standstill.over(stop) for _ in range(5)))

    assert seconds(work()) >= 0.19

"""Lines to several models: roles asked alike share an endpoint, those at one server what it may be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import NamedTuple

from csc_tasks.chat.budget import Budget
from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.endpoint import Endpoint
from csc_tasks.chat.messages import ChatAnswer, ChatRequest
from csc_tasks.chat.pacing import Traffic
from csc_tasks.chat.spending import ask_within

__all__ = ["Lines"]


class _Line(NamedTuple):
    """How a role is reached; ``places`` limits how many ask at once where the server takes fewer than there are."""

    config: EndpointConfig
    endpoint: Endpoint
    places: asyncio.Semaphore


class Lines:
    """Models at endpoints, while they are in use (``async with``).

    Args:
        configs: by role who is asked, and how.
        budget: what all of them may spend.
    """

    def __init__(self, configs: Mapping[str, EndpointConfig], budget: Budget) -> None:
        self.configs = configs
        self._budget = budget
        self._lines: dict[str, _Line] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Lines:
        traffic: dict[tuple[str, str | None], Traffic] = {}
        places: dict[str, asyncio.Semaphore] = {}
        opened: list[tuple[EndpointConfig, Endpoint]] = []
        for role, config in self.configs.items():
            server = (config.base_url, config.api_key_env)
            alike = [c for c in self.configs.values() if (c.base_url, c.api_key_env) == server]
            limits = [
                min(each, default=None)
                for each in (
                    [c.requests_per_minute for c in alike if c.requests_per_minute],
                    [c.tokens_per_minute for c in alike if c.tokens_per_minute],
                )
            ]
            shared = traffic.setdefault(server, Traffic(*limits))
            most = min(c.concurrency for c in alike)
            endpoint = next((e for c, e in opened if c == config), None)
            if endpoint is None:
                endpoint = await self._stack.enter_async_context(Endpoint(config, shared))
                opened.append((config, endpoint))
            place = places.setdefault(config.base_url, asyncio.Semaphore(most))
            self._lines[role] = _Line(config, endpoint, place)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def ask(self, role: str, request: ChatRequest, stop: asyncio.Event) -> ChatAnswer | None:
        """The answer of a role; ``None`` if nothing was sent, for the run was stopped.

        Raises:
            OverBudget: nothing was sent, for it could cost more than is left.
        """
        line = self._lines[role]
        async with line.places:
            return await ask_within(self._budget, line.endpoint, line.config, request, stop)

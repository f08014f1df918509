"""Asking within a budget: what a request can cost at most is reserved before it is sent."""

from __future__ import annotations

import asyncio

from csc_tasks.chat.budget import Budget
from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.endpoint import Endpoint
from csc_tasks.chat.messages import AnswerStatus, ChatAnswer, ChatRequest
from csc_tasks.errors import ConfigError

__all__ = ["OverBudget", "ask_within", "require_prices"]


class OverBudget(Exception):
    """A request could cost more than is left."""


def require_prices(config: EndpointConfig, whose: str) -> None:
    """Check that what a model may cost is known beforehand.

    Args:
        config: how it is asked.
        whose: for the message, like ``synthesis.yaml``.

    Raises:
        ConfigError: there are no prices, or an answer has no end.
    """
    if not config.priced:
        raise ConfigError(f"a budget needs input_price and output_price in {whose}")
    if config.limit is None:
        raise ConfigError(
            f"a budget needs max_tokens or max_completion_tokens in {whose}: without, no answer has an end"
        )


async def ask_within(
    budget: Budget, endpoint: Endpoint, config: EndpointConfig, request: ChatRequest, stop: asyncio.Event
) -> ChatAnswer | None:
    """The answer to a request; ``None`` if nothing was sent, for the run was stopped.

    Raises:
        OverBudget: nothing was sent, for it could cost more than is left.
    """
    most = config.cost(request.tokens, config.longest)
    if not await budget.reserve(most):
        raise OverBudget
    spent = most
    try:
        answer = await endpoint.ask(request, stop)
        spent = config.cost(answer.prompt_tokens, answer.completion_tokens)
    finally:
        budget.settle(most, spent)
    if answer.status is AnswerStatus.UNASKED:
        return None
    # What may have been charged without an answer counts against the budget, not as a known cost.
    budget.charge(answer.lost * most)
    return answer

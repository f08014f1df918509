"""Who answers: models at endpoints, or scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol

from csc_tasks.chat.budget import Budget
from csc_tasks.chat.completion import EMPTY
from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.lines import Lines
from csc_tasks.chat.messages import AnswerStatus, ChatAnswer, ChatRequest
from csc_tasks.synthesis.config import SynthesisConfig
from csc_tasks.synthesis.steps import Case, Role, Step

__all__ = ["EndpointVoices", "ScriptedVoices", "Voices"]


class Voices(Protocol):
    """Whatever answers the questions of a pipeline, while it is in use (``async with``)."""

    async def __aenter__(self) -> Voices:
        """Begin."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    async def ask(
        self, case: Case, step: Step, seed: int, attempt: int, stop: asyncio.Event
    ) -> ChatAnswer | None:
        """The answer to a step; ``None`` if nothing was sent, for the run was stopped.

        Raises:
            OverBudget: nothing was sent, for it could cost more than is left.
        """

    def cost(self, role: Role, answer: ChatAnswer) -> float:
        """What an answer cost."""


class EndpointVoices:
    """Models at endpoints.

    Args:
        config: who is asked, and how.
        roles: that are asked.
        budget: what all of them may spend.
    """

    def __init__(self, config: SynthesisConfig, roles: Sequence[Role], budget: Budget) -> None:
        self._configs = {role: config.of(role) for role in roles}
        self._lines = Lines({str(role): own for role, own in self._configs.items()}, budget)

    async def __aenter__(self) -> EndpointVoices:
        await self._lines.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lines.__aexit__(kind, error, trace)

    async def ask(
        self, case: Case, step: Step, seed: int, attempt: int, stop: asyncio.Event
    ) -> ChatAnswer | None:
        """As the protocol says."""
        request = ChatRequest(step.messages, step.schema, attempt, seed)
        answer = await self._lines.ask(step.role, request, stop)
        if answer is None or stop.is_set():  # one that nobody waited for to the end fails whatever was asked
            return answer
        return _of_this_request(answer, self._configs[step.role])

    def cost(self, role: Role, answer: ChatAnswer) -> float:
        """As the protocol says."""
        return self._configs[role].cost(answer.prompt_tokens, answer.completion_tokens)


def _of_this_request(answer: ChatAnswer, config: EndpointConfig) -> ChatAnswer:
    """An answer; one that failed for what was asked and not for the server counts as one that says nothing.

    The server would fail it again, so it is asked for with another seed, and given up some time.
    """
    own = answer.reason == EMPTY or (config.retries > 0 and answer.retries == 0)
    if answer.status is not AnswerStatus.FAILED or not own:
        return answer
    return answer.but(status=AnswerStatus.ANSWERED, text="", reason=answer.reason.partition(":")[0])


class ScriptedVoices:
    """Scripts: no model, no network, always the same answer to the same question.

    Args:
        answer: gives the text of the answer to a step of a case, for the n-th attempt from 0.
        name: what the answers say their model is.
    """

    def __init__(self, answer: Callable[[Case, Step, int], str], name: str) -> None:
        self._answer = answer
        self._name = name

    async def __aenter__(self) -> ScriptedVoices:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def ask(
        self, case: Case, step: Step, seed: int, attempt: int, stop: asyncio.Event
    ) -> ChatAnswer | None:
        """As the protocol says."""
        await asyncio.sleep(0)
        return ChatAnswer(AnswerStatus.ANSWERED, self._answer(case, step, attempt), model=self._name)

    def cost(self, role: Role, answer: ChatAnswer) -> float:
        """As the protocol says."""
        return 0.0

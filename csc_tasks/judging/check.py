"""Whether a judge gives a verdict, before anything depends on it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from csc_tasks.chat.endpoint import Endpoint
from csc_tasks.chat.words import shown
from csc_tasks.errors import ConfigError
from csc_tasks.judging.answers import asks_again, remedy, verdict_of
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.questions import Questions
from csc_tasks.metrics.judge import Status, Verdict, load_rubric
from csc_tasks.metrics.judge.probe_cases import load_probe
from csc_tasks.metrics.judge.rubric import TURN_RUBRIC

__all__ = ["require_verdict"]

_RETRIES = 2
"""Of a request that fails: who waits for this check learns of a dead server soon."""


def require_verdict(config: JudgeConfig, source: Path) -> Verdict:
    """Put one question to a judge, as often as a run would until a verdict comes.

    Args:
        config: who judges.
        source: the file that says so, for messages.

    Returns:
        The verdict.

    Raises:
        ConfigError: there is no answer, or no verdict in any; with what the judge said, and what to do.
        ChatError: its key is not set, or nothing can be sent.
    """
    rubric = load_rubric(TURN_RUBRIC)
    few = config.model_copy(update={"retries": min(config.retries, _RETRIES)})
    questions = Questions(rubric, few)
    task = questions.task(load_probe().singles[0])

    async def asked() -> Verdict:
        async with Endpoint(few) as endpoint:
            for attempt in range(few.reasks + 1):
                request = questions.again(task, attempt) if attempt else task.request
                answer = await endpoint.ask(request, asyncio.Event())
                verdict = verdict_of(answer, rubric)
                if not asks_again(answer, verdict):
                    break
        return verdict

    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(lambda: asyncio.run(asked())).result()
    if verdict.status is Status.SCORED:
        return verdict
    if verdict.status is Status.FAILED:
        raise ConfigError(f"{source}: the judge {config.model} does not answer ({verdict.reason})")
    said = f"; it said: {shown(verdict.raw)}" if verdict.raw.strip() else ""
    raise ConfigError(
        f"{source}: the judge {config.model} answers, but gives no verdict ({shown(verdict.reason)}){said}\n"
        f"What to do: {remedy(verdict)}"
    )

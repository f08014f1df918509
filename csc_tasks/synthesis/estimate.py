"""What a run would ask and cost, without asking: a few cases are played with typical answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from csc_tasks.chat.messages import tokens_in
from csc_tasks.roleplay.asking.answers import Unusable
from csc_tasks.synthesis.config import SynthesisConfig
from csc_tasks.synthesis.steps import Case, Pipeline, Role, Step

__all__ = ["RolePrice", "price"]

PLAYED = 8
"""Cases that are played, spread over those that are left."""

Typical = Callable[[Case, Step, int], str]


@dataclass(frozen=True, slots=True)
class RolePrice:
    """What a role would be asked: requests, tokens of prompts and answers, cost in the configuration's currency.

    ``cost`` is ``None`` where no prices are known.
    """

    role: Role
    model: str
    requests: int
    prompt_tokens: int
    answer_tokens: int
    cost: float | None


def price(
    pipeline: Pipeline, config: SynthesisConfig, cases: Sequence[Case], typical: Typical
) -> list[RolePrice]:
    """Estimate by role; every answer is taken to be usable at once.

    Args:
        pipeline: what is made.
        config: with prices.
        cases: those that are left.
        typical: the answer to a step of a case, of a length as models give it.
    """
    played = cases[:: max(1, len(cases) // PLAYED)][:PLAYED]
    requests: Counter[Role] = Counter()
    prompts: Counter[Role] = Counter()
    answers: Counter[Role] = Counter()
    for case in played:
        for step, answer in _play(pipeline, case, typical):
            requests[step.role] += 1
            prompts[step.role] += sum(tokens_in(message.content) for message in step.messages)
            answers[step.role] += tokens_in(answer)
    share = len(cases) / len(played) if played else 0.0
    found = []
    for role in pipeline.roles:
        if not requests[role]:
            continue
        sums = [round(each[role] * share) for each in (requests, prompts, answers)]
        of = config.of(role)
        cost = of.cost(sums[1], sums[2]) if of.priced else None
        found.append(RolePrice(role, of.model, sums[0], sums[1], sums[2], cost))
    return found


def _play(pipeline: Pipeline, case: Case, typical: Typical) -> Iterable[tuple[Step, str]]:
    machine = pipeline.machine(case)
    try:
        step = next(machine)
        while True:
            for attempt in range(5):
                answer = typical(case, step, attempt)
                try:
                    value = step.read(answer)
                    break
                except Unusable:
                    continue
            else:
                return
            yield step, answer
            step = machine.send(value)
    except StopIteration:
        return

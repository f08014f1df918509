"""A conversation as the judge is shown it, one utterance a line, taken apart for people's eyes."""

from __future__ import annotations

from typing import NamedTuple

from csc_tasks.framework import Strategy
from csc_tasks.judging.samples import START
from csc_tasks.protocol.prompt import Prompt

__all__ = ["SpokenLine", "number_of", "talk_of", "with_last_reply"]

CUSTOMER, SUPPORTER, NEITHER = "customer", "supporter", ""
_NUMBERS = {strategy.zh: strategy.number for strategy in Strategy}


class SpokenLine(NamedTuple):
    """One utterance: who said it, the strategy's number (0 for none) and the text; ``who`` is '' for a remark."""

    who: str
    strategy: int
    text: str


def number_of(name: str) -> int:
    """A strategy's number by its Chinese name; 0 for anything else."""
    return _NUMBERS.get(name, 0)


def talk_of(text: str, prompt: Prompt) -> list[SpokenLine]:
    """The utterances of a history or dialogue; none where the conversation has just begun."""
    if text == START:
        return []
    return [_line(line, prompt) for line in text.split("\n")]


def _line(line: str, prompt: Prompt) -> SpokenLine:
    customer = prompt.customer_line.partition("{")[0]
    supporter, _, rest = prompt.supporter_line.partition("{strategy}")
    behind = rest.partition("{")[0]
    if line.startswith(customer):
        return SpokenLine(CUSTOMER, 0, line.removeprefix(customer))
    if line.startswith(supporter):
        name, found, said = line.removeprefix(supporter).partition(behind)
        if found and name in _NUMBERS:
            return SpokenLine(SUPPORTER, _NUMBERS[name], said)
    unlabelled = prompt.unlabelled_line.partition("{")[0]
    if line.startswith(unlabelled):
        return SpokenLine(SUPPORTER, 0, line.removeprefix(unlabelled))
    return SpokenLine(NEITHER, 0, line)


def with_last_reply(dialogue: str, text: str, prompt: Prompt) -> str:
    """A dialogue in which the supporter's last utterance is another one."""
    lines = dialogue.split("\n")
    marks = prompt.supporter_line.partition("{")[0], prompt.unlabelled_line.partition("{")[0]
    last = max((i for i, line in enumerate(lines) if line.startswith(marks)), default=len(lines) - 1)
    said = " ".join(text.split("\n"))
    lines[last] = prompt.supporter_line.format(strategy=prompt.unknown_strategy, text=said)
    return "\n".join(lines)

"""Old logs, which hold no customer's turns: what was said is read out of the prompts that were sent.

Used by :mod:`csc_tasks.results.histories` alone, and there also where turns of a conversation are missing from
a log (``--samples``), so that the prompt is the only place that has them.
"""

from __future__ import annotations

import json

from csc_tasks.protocol.prompt import Prompt
from csc_tasks.protocol.task_kind import TaskKind

__all__ = ["customers_of", "history_lines"]


def prompt_text(prompt: object) -> str:
    """The text of a logged prompt: itself, or the last user message of a chat."""
    while isinstance(prompt, (list, tuple)) and len(prompt) == 1 and not isinstance(prompt[0], dict):
        (prompt,) = prompt
    if isinstance(prompt, str) and prompt.lstrip().startswith("[{"):
        try:
            prompt = json.loads(prompt)
        except ValueError:
            return str(prompt)
    if isinstance(prompt, (list, tuple)):
        messages = [m.get("content") for m in prompt if isinstance(m, dict) and m.get("role") == "user"]
        return messages[-1] if messages and isinstance(messages[-1], str) else ""
    return prompt if isinstance(prompt, str) else ""


def history_lines(prompt: object, texts: Prompt, kind: TaskKind) -> list[str]:
    """The utterances that a prompt shows before its cue, one a line.

    Whatever stands around them (instructions, examples, a chat template) is left out. An utterance is one
    line that begins with its speaker, so no text can pass for the heading or the cue.

    Raises:
        ValueError: this is not a prompt of csconv.
    """
    heading = texts.head(kind).rstrip("\n").rsplit("\n", 1)[-1]
    supporter, customer = (line.split(":")[0] + ":" for line in (texts.supporter_line, texts.customer_line))
    lines = prompt_text(prompt).split("\n")
    spoken = [line.startswith((supporter, customer)) for line in lines]
    starts = [i for i, line in enumerate(lines) if line.endswith(heading) and not spoken[i]]
    cues = [i for i, line in enumerate(lines) if line.startswith(supporter)]
    if not starts or not cues or cues[-1] < starts[-1]:
        raise ValueError("a prompt without a conversation in it")
    return lines[starts[-1] + 1 : cues[-1]]


def customers_of(lines: list[str], texts: Prompt) -> list[str]:
    """What the customer says in a history's lines after the last line of the supporter."""
    supporter = texts.supporter_line.split(":")[0] + ":"
    last = max((i for i, line in enumerate(lines) if line.startswith(supporter)), default=-1)
    before = texts.customer_line.split("{")[0]
    return [line.removeprefix(before) for line in lines[last + 1 :]]

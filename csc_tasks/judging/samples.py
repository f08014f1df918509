"""From a sample log to what a judge is shown: the conversation before a turn, read out of the logged prompt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.errors import DataError
from csc_tasks.metrics.judge.rubric import Rubric, Unit
from csc_tasks.metrics.judge.sample import Sample
from csc_tasks.protocol.prompt import Prompt, load_prompt
from csc_tasks.protocol.replies import Reply, leaves_in_thought, read_reply
from csc_tasks.protocol.task_kind import TaskKind
from csc_tasks.protocol.turns import TurnDoc, gold_answer, gold_strategy
from csc_tasks.results.sample_log import Chunk, SampleLog

__all__ = ["history_lines", "samples_of_log", "samples_of_turns", "strata_of_log"]

START = "（对话刚开始，此前没有人说话）"
NO_LABEL = "（没有标明策略）"
NOTHING = "（没有说话）"


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


def strata_of_log(log: SampleLog, unit: Unit) -> Iterator[tuple[tuple[str, int | None], str]]:
    """What of a log can be judged, each with its stratum: topic and gold strategy, or the topic of a dialogue."""
    for chunk in log.chunks():
        for doc in chunk.docs:
            if unit is not Unit.DIALOGUE:
                yield (doc["conversation"], doc["turn"]), f"{doc['topic']}/{doc['strategy'] or ''}"
            elif doc["turn"] == 0:
                yield (doc["conversation"], None), doc["topic"]


def samples_of_log(log: SampleLog, rubric: Rubric) -> Iterator[Sample]:
    """What of a log is judged under a rubric, in the order of the log.

    Raises:
        DataError: the log's prompts show no conversation.
    """
    for chunk in log.chunks():
        try:
            yield from samples_of_turns(rubric, log.kind, chunk, str(log.signature["prompt"]["version"]))
        except ValueError as error:
            raise DataError(f"{log.path}: {error}; it cannot be judged") from None


def samples_of_turns(rubric: Rubric, kind: TaskKind, chunk: Chunk, prompt_version: str) -> Iterator[Sample]:
    """The subjects of turns, dialogues whole.

    Raises:
        ValueError: a prompt shows no conversation.
    """
    texts = load_prompt(prompt_version)
    replies = [
        read_reply(answer, kind, leaves_in_thought(prompt))
        for answer, prompt in zip(chunk.answers, chunk.prompts, strict=True)
    ]
    histories = [history_lines(prompt, texts, kind) for prompt in chunk.prompts]
    rows = list(zip(chunk.docs, replies, histories, strict=True))
    if rubric.unit is Unit.DIALOGUE:
        for conversation, turns in groupby(rows, key=lambda row: row[0]["conversation"]):
            yield _dialogue(conversation, list(turns), texts)
        return
    for doc, reply, history in rows:
        strategy = gold_strategy(doc) if kind is TaskKind.RESPONSE_ORACLE else reply.strategy
        yield Sample(
            doc["conversation"],
            doc["turn"],
            {
                "history": "\n".join(history) or START,
                "strategy": strategy.zh if strategy else NO_LABEL,
                "reply": reply.text,
                "reference": gold_answer(doc),
            },
            silent=not reply.text,
        )


def _dialogue(conversation: str, turns: Sequence[tuple[TurnDoc, Reply, list[str]]], texts: Prompt) -> Sample:
    """A whole dialogue: what the customer says between the turns, and the model's own turns."""
    supporter = texts.supporter_line.split(":")[0] + ":"
    lines: list[str] = []
    gold: list[str] = []
    for doc, reply, history in turns:
        last = max((i for i, line in enumerate(history) if line.startswith(supporter)), default=-1)
        customer = history[last + 1 :]
        said = " ".join(reply.text.split()) or NOTHING
        strategy = reply.strategy.zh if reply.strategy else texts.unknown_strategy
        lines += [*customer, texts.supporter_line.format(strategy=strategy, text=said)]
        gold += [
            *customer,
            texts.gold_line(Utterance(Speaker.SUPPORTER, gold_strategy(doc), doc["reference"]))[:-1],
        ]
    return Sample(
        conversation,
        None,
        {"dialogue": "\n".join(lines), "reference": "\n".join(gold)},
        silent=not any(reply.text for _, reply, _ in turns),
    )

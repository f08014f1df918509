"""What was said before each turn of a log: from the turns before it, the customer's and the supporter's.

In reference context the supporter's are the gold ones, wherever in the log they stand (the logs of several
processes follow one another); in generated context the model's replies, without what was cut to fit its window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from csc_tasks.data.conversations import Speaker, Utterance
from csc_tasks.framework import Strategy
from csc_tasks.protocol.prompt import Prompt, load_prompt
from csc_tasks.protocol.task_kind import Context
from csc_tasks.protocol.turns import gold_strategy
from csc_tasks.results.legacy import customers_of, history_lines
from csc_tasks.results.sample_log import Chunk, SampleLog

__all__ = ["Histories"]


class _Spoken(NamedTuple):
    """A conversation as lines, and how many of them stand before each of its turns."""

    lines: list[str]
    starts: list[int]


class Histories:
    """The histories of a log's turns; those of gold turns are collected in one pass, when first asked for.

    Raises:
        ConfigError: this csconv has no prompt of the log's version.
    """

    def __init__(self, log: SampleLog) -> None:
        self.log = log
        self.texts: Prompt = load_prompt(log.signature.prompt.version)
        self._last: tuple[str, _Spoken] | None = None

    def customers(self, chunk: Chunk, index: int) -> list[str]:
        """What the customer says before a turn of a chunk, since the supporter's last turn.

        Raises:
            ValueError: the log does not say, and neither does the prompt.
        """
        doc = chunk.docs[index]
        if "customers" in doc:
            return doc["customers"]
        if doc["customer"] and self.log.context is Context.REFERENCE:
            return [doc["customer"]]
        return customers_of(history_lines(chunk.prompts[index], self.texts, self.log.kind), self.texts)

    def lines(self, chunk: Chunk, index: int) -> list[str]:
        """The history that a turn's prompt showed, one utterance a line.

        Raises:
            ValueError: the log does not say, and neither does the prompt.
        """
        doc = chunk.docs[index]
        if "customers" in doc:
            own = self.log.context is Context.GENERATED
            spoken = self._of_replies(chunk, index) if own else self._of_gold.get(doc["conversation"])
            if spoken is not None and doc["turn"] < len(spoken.starts):
                return spoken.lines[chunk.left_out[index] : spoken.starts[doc["turn"]]]
        return history_lines(chunk.prompts[index], self.texts, self.log.kind)

    @cached_property
    def _of_gold(self) -> dict[str, _Spoken]:
        found: dict[str, dict[int, tuple[Sequence[str], Strategy | None, str]]] = {}
        for chunk in self.log.chunks():
            for doc in chunk.docs:
                turn = doc.get("customers", []), gold_strategy(doc), doc["reference"]
                found.setdefault(doc["conversation"], {})[doc["turn"]] = turn
        spoken = {}
        for conversation, turns in found.items():
            # Up to the first turn that the log lacks; what was said after it is not known from here.
            whole = next((k for k in range(len(turns)) if k not in turns), len(turns))
            spoken[conversation] = self._render((turns[k] for k in range(whole)), self.texts.gold_line)
        return spoken

    def _of_replies(self, chunk: Chunk, index: int) -> _Spoken:
        """A dialogue's turns stand together in one chunk."""
        doc = chunk.docs[index]
        if self._last is None or self._last[0] != doc["conversation"]:
            first = index - doc["turn"]
            turns = slice(first, first + doc["turns"])
            rows = zip(chunk.docs[turns], chunk.replies[turns], strict=True)
            replies = ((d.get("customers", []), r.strategy, r.text) for d, r in rows)
            rendered = self._render(replies, self.texts.line)
            self._last = doc["conversation"], rendered
        return self._last[1]

    def _render(
        self,
        turns: Iterable[tuple[Sequence[str], Strategy | None, str]],
        line: Callable[[Utterance], str],
    ) -> _Spoken:
        spoken = _Spoken([], [])
        for customers, strategy, text in turns:
            said = [Utterance(Speaker.CUSTOMER, None, customer) for customer in customers]
            spoken.lines.extend(line(utterance).removesuffix("\n") for utterance in said)
            spoken.starts.append(len(spoken.lines))
            spoken.lines.append(line(Utterance(Speaker.SUPPORTER, strategy, text)).removesuffix("\n"))
        return spoken

"""What a reasoning model thinks before it answers: the formats of the model families, as a table.

Thinking is never scored and never part of a dialogue's history. A reply that ends inside it is no answer.
A format that is missing here is one more line of :data:`FORMATS`, or ``--metadata csconv_think=OPEN,CLOSE``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

__all__ = ["FORMATS", "ThinkingFormat", "Thought", "leaves_in_thought", "without_thinking"]


class ThinkingFormat(NamedTuple):
    """How a family of models marks its thinking: what opens and what closes it, whatever the case of letters."""

    name: str
    opening: str
    closing: str


def _tags(*names: str) -> tuple[ThinkingFormat, ...]:
    return tuple(ThinkingFormat(name, f"<{name}>", f"</{name}>") for name in names)


FORMATS: tuple[ThinkingFormat, ...] = (
    # DeepSeek, Qwen, GLM, Hunyuan, MiniMax, Nemotron, Phi; then EXAONE, Seed-OSS, and checkpoints tuned by RL.
    *_tags("think", "thinking", "thought", "seed:think", "reasoning", "analysis", "reflection", "scratchpad"),
    *_tags("reason", "thoughts", "inner_thoughts", "chain_of_thought"),
    ThinkingFormat("magistral", "[THINK]", "[/THINK]"),
    ThinkingFormat("kimi", "◁think▷", "◁/think▷"),
    ThinkingFormat("openthinker", "<|begin_of_thought|>", "<|end_of_thought|>"),
    ThinkingFormat("command-a", "<|START_THINKING|>", "<|END_THINKING|>"),
    ThinkingFormat("apertus", "<|inner_prefix|>", "<|inner_suffix|>"),
    ThinkingFormat("think-bar", "<|think|>", "<|/think|>"),
    ThinkingFormat("medgemma", "<unused94>", "<unused95>"),
    ThinkingFormat("granite", "Here is my thought process:", "Here is my response:"),
    ThinkingFormat("gpt-oss", "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    ThinkingFormat("gpt-oss", "<|channel|>commentary<|message|>", "<|channel|>final<|message|>"),
)
# gpt-oss as backends decode it that leave special tokens out: the names of the channels alone remain.
_BARE_START = re.compile(r"\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z\W\d_]|[^\x00-\x7f])")
_NO_CHANNEL = ("[", "【", "")
"""What most replies begin with, and no name of a channel."""
_BARE_FINAL = "assistantfinal"
_BARE_ANSWER = re.compile(r"\s*(?:assistant)?final(?=[\[【(（{“\"]|[^\x00-\x7f])")


class Thought(NamedTuple):
    """A reply without its thinking: the rest, ``None`` if the thinking never ends, and the format seen, '' if none."""

    rest: str | None
    format: str


class _Marks(NamedTuple):
    """What is looked for: ``pattern`` has a group for every mark, ``known`` what each is: the format's name, and
    whether it closes. ``glance`` finds the first two characters of any mark, which few replies have, in less time."""

    pattern: re.Pattern[str]
    known: list[tuple[str, bool]]
    glance: re.Pattern[str]


@lru_cache(maxsize=8)
def _marks(formats: tuple[ThinkingFormat, ...]) -> _Marks:
    """The marks of formats."""
    known: dict[str, tuple[str, bool]] = {}
    for each in formats:
        known.setdefault(each.opening.casefold(), (each.name, False))
        known.setdefault(each.closing.casefold(), (each.name, True))
    longest_first = sorted(known, key=len, reverse=True)
    pattern = "|".join(f"({re.escape(mark)})" for mark in longest_first)
    # Each case is written out: a pattern that ignores case cannot skip to where a mark may begin.
    beginnings = dict.fromkeys("".join(map(_any_case, mark[:2])) for mark in longest_first)
    return _Marks(
        re.compile(pattern, re.IGNORECASE),
        [known[mark] for mark in longest_first],
        re.compile("|".join(beginnings)),
    )


def _any_case(character: str) -> str:
    """A pattern of the characters that this one is when case is ignored."""
    # Beside its own cases the letters that Unicode folds to an ASCII one.
    candidates = dict.fromkeys([character, character.lower(), character.upper(), *"\u0130\u0131\u017f\u212a"])
    same = [c for c in candidates if re.fullmatch(re.escape(character), c, re.IGNORECASE)]
    return re.escape(same[0]) if len(same) == 1 else f"[{''.join(map(re.escape, same))}]"


def without_thinking(
    text: str, complete: Callable[[str], bool], extra: Sequence[ThinkingFormat] = ()
) -> Thought:
    """Take the thinking out of a reply.

    The answer is what follows the last closing mark, or what stands before the thinking where nothing follows
    it. An opening mark that is never closed takes everything after it, and the whole reply with it unless
    what stands before it is ``complete``: a stray mark behind an answer does not take the answer away.

    Args:
        text: the reply.
        complete: whether a text is an answer on its own.
        extra: formats beside :data:`FORMATS`.
    """
    pattern, known, glance = _marks((*extra, *FORMATS))
    first = glance.search(text)
    at = len(text) if first is None else first.start()
    marks = [(m, *known[(m.lastindex or 0) - 1]) for m in pattern.finditer(text, at)]
    if not marks:
        return _without_bare_channels(text)
    name = marks[0][1]
    closings = [m for m, _, closes in marks if closes]
    start = closings[-1].end() if closings else 0
    opening = next((m for m, _, closes in marks if not closes and m.start() >= start), None)
    if opening is not None:
        before = text[start : opening.start()]
        return Thought(before if before.strip() and complete(before) else None, name)
    rest = text[start:]
    if not rest.strip() and not marks[0][2]:
        rest = text[: marks[0][0].start()]
    return Thought(rest, name)


def _without_bare_channels(text: str) -> Thought:
    if text[:1] in _NO_CHANNEL:
        return Thought(text, "")
    if _BARE_START.match(text):
        _, closed, rest = text.rpartition(_BARE_FINAL)
        return Thought(rest if closed else None, "gpt-oss")
    if match := _BARE_ANSWER.match(text):
        return Thought(text[match.end() :], "gpt-oss")
    return Thought(text, "")


def leaves_in_thought(prompt: object, extra: Sequence[ThinkingFormat] = ()) -> bool:
    """Whether a prompt ends by opening the thinking, as the chat templates of some reasoning models do."""
    if not isinstance(prompt, str) or not prompt:
        return False
    return prompt[-80:].rstrip().casefold().endswith(_openings((*extra, *FORMATS)))


@lru_cache(maxsize=8)
def _openings(formats: tuple[ThinkingFormat, ...]) -> tuple[str, ...]:
    return tuple(each.opening.casefold() for each in formats)

"""From a subject to the messages that are sent, and to what identifies the question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.guard import CLOSE, OPEN, flags_of, fold_names, neutral, nonce_of
from csc_tasks.metrics.judge.rubric import Rubric
from csc_tasks.metrics.judge.sample import Sample

__all__ = ["Question", "ask", "tokens_in"]


def tokens_in(text: str) -> int:
    """About how many tokens a text has, rather too many: one for each character that is not ASCII, four ASCII ones."""
    # Han characters and their punctuation have three bytes: half of what is over one byte a character.
    wide = (len(text.encode("utf-8", "replace")) - len(text) + 1) // 2
    return wide + (max(len(text) - wide, 0) + 3) // 4


_tokens_in_system = lru_cache(16)(tokens_in)


@dataclass(frozen=True, slots=True)
class Question:
    """A request to the judge.

    ``shown`` is what is judged, exactly: heading and text of each block, before the delimiters are put
    around it. Two questions under one rubric with the same ``shown`` are the same question. ``tokens`` is
    about how many the request has.
    """

    system: str
    user: str
    shown: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    tokens: int


def ask(rubric: Rubric, subject: Sample, with_reference: bool = False, seed: int = 0) -> Question:
    """Render a subject.

    Args:
        rubric: says which fields are shown.
        subject: has them.
        with_reference: show the optional blocks too, where the subject has them.
        seed: changes the nonces.

    Raises:
        JudgeError: the rubric shows a field that the subject does not have.
    """
    blocks = [b for b in rubric.blocks if with_reference or not b.optional]
    for block in blocks:
        if block.field not in subject.fields:
            raise JudgeError(
                f"rubric {rubric.name} shows the field {block.field!r}, which a {rubric.unit.value} does not have; "
                f"there are {', '.join(subject.fields)}"
            )
    blocks = [b for b in blocks if subject.fields[b.field] or not b.optional]
    shown = tuple((b.title, neutral(subject.fields[b.field])) for b in blocks)
    nonce = nonce_of(seed, (part for pair in shown for part in pair))
    body = "\n".join(
        f"{title}\n{OPEN}{nonce} 开始{CLOSE}\n{text}\n{OPEN}{nonce} 结束{CLOSE}" for title, text in shown
    )
    judged = "\n".join(subject.fields[b.field] for b in blocks if not b.context)
    flags = flags_of(judged, _verdict_like(tuple(d.name for d in rubric.dimensions)))
    user = body.join(rubric.frame)
    return Question(rubric.system, user, shown, flags, _tokens_in_system(rubric.system) + tokens_in(user))


@cache
def _verdict_like(names: tuple[str, ...]) -> re.Pattern[str]:
    return fold_names(names)

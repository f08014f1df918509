"""From a sample to the question that is put to the judge, and to what identifies it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from csc_tasks.metrics.judge.errors import JudgeError
from csc_tasks.metrics.judge.guard import CLOSE, OPEN, flags_of, fold_names, neutral, nonce_of
from csc_tasks.metrics.judge.rubric import Dimension, Rubric
from csc_tasks.metrics.judge.sample import Sample

__all__ = ["Question", "ask"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the judge: its instruction, and the message with what is judged.

    ``shown`` is what is judged, exactly: heading and text of each block, before the delimiters are put
    around it. Two questions under one rubric with the same ``shown`` are the same question; ``flags`` say what is
    suspicious in it.
    """

    system: str
    user: str
    shown: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]


def ask(rubric: Rubric, sample: Sample, with_reference: bool = False, seed: int = 0) -> Question:
    """Render a sample.

    Args:
        rubric: says which fields are shown.
        sample: has them.
        with_reference: show the optional blocks too, where the sample has them.
        seed: changes the nonces.

    Raises:
        JudgeError: the rubric shows a field that the sample does not have.
    """
    blocks = [b for b in rubric.blocks if with_reference or not b.optional]
    for block in blocks:
        if block.field not in sample.fields:
            raise JudgeError(
                f"rubric {rubric.name} shows the field {block.field!r}, which a {rubric.unit.value} does not have; "
                f"there are {', '.join(sample.fields)}"
            )
    blocks = [b for b in blocks if sample.fields[b.field] or not b.optional]
    shown = tuple((b.title, neutral(sample.fields[b.field])) for b in blocks)
    nonce = nonce_of(seed, (part for pair in shown for part in pair))
    body = "\n".join(
        f"{title}\n{OPEN}{nonce} 开始{CLOSE}\n{text}\n{OPEN}{nonce} 结束{CLOSE}" for title, text in shown
    )
    judged = "\n".join(sample.fields[b.field] for b in blocks if not b.context)
    flags = flags_of(judged, _verdict_like(rubric.dimensions))
    user = body.join(rubric.frame)
    return Question(rubric.system, user, shown, flags)


@cache
def _verdict_like(dimensions: tuple[Dimension, ...]) -> re.Pattern[str]:
    return fold_names(
        (d.name for d in dimensions),
        (d.title for d in dimensions),
        (option for d in dimensions for option in d.options),
    )

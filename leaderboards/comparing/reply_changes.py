"""What tuning did to the replies themselves, beside all scores: length, repetition, refusals, nothing said."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.comparing.model_results import SectionResults
from csc_tasks.leaderboards.comparing.side import LoggedTurn, read_side
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import Adjusted, Difference, paired_difference
from csc_tasks.metrics.uncertainty import cluster_sums, resample_counts
from csc_tasks.protocol.task_kind import Context, TaskKind

__all__ = ["ReplyChange", "reply_changes"]

_SHORT = 4
"""Characters below which a reply says too little to be a repetition: everybody says 好的."""
_REFUSAL = re.compile(
    r"作为(?:一个|一名|一款|一位)?(?:人工智能|AI|大?语言模型)|我(?:只)?是(?:一个|一名|一款)?(?:人工智能|AI|大?语言模型)"
    r"|(?:无法|不能)(?:回答|讨论|生成|处理)(?:这个|该|此|您的)(?:问题|话题|请求|内容)"
    r"|\b(?:as an ai\b|i(?: a|')m (?:sorry, but|an ai)|i (?:cannot|can't|am unable to|won't) )",
    re.IGNORECASE,
)
"""Says that it is a machine, or refuses the question: what no supporter says. 无法为您查询 is a supporter's."""


@dataclass(frozen=True, slots=True)
class ReplyChange:
    """A figure of a section's replies: ``first`` and ``second`` of the two models, and the paired difference.

    ``name`` is ``length`` (characters a reply), or the share 0-1 of replies that are ``empty``, ``repeated`` (the same
    as an earlier reply of the model's in the conversation) or ``refused``. ``adjusted`` is Holm's p-value.
    """

    section: str
    name: str
    first: float
    second: float
    difference: Difference
    adjusted: float = np.nan
    conversations: int = 0

    @property
    def better(self) -> int:
        """-1 where less of it is better; 0 of the length, which is a description."""
        return 0 if self.name == "length" else -1

    def as_one_of(self, found: Adjusted) -> ReplyChange:
        """The same as one of its family."""
        return replace(self, difference=found.difference, adjusted=found.p)


def reply_changes(first: SectionResults, second: SectionResults) -> Iterator[ReplyChange]:
    """Each figure of two models' replies on the same turns; of several seeds of the newest run.

    Nothing where no text is written, turns differ, or a log is missing.
    """
    task, _, context = first.section.partition("/")
    if task not in {k.value for k in TaskKind if k.writes_text} or context == Context.ROLE_PLAY:
        return
    if not (first.runs and second.runs) or first.digest != second.digest:
        return
    try:
        one, two = (read_side(section.runs[:1], []).docs for section in (first, second))
    except DataError:
        return
    conversations = [doc[0] for doc in one]
    counts = resample_counts(len(set(conversations)))
    for name, figure in _FIGURES.items():
        # (c, 2) of each side: the sum over a conversation's replies, and how many they are.
        sums = [
            cluster_sums(np.stack([figure(docs), np.ones(len(docs))], axis=1), conversations)
            for docs in (one, two)
        ]
        mine, theirs = (float(each[:, 0].sum() / each[:, 1].sum()) for each in sums)
        drawn = [(counts @ each)[:, 0] / (counts @ each)[:, 1] for each in sums]
        found = paired_difference(mine - theirs, drawn[0] - drawn[1], len(sums[0]))
        yield ReplyChange(first.section, name, mine, theirs, found, conversations=len(sums[0]))


def _length(docs: Sequence[LoggedTurn]) -> Floats:
    return np.array([float(len(doc[5])) for doc in docs])


def _empty(docs: Sequence[LoggedTurn]) -> Floats:
    return np.array([float(not doc[5].strip()) for doc in docs])


def _repeated(docs: Sequence[LoggedTurn]) -> Floats:
    said: dict[str, set[str]] = defaultdict(set)
    found = []
    for conversation, _, _, _, _, reply in docs:
        plain = reply.strip()
        found.append(float(len(plain) >= _SHORT and plain in said[conversation]))
        said[conversation].add(plain)
    return np.array(found)


def _refused(docs: Sequence[LoggedTurn]) -> Floats:
    return np.array([float(_REFUSAL.search(doc[5]) is not None) for doc in docs])


_FIGURES: dict[str, Callable[[Sequence[LoggedTurn]], Floats]] = {
    "length": _length,
    "empty": _empty,
    "repeated": _repeated,
    "refused": _refused,
}

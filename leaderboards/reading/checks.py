"""Whether a log is the one of its results file, and whether it is all there: for the board, comparisons and gates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from csc_tasks.results.results_file import Origin, TaskRun
from csc_tasks.sentences import Sentence

__all__ = ["Seen", "is_complete", "mismatch"]

_SAME = 1e-9
"""How far a score may be from what its own samples give before they are not believed to be of one run."""


class Seen(NamedTuple):
    """What was found in a log: conversations, turns, and how many turns these conversations have."""

    conversations: int
    turns: int
    expected: int


def is_complete(run: TaskRun, seen: Seen | None) -> bool:
    """Whether every turn of every conversation of the subset is there.

    Args:
        run: the run.
        seen: what was found in its log; of a run without one it is believed that it had no ``--limit``.
    """
    if seen is None:
        return not run.limited
    return seen.conversations == run.signature.data.conversations and seen.turns == seen.expected


def mismatch(run: TaskRun, sample_hash: str, scores: Mapping[str, float]) -> str:
    """In words why what was read cannot be of the results file; '' if it can.

    Args:
        run: the results file.
        sample_hash: lm-eval's hash of the log that was read; '' if it was no log.
        scores: what was read gives, by metric; in fractions 0-1, judge grades 1-5.
    """
    own = run.origin is Origin.RUN and run.samples_hash and sample_hash
    if own and run.samples_hash != sample_hash:
        return Sentence(
            "log.other",
            "{log} is not the log of {results} (another hash, or lines are missing)",
            log=run.samples.name,
            results=run.path.name,
        )
    for name, score in scores.items():
        reported = run.values.get(name, math.nan)
        if math.isnan(reported) or math.isnan(score):
            continue
        if abs(reported - score) > _SAME * max(1, abs(reported)):
            return Sentence(
                "log.differs",
                "{log} gives {name} {score}, {results} says {reported}: not of one run",
                log=run.samples.name,
                name=name,
                score=f"{score:.6g}",
                results=run.path.name,
                reported=f"{reported:.6g}",
            )
    return ""

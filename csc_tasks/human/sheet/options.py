"""What ``csconv human sheet`` was asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.errors import ConfigError
from csc_tasks.human.kinds import Languages, RatingKind

__all__ = ["SheetOptions", "read_overlap"]

_OVERLAP = re.compile(r"([0-9]{1,9})(%?)")
DEFAULT_OVERLAP = "20%"


@dataclass(frozen=True, slots=True)
class SheetOptions:
    """A study as it is asked for.

    Attributes:
        results: folders or logs of the runs.
        out: the folder to write, new or empty.
        kind: what raters do.
        sample: how many turns or conversations, of each of which every model's reply is rated.
        raters: how many people.
        overlap: how many of them several raters have: a number, or a share like ``20%``; by default 20 % of several
            raters' and none of one rater's.
        each: how many raters an overlapping one has; all of them by default.
        repeats: items that a rater is shown twice; by default one in twenty, at least two.
        attention: items for a rater that say themselves what to answer; by default as many.
        seed: of every draw.
        rubric: name or folder, or a version of the shipped ones; by default the one that judges such runs.
        languages: of the questions; both where the rubric has both.
        task: whose turns, where the runs have several.
    """

    results: tuple[Path, ...]
    out: Path
    kind: RatingKind
    sample: int
    raters: int = 1
    overlap: str | None = None
    each: int | None = None
    repeats: int | None = None
    attention: int | None = None
    seed: int = 0
    rubric: str | None = None
    languages: Languages | None = None
    task: str | None = None


def read_overlap(text: str | None, sample: int, raters: int) -> int:
    """How many of the sample several raters have.

    Args:
        text: a number, a share like ``20%``, or ``None`` for the default.
        sample: turns or conversations drawn.
        raters: how many people.

    Raises:
        ConfigError: it is neither, is more than there are, or there is one rater only.
    """
    if text is None:
        text = DEFAULT_OVERLAP if raters > 1 else "0"
    found = _OVERLAP.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"--overlap {text}: must be a number, or a share like 20%")
    number = int(found[1])
    if found[2]:
        # Rounded up: a share that is asked for is never nothing.
        number = -(-sample * number // 100)
    if number > sample:
        raise ConfigError(f"--overlap {text}: the sample has {sample:,}")
    if number and raters == 1:
        raise ConfigError(f"--overlap {text}: there is one rater only; say --raters 2 or more")
    return number

"""Who is given what: a sample, and parts of it for several people, some items of which all of them have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from csc_tasks.data.sampling import digest, stratified
from csc_tasks.errors import ConfigError

__all__ = ["Share", "read_part", "share_of"]

_PART = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Share:
    """Which items of a file a person is given.

    Attributes:
        sample: how many items of the file all people together are given; ``None`` for all of it.
        seed: of the sample and of the parts.
        part: whose part it is, from 1.
        parts: among how many people the items are divided.
        overlap: how many items everybody is given, for their agreement.
    """

    sample: int | None = None
    seed: int = 0
    part: int = 1
    parts: int = 1
    overlap: int = 0

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "sample": self.sample,
            "seed": self.seed,
            "part": self.part,
            "parts": self.parts,
            "overlap": self.overlap,
        }


def read_part(text: str) -> tuple[int, int]:
    """``2/3`` as (2, 3).

    Raises:
        ConfigError: it is no part of a whole.
    """
    found = _PART.fullmatch(text.strip())
    if found is None or int(found[1]) > int(found[2]):
        raise ConfigError(f"--part {text}: must be I/N, the I-th of N parts, like 2/3")
    return int(found[1]), int(found[2])


def share_of(units: Sequence[tuple[str, str]], share: Share) -> list[str]:
    """The ids of a share, in the order of the file.

    The sample is stratified. What everybody is given is drawn from it, and the rest dealt out one by one, by a digest
    of seed and id: the parts are the same on every machine, and together they are the sample.

    Args:
        units: the id and the stratum of each item; ids differ.
        share: which part of them.

    Raises:
        ConfigError: more items are to be given to everybody than there are.
    """
    chosen = {unit for unit, _ in units}
    if share.sample is not None:
        chosen = stratified(units, share.sample, lambda unit: digest((share.seed, unit)))
    if share.overlap and share.parts == 1:
        raise ConfigError("--overlap: there is one part only; say --part 1/2 for the first of two")
    if share.overlap > len(chosen):
        raise ConfigError(f"--overlap {share.overlap}: there are {len(chosen):,} conversations")
    dealt = sorted(chosen, key=lambda unit: digest(("part", share.seed, unit)))
    mine = {*dealt[: share.overlap], *dealt[share.overlap + share.part - 1 :: share.parts]}
    return [unit for unit, _ in units if unit in mine]

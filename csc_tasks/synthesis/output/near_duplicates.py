"""Conversations of a set that say what an earlier one says: the later one is left out.

Candidates are found by MinHash (datasketch) and bands of the signatures, and each is held to the exact share, so that
chance may miss one in two hundred at the threshold and refuses none. Of a conversation that is kept 0.7 KB stay in
memory; its sequences lie in a file without a name. The bands are compared with those of all that were kept: of 10,000
conversations that takes a tenth of a millisecond, and datasketch's own index would take 10 KB of each.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from csc_tasks.errors import needs_extra
from csc_tasks.synthesis.output.shingles import Hashes, Shingles, shared_count

__all__ = ["JACCARD", "NearDuplicates", "Twin", "empty_signature", "near_duplicates"]

JACCARD = 0.4
"""Sequences in common over all of both from which on two conversations are one.

Of 1,540 pairs of different conversations of csconv_mini none exceeds 0.026. A copy of which 30 % of the utterances are
left out has 0.46 or more, one with other names 0.93, one with one character in twenty replaced 0.52.
"""
_SIGNATURE = 128
_BANDS, _ROWS = 32, 2
"""Two at the threshold share one of 32 pairs of values with a probability of 1 - (1 - 0.4^2)^32 = 99.6 %."""
_LIKELY = 0.27
"""Estimates lower than that are not looked at: three standard errors of the estimate, 0.043, below the threshold."""
_SEED = 1

Words = npt.NDArray[np.uint32]


class Twin(NamedTuple):
    """The earlier conversation that another one repeats: its case's id, and what share they have in common."""

    case: str
    jaccard: float


class NearDuplicates:
    """The conversations that were kept so far. Made by :func:`near_duplicates`."""

    def __init__(self, file: IO[bytes]) -> None:
        """With an empty file, open for reading and writing."""
        self._empty = empty_signature()
        self._cases: list[str] = []
        self._signatures = np.zeros((64, _SIGNATURE), dtype=np.uint32)
        self._bands = np.zeros((64, _BANDS), dtype=np.uint32)
        self._file = file
        self._ends = array("q", [0])

    def find(self, case: str, shingles: Shingles) -> Twin | None:
        """The conversation kept before that this one is most like, if it is a near-duplicate; else it is kept.

        Asked in the order of the cases, so that what is left out does not depend on which ended first.

        Raises:
            ConfigError: datasketch is not installed.
            OSError: the disk is full.
        """
        mine = shingles.different
        if not len(mine):
            return None
        signature, bands = self._sign(mine)
        twins = [
            Twin(self._cases[number], jaccard)
            for number in self._candidates(signature, bands, len(mine))
            if (jaccard := _jaccard(mine, self._read(number))) >= JACCARD
        ]
        if twins:
            return max(twins, key=lambda twin: twin.jaccard)  # of equals the earliest
        self._keep(case, mine, signature, bands)
        return None

    def _sign(self, mine: Hashes) -> tuple[Words, Words]:
        """The signature, and of each band of it a hash."""
        signed = self._empty.copy()
        signed.update_batch((mine >> np.uint64(32)).tolist())
        signature = signed.hashvalues.astype(np.uint32)
        first, second = signature[: _BANDS * _ROWS].reshape(_BANDS, _ROWS).T
        return signature, first * np.uint32(0x9E3779B1) ^ second

    def _candidates(self, signature: Words, bands: Words, size: int) -> list[int]:
        """The numbers of the kept conversations that bands, signature and size do not rule out, ascending."""
        kept = len(self._cases)
        found = np.unique(np.flatnonzero(self._bands[:kept] == bands) // _BANDS)
        likely = (self._signatures[found] == signature).mean(axis=1) >= _LIKELY
        sizes = np.diff(np.frombuffer(self._ends, dtype=np.int64))[found]
        alike = np.minimum(sizes, size) >= JACCARD * np.maximum(sizes, size)
        return [int(number) for number in found[likely & alike]]

    def _keep(self, case: str, mine: Hashes, signature: Words, bands: Words) -> None:
        number = len(self._cases)
        if number == len(self._signatures):
            self._signatures, self._bands = (np.concatenate([a, a]) for a in (self._signatures, self._bands))
        self._file.seek(0, 2)
        self._file.write(mine.tobytes())
        self._ends.append(self._ends[-1] + len(mine))
        self._signatures[number], self._bands[number] = signature, bands
        self._cases.append(case)

    def _read(self, number: int) -> Hashes:
        begin, end = self._ends[number], self._ends[number + 1]
        width = self._ends.itemsize
        self._file.seek(begin * width)
        return np.frombuffer(self._file.read((end - begin) * width), dtype=np.uint64)


def empty_signature() -> Any:
    """A ``datasketch.MinHash`` of nothing.

    Raises:
        ConfigError: datasketch is not installed.
    """
    with needs_extra("looking for near-duplicates", "synthesis"):
        import datasketch
    return datasketch.MinHash(_SIGNATURE, seed=_SEED, hashfunc=int)


@contextmanager
def near_duplicates(folder: Path) -> Iterator[NearDuplicates]:
    """An empty set; what is too much for memory lies in a file of this folder, which has no name and goes with it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        yield NearDuplicates(file)


def _jaccard(one: Hashes, other: Hashes) -> float:
    shared = shared_count(one, other)
    return shared / (len(one) + len(other) - shared)

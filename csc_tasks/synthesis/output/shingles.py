"""A conversation as the sequences of five characters that its utterances consist of: what two of them share is copied.

Texts are compared in one spelling (:mod:`csc_tasks.metrics.orthography`) and by their letters and digits alone:
neither punctuation nor width, case or traditional characters make a copy another text. A sequence never reaches from
one utterance into the next, so that their order does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from csc_tasks.data.conversations import Conversation
from csc_tasks.metrics.orthography import code_points, normal_forms

__all__ = ["LENGTH", "Hashes", "Shingles", "shared_count", "shingles_of"]

LENGTH = 5
"""Characters of a sequence; an utterance with fewer letters and digits is one as a whole."""

Hashes = npt.NDArray[np.uint64]
_BETWEEN, _FILL = "\0", "\1"
"""Neither is a letter or a digit."""
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F],
    dtype=np.uint64,
)
"""Odd numbers without pattern, one for each place in a sequence."""


@dataclass(frozen=True)
class Shingles:
    """The sequences of a conversation by their hashes of 64 bits; two different ones agree once in 10^19.

    Attributes:
        hashes: (n,) in the order in which they are said.
        utterances: (n,) the number of each one's utterance, ascending.
    """

    hashes: Hashes
    utterances: npt.NDArray[np.int64]

    @cached_property
    def different(self) -> Hashes:
        """Each once, ascending."""
        return np.unique(self.hashes)


def shingles_of(conversation: Conversation) -> Shingles:
    """The sequences of all utterances of a conversation; none of one without a letter or digit."""
    return _shingles(u.text for u in conversation.utterances)


def _shingles(texts: Iterable[str]) -> Shingles:
    plain = ("".join(filter(str.isalnum, text.casefold())) for text in normal_forms(list(texts)))
    said = [text.ljust(LENGTH, _FILL) for text in plain if text]
    if not said:
        return Shingles(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
    points = code_points(_BETWEEN.join(said)).astype(np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(points, LENGTH)
    whole = ~(windows == 0).any(axis=1)
    # The middle bits of a product depend on few bits of its factors, so all are mixed (as MurmurHash3 ends).
    mixed = (windows * _FACTORS).sum(axis=1, dtype=np.uint64)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    owners = np.cumsum(points == 0)[: len(windows)]
    return Shingles(mixed[whole], owners[whole].astype(np.int64))


def shared_count(one: Hashes, other: Hashes) -> int:
    """How many sequences two conversations have in common, each ascending without repeats."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if not len(short):
        return 0
    places = np.searchsorted(long, short)
    places[places == len(long)] = 0
    return int(np.count_nonzero(long[places] == short))

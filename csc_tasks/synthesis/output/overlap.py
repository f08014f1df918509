"""Which made conversations repeat data that models are evaluated on: exact, for that data is of fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from csc_tasks.data.sources import Corpus, chosen_source, is_csconv, is_here, load
from csc_tasks.data.splits import Split
from csc_tasks.errors import CSConvError
from csc_tasks.synthesis.output.near_duplicates import JACCARD
from csc_tasks.synthesis.output.shingles import LENGTH, Hashes, Shingles, shingles_of

__all__ = ["CONTAINED", "PASSAGE", "EvaluationData", "Overlap", "Shared", "evaluation_data"]

CONTAINED = 0.3
"""Share of either conversation's sequences that stand in the other from which on part of it is copied.

Of 1,540 pairs of different conversations of csconv_mini none exceeds 0.053; where a half is copied and the rest is
another conversation, none is under 0.43.
"""
_FEWEST = 30
"""Sequences that must be in common for that: a call of a few words stands in many others."""
PASSAGE = 40
"""Letters and digits said by one speaker that stand in another conversation in a row from which on they are copied.

Different conversations of csconv_mini share 15 at most; the phrases that agents are told to use have some 20 to 30.
"""


Ints = npt.NDArray[np.int64]


class Shared(NamedTuple):
    """What a conversation has in common with one of the evaluation data.

    Attributes:
        source: which data.
        conversation: id of the one that is repeated.
        jaccard: sequences in common over all of both.
        contained: share of the shorter one's sequences that stand in the other.
        passage: letters and digits of the longest passage in common, where the shares alone do not tell; else 0.
    """

    source: str
    conversation: str
    jaccard: float
    contained: float
    passage: int

    def __str__(self) -> str:
        what = f"a passage of {self.passage} characters" if self.passage else f"{self.contained:.0%}"
        return f"{what} in common with {self.source} {self.conversation}"


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """What is compared with: each with its name, and why what should be among it is not.

    ``csconv`` is CSConv where it is among them.
    """

    corpora: tuple[tuple[str, Corpus], ...]
    unchecked: tuple[str, ...]
    csconv: Corpus | None


def evaluation_data(against: Sequence[str] = (), training_half: bool = True) -> EvaluationData:
    """csconv_mini, the sources named, and of ``CSCONV_DATA``, hub and ModelScope what is here already.

    Nothing is fetched but what is named.

    Args:
        against: sources, as :func:`~csc_tasks.data.sources.load` takes them.
        training_half: csconv_mini's training half, too, which few-shot examples come from.

    Raises:
        SourceError, DataError: what is named cannot be had.
    """
    found = {"csconv_mini": load("mini", Split.EVALUATION)}
    if training_half:
        found["csconv_mini (training half)"] = load("mini", Split.TRAINING)
    for source in against:
        try:
            corpus = load(source)
        except CSConvError as error:
            raise type(error)(f"--against {source}: {error}") from None
        found[corpus.name if corpus.name not in found else f"{corpus.name} ({len(found)})"] = corpus
    unchecked = []
    for source in dict.fromkeys((chosen_source(), "hub", "modelscope")):
        if source in against or not is_here(source):
            continue
        try:
            corpus = load(source)
        except CSConvError:  # the message has the path, which is nobody's business who reads the card
            unchecked.append(f"{Path(source).name}, which this machine evaluates on: it cannot be read")
            continue
        if all(corpus.fingerprint != other.fingerprint for other in found.values()):
            found[corpus.name] = corpus
    csconv = next((corpus for corpus in found.values() if is_csconv(corpus)), None)
    if csconv is None:
        unchecked.insert(
            0,
            "CSConv itself: it is not on this machine; name it with --against hub, --against modelscope or "
            "--against CSConv.json",
        )
    return EvaluationData(tuple(found.items()), tuple(unchecked), csconv)


class Overlap:
    """An index of the sequences of all evaluation conversations: 12 bytes a sequence, 27 MB for CSConv."""

    def __init__(self, data: EvaluationData) -> None:
        named = [(name, c) for name, corpus in data.corpora for c in corpus.conversations]
        self._names = [(name, conversation.id) for name, conversation in named]
        each = [shingles_of(conversation).different for _, conversation in named]
        self._sizes = np.array(list(map(len, each)), dtype=np.int64)
        hashes = np.concatenate([np.zeros(0, dtype=np.uint64), *each])
        owners = np.repeat(np.arange(len(each), dtype=np.uint32), self._sizes)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._owners = hashes[order], owners[order]

    def find(self, shingles: Shingles) -> Shared | None:
        """The evaluation conversation that this one has most in common with, where it is too much; else ``None``."""
        mine = len(shingles.different)
        if not mine or not len(self._hashes):
            return None
        places, owners = self._postings(shingles.hashes)
        first = np.zeros(len(shingles.hashes), dtype=bool)
        first[np.unique(shingles.hashes, return_index=True)[1]] = True
        shared = np.bincount(owners[first[places]], minlength=len(self._sizes))
        jaccard = shared / np.maximum(mine + self._sizes - shared, 1)
        contained = shared / np.maximum(np.minimum(mine, self._sizes), 1)
        best = int(np.argmax(contained * (shared >= _FEWEST) + jaccard * (jaccard >= JACCARD)))
        passage = 0
        if jaccard[best] < JACCARD and (contained[best] < CONTAINED or shared[best] < _FEWEST):
            possible = (shared > PASSAGE - LENGTH)[owners]
            best, passage = _longest_passage(shingles, places[possible], owners[possible])
            if passage < PASSAGE:
                return None
        return Shared(*self._names[best], float(jaccard[best]), float(contained[best]), passage)

    def _postings(self, hashes: Hashes) -> tuple[Ints, Ints]:
        """Of each pair of a sequence and a conversation that has it the places (k,) in ``hashes`` and owners (k,)."""
        begin = np.searchsorted(self._hashes, hashes, "left")
        counts = np.searchsorted(self._hashes, hashes, "right") - begin
        places = np.repeat(np.arange(len(hashes)), counts)
        within = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        return places, self._owners[np.repeat(begin, counts) + within].astype(np.int64)


def _longest_passage(shingles: Shingles, places: Ints, owners: Ints) -> tuple[int, int]:
    """The owner of the longest row of places within one utterance, the first of equals, and its letters and digits."""
    if not len(places):
        return 0, 0
    # A number is left out between two utterances and between two owners, so that no row reaches across.
    spoken = places + shingles.utterances[places]
    width = len(shingles.hashes) + int(shingles.utterances[-1]) + 2
    marks = np.sort(owners * width + spoken)
    starts = np.flatnonzero(np.append(True, np.diff(marks) != 1))
    lengths = np.diff(np.append(starts, len(marks)))
    longest = int(np.argmax(lengths))
    return int(marks[starts[longest]]) // width, int(lengths[longest]) + LENGTH - 1

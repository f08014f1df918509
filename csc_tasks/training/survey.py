"""The first pass over a source: which conversations are used, in which file, and which repeat evaluation data."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from csc_tasks.data.sampling import stratified
from csc_tasks.data.sources import fingerprint
from csc_tasks.errors import DataError
from csc_tasks.synthesis.output.overlap import EvaluationData, Overlap
from csc_tasks.synthesis.output.shingles import shingles_of
from csc_tasks.training.data_card import ComparedSource, OverlapFound, OverlapReport
from csc_tasks.training.data_options import TrainDataOptions
from csc_tasks.training.material import Material, refuse_csconv

__all__ = ["OnProgress", "SourceSurvey", "no_progress", "survey"]

OnProgress = Callable[[str, int, int | None], None]
"""Hears what is being done, how many conversations are done, and of how many, if that is known."""
OVERLAPPING = "overlaps with evaluation data"
REPEATED = "the same conversation again"
BEYOND = "beyond --limit"
_SHOWN = 5


def no_progress(what: str, done: int, total: int | None) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class SourceSurvey:
    """What the first pass found.

    Attributes:
        topics: of each conversation that is used, by its id.
        validation: the ids of those that are kept out of training.
        fingerprint: of all conversations of the source, in order.
        left_out: how many are not used, by reason.
        overlap: what was compared, and what was found.
    """

    topics: Mapping[str, str]
    validation: frozenset[str]
    fingerprint: str
    left_out: Mapping[str, int]
    overlap: OverlapReport


def survey(
    material: Material,
    data: EvaluationData,
    options: TrainDataOptions,
    on_progress: OnProgress = no_progress,
) -> SourceSurvey:
    """Read a source once and decide what is used; of each conversation its id and topic are kept.

    Which conversations are used, and where, depends on their content and the seed alone, not on their order.

    Raises:
        DataError: the source is broken, empty or evaluation data; with ``strict``, if a part of it is.
    """
    overlap = Overlap(data)
    ids: list[str] = []
    topics: dict[str, str] = {}
    found: dict[str, OverlapFound] = {}
    left_out: Counter[str] = Counter()
    utterances = turns = 0
    for where, conversation in material.conversations():
        ids.append(conversation.id)
        utterances += len(conversation.utterances)
        turns += len(conversation.supporter_turns)
        on_progress("comparing with evaluation data", len(ids), None)
        if conversation.id in topics or conversation.id in found:
            left_out[REPEATED] += 1
            continue
        shared = overlap.find(shingles_of(conversation))
        if shared is None:
            topics[conversation.id] = conversation.topic
            continue
        left_out[OVERLAPPING] += 1
        found[conversation.id] = OverlapFound(
            place=where,
            conversation=conversation.id,
            source=shared.source,
            repeats=shared.conversation,
            jaccard=round(shared.jaccard, 4),
            contained=round(shared.contained, 4),
            passage=shared.passage,
        )
    source = material.source(fingerprint(ids))
    if not ids:
        raise DataError(f"{source.name}: no conversations in it")
    refuse_csconv(source.name, source.sha256, (len(ids), utterances, turns))
    report = OverlapReport(
        compared=tuple(
            ComparedSource(name=name, conversations=len(c.conversations), fingerprint=c.fingerprint)
            for name, c in data.corpora
        ),
        unchecked=data.unchecked,
        dropped=tuple(found.values()),
    )
    _refuse(source.name, source.fingerprint, report, bool(topics), options.strict)
    if options.limit is not None and options.limit < len(topics):
        left_out[BEYOND] = len(topics) - options.limit
        chosen = stratified(topics.items(), options.limit, _rank("limit", options.seed), tie=str)
        topics = {identity: topic for identity, topic in topics.items() if identity in chosen}
    size = round(options.validation * len(topics))
    if options.validation and not size and len(topics) > 1:
        size = 1
    validation = (
        stratified(topics.items(), size, _rank("validation", options.seed), tie=str) if size else set()
    )
    if len(validation) == len(topics):
        raise DataError(
            f"{source.name}: {len(topics)} conversations, of which --validation {options.validation:g} leaves none to "
            "train on"
        )
    return SourceSurvey(topics, frozenset(validation), source.fingerprint, dict(left_out), report)


def _rank(what: str, seed: int) -> Callable[[str], str]:
    def rank(identity: str) -> str:
        return hashlib.sha256(f"csconv_{what}-1:{seed}:{identity}".encode()).hexdigest()

    return rank


def _refuse(name: str, mark: str, report: OverlapReport, any_left: bool, strict: bool) -> None:
    """Refuse a source that is evaluation data as a whole, and with ``strict`` in part."""
    whole = next((each.name for each in report.compared if each.fingerprint == mark), None)
    if whole is not None:
        raise DataError(
            f"{name}: these are the conversations of {whole}, which models are evaluated on; nothing was written"
        )
    dropped = report.dropped
    listed = "; ".join(
        f"{d.place} repeats {d.source} {d.repeats} ({overlap_in_words(d)})" for d in dropped[:_SHOWN]
    )
    if not any_left:
        raise DataError(
            f"{name}: every conversation repeats one that models are evaluated on: {listed}"
            f"{', …' if len(dropped) > _SHOWN else ''}; nothing was written"
        )
    if strict and dropped:
        raise DataError(
            f"{name}: {len(dropped)} conversations repeat ones that models are evaluated on: {listed}"
            f"{', …' if len(dropped) > _SHOWN else ''}; nothing was written. Take them out, or leave --strict away: "
            "then they are left out and named"
        )


def overlap_in_words(found: OverlapFound) -> str:
    """What two conversations have in common."""
    if found.passage:
        return f"a passage of {found.passage} characters"
    return f"{found.contained:.0%} in common"

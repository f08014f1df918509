"""What tuning did to a model: which gains are real, where they are, what they cost, and what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from csc_tasks.leaderboards.comparing.compare import Comparison, compare
from csc_tasks.leaderboards.comparing.model_results import MetricResults, ModelResults
from csc_tasks.leaderboards.comparing.paired import Delta
from csc_tasks.leaderboards.comparing.power import Spread, smallest_drop
from csc_tasks.leaderboards.comparing.reply_changes import ReplyChange, reply_changes
from csc_tasks.leaderboards.reading.asked import Asking
from csc_tasks.metrics import has_sums, headlines
from csc_tasks.metrics.base import Floats
from csc_tasks.metrics.comparison import ALPHA, Adjusted, Difference, paired_difference, simultaneous
from csc_tasks.metrics.uncertainty import resample_counts
from csc_tasks.protocol.task_kind import Context
from csc_tasks.protocol.tuned_from import may_be_one_model
from csc_tasks.sentences import Sentence

__all__ = ["ContextChange", "EnhanceReport", "Gain", "Held", "Sensitivity", "enhanced"]

POWER = 0.8
"""The chance with which a gain of the size that :class:`Sensitivity` tells would have been found."""
_PRIMARY = ("strategy_acc", "strategy_f1_macro", "bleu_4_norm", "bleu_4", "rouge_l_norm", "rouge_l")
"""What tuning is first of all for: the first of these that both have."""


class Gain(StrEnum):
    """What a report comes to.

    ``GAIN``: the first score is better in all sections that both have, and no headline score is worse. ``MIXED``: it is
    better somewhere, and not everywhere or at a cost. ``LOSS``: it is better nowhere and worse somewhere. ``NONE``: no
    difference of it is told from chance. ``UNKNOWN``: it could not be compared.
    """

    GAIN = "gain"
    MIXED = "mixed"
    LOSS = "loss"
    NONE = "none"
    UNKNOWN = "unknown"


class Held(StrEnum):
    """What became of a score's gain in generated context, where a model's own mistakes add up.

    ``HOLDS`` and ``SMALLER`` are gains in both contexts, the second significantly smaller in the generated one;
    ``LOST`` is one that is significantly smaller there and no gain any more, ``NOT_SHOWN`` one that is not told from
    chance there, which is no proof that it is lost. ``ONLY_GENERATED`` is a gain there alone; ``NEITHER`` is none.
    """

    HOLDS = "holds"
    SMALLER = "smaller"
    LOST = "lost"
    NOT_SHOWN = "not-shown"
    ONLY_GENERATED = "only-generated"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class ContextChange:
    """A score's gain in reference and in generated context, in the better direction or not, and their difference.

    ``difference`` is the gain in generated context minus that in reference context, paired over conversations;
    ``adjusted`` its p-value by Holm over all scores of the report that have both contexts.
    """

    task: str
    metric: str
    reference: float
    generated: float
    difference: Difference
    held: Held
    adjusted: float = math.nan
    conversations: int = 0


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The smallest true gain of a score that the comparison would have told from chance with 80 % probability.

    In the metric's own unit; NaN where so few ``conversations`` show nothing, whatever the gain.
    """

    section: str
    metric: str
    gain: float
    conversations: int


@dataclass(frozen=True, slots=True)
class EnhanceReport:
    """What tuning did: in ``comparison`` the first model is the tuned one, the second its base.

    ``primary`` is the score that ``gain`` speaks of, '' where there is none. ``replies`` are one family (Holm).
    """

    comparison: Comparison
    primary: str
    gain: Gain
    contexts: tuple[ContextChange, ...]
    replies: tuple[ReplyChange, ...]
    sensitivity: tuple[Sensitivity, ...]
    notes: tuple[str, ...] = ()

    @property
    def tested(self) -> tuple[Delta, ...]:
        """Headline scores of which one end is better and whose difference has a p-value, in order of sections."""
        return tuple(d for s in self.comparison.sections for d in _headlines(s.deltas) if _is_tested(d))

    @property
    def untested(self) -> tuple[Delta, ...]:
        """The first score in sections that both have, where its difference has no p-value; each says why."""
        deltas = [d for section in self.comparison.sections for d in section.deltas]
        return tuple(d for d in deltas if d.metric == self.primary and not _is_tested(d))

    @property
    def worse(self) -> tuple[Delta, ...]:
        """All scores that are significantly worse, headline or not."""
        deltas = [d for section in self.comparison.sections for d in section.deltas]
        return tuple(d for d in deltas if d.significant and _gain(d) < 0)

    @property
    def worse_replies(self) -> tuple[ReplyChange, ...]:
        """Figures of replies that are significantly worse."""
        return tuple(each for each in self.replies if each.adjusted < ALPHA and each.first > each.second)


def enhanced(base: ModelResults, tuned: ModelResults, allow: Collection[Asking] = ()) -> EnhanceReport:
    """The report on a base and a model that was tuned from it, on the same turns.

    Scores, strategies, stages and topics are one family, as in
    :func:`~csc_tasks.leaderboards.comparing.compare.compare`.

    Args:
        base: its results.
        tuned: the other's.
        allow: sides of how a model is asked that may differ.

    Raises:
        DataError: they may not be compared; the message says what differs.
    """
    comparison = compare(tuned, base, allow=allow)
    contexts = _together(list(_contexts(base, tuned, comparison)))
    shared = [section.section for section in comparison.sections]
    replies = [each for name in shared for each in reply_changes(tuned.sections[name], base.sections[name])]
    tests = [each for each in replies if each.better]
    found = iter(simultaneous([each.difference for each in tests], [each.conversations for each in tests]))
    told = tuple(each.as_one_of(next(found)) if each.better else each for each in replies)
    bare = EnhanceReport(comparison, "", Gain.UNKNOWN, contexts, told, (), _notes(base, tuned))
    names = {delta.metric for delta in bare.tested}
    primary = next((name for name in _PRIMARY if name in names), "")
    return replace(
        bare,
        primary=primary,
        gain=_verdict(replace(bare, primary=primary)),
        sensitivity=tuple(_sensitivity(bare, primary)),
    )


def _headlines(deltas: Sequence[Delta]) -> list[Delta]:
    short = headlines([delta.metric for delta in deltas])
    return [delta for delta in deltas if delta.metric in short and has_sums(delta.metric)]


def _is_tested(delta: Delta) -> bool:
    return bool(delta.better) and delta.difference is not None and not math.isnan(delta.adjusted)


def _gain(delta: Delta) -> float:
    """How much better the tuned model is; below 0 where it is worse."""
    return delta.better * (delta.first - delta.second)


def _verdict(report: EnhanceReport) -> Gain:
    own = [delta for delta in report.tested if delta.metric == report.primary]
    if not own:
        return Gain.UNKNOWN
    better = [delta for delta in own if delta.significant and _gain(delta) > 0]
    worse = [delta for delta in own if delta.significant and _gain(delta) < 0]
    if not better:
        return Gain.LOSS if worse else Gain.NONE
    cost = [delta for delta in report.tested if delta.significant and _gain(delta) < 0]
    everywhere = len(better) == len(own) and not report.untested
    return Gain.GAIN if everywhere and not cost and not report.worse_replies else Gain.MIXED


# --- the two contexts ---


def _contexts(base: ModelResults, tuned: ModelResults, comparison: Comparison) -> Iterator[ContextChange]:
    counts = cache(resample_counts)
    deltas = {(section.section, d.metric): d for section in comparison.sections for d in section.deltas}
    for section in comparison.sections:
        task, _, context = section.section.partition("/")
        other = f"{task}/{Context.GENERATED}"
        if context != Context.REFERENCE:
            continue
        for delta in _headlines(section.deltas):
            generated = deltas.get((other, delta.metric))
            if generated is None or not (_is_tested(delta) and _is_tested(generated)):
                continue
            sides = [
                model.sections[name].metrics[delta.metric]
                for name in (other, section.section)
                for model in (tuned, base)
            ]
            if len({side.conversations for side in sides}) > 1:
                continue
            weights = counts(len(sides[0].conversations))
            gains = [_replicated(sides[i : i + 2], weights) for i in (0, 2)]
            values = [generated.first - generated.second, delta.first - delta.second]
            found = paired_difference(values[0] - values[1], gains[0] - gains[1], len(weights[0]))
            held = _held(delta, generated, found)
            yield ContextChange(
                *(task, delta.metric, values[1], values[0], found, held), conversations=len(weights[0])
            )


def _replicated(sides: Sequence[MetricResults], weights: Floats) -> Floats:
    return sides[0].replicates(weights) - sides[1].replicates(weights)


def _held(reference: Delta, generated: Delta, change: Difference) -> Held:
    before = reference.significant and _gain(reference) > 0
    after = generated.significant and _gain(generated) > 0
    smaller = change.p < ALPHA and reference.better * change.value < 0
    if before and after:
        return Held.SMALLER if smaller else Held.HOLDS
    if before:
        return Held.LOST if smaller else Held.NOT_SHOWN
    return Held.ONLY_GENERATED if after else Held.NEITHER


def _together(changes: Sequence[ContextChange]) -> tuple[ContextChange, ...]:
    found: list[Adjusted] = simultaneous([c.difference for c in changes], [c.conversations for c in changes])
    told = []
    for change, both in zip(changes, found, strict=True):
        held = change.held
        if not both.p < ALPHA:  # not smaller, all looked at together
            held = {Held.SMALLER: Held.HOLDS, Held.LOST: Held.NOT_SHOWN}.get(held, held)
        told.append(replace(change, difference=both.difference, adjusted=both.p, held=held))
    return tuple(told)


# --- what could have been seen ---


def _sensitivity(report: EnhanceReport, primary: str) -> Iterator[Sensitivity]:
    """For each section with the primary score, at the level that a first step of the correction asks for."""
    tests = len(report.tested)
    for delta in report.tested:
        found = delta.difference
        if delta.metric != primary or found is None:
            continue
        spread = Spread(delta.section, primary, found.stderr * math.sqrt(delta.clusters - 1), "")
        # Two-sided, and half of alpha is for headline scores.
        least = smallest_drop(spread, delta.clusters, 2 * tests, ALPHA / 2, POWER)
        yield Sensitivity(delta.section, primary, least, delta.clusters)


# --- whether they are a pair ---


def _notes(base: ModelResults, tuned: ModelResults) -> tuple[str, ...]:
    notes = []
    for said in dict.fromkeys(r.model.tuned_from for s in tuned.sections.values() for r in s.runs):
        if said is None:
            continue
        if not may_be_one_model(said.name, _full(base)):
            notes.append(
                Sentence(
                    "enhance.other-base",
                    "the tuned model's results say that its base is {said}, and here it is held against {base}",
                    said=said.name,
                    base=base.model,
                )
            )
        if said.trained_on:
            notes.append(
                Sentence(
                    "enhance.trained-on",
                    "the folder of the tuned weights says that they were trained on {other}, not on {base}",
                    other=said.trained_on,
                    base=said.name,
                )
            )
    for said in dict.fromkeys(r.model.tuned_from for s in base.sections.values() for r in s.runs):
        if said is not None and may_be_one_model(said.name, _full(tuned)) and _full(base) != _full(tuned):
            notes.append(
                Sentence(
                    "enhance.swapped",
                    "the first results say that their model was tuned from {tuned}: the base comes first",
                    tuned=tuned.model,
                )
            )
    return tuple(notes)


def _full(model: ModelResults) -> str:
    return model.identity.full if model.identity else model.model

"""What a review came to: counts, changes, and how far reviewers agree; as lines and as ``review.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from rapidfuzz.distance import Levenshtein

from csc_tasks.data.conversations import Conversation
from csc_tasks.framework import Strategy
from csc_tasks.metrics.reliability import clustered_kappa
from csc_tasks.synthesis.construction import broken_rules
from csc_tasks.synthesis.review.accepting import Fate, Review, Reviewed, Settled, reasons
from csc_tasks.synthesis.review.decisions import Decision
from csc_tasks.synthesis.review.form import ReviewFile

__all__ = ["PairOfReviewers", "ReviewReport", "report_of"]


class PairOfReviewers(NamedTuple):
    """How far two reviewers agree on what both decided.

    ``conversations`` both decided, ``decisions`` alike of them; of the ``labels`` in those that both accepted
    ``labels_alike``, with Cohen's ``kappa`` and its ``error`` over conversations (NaN where undefined); ``texts`` of
    the utterances there, ``texts_changed`` by either, ``texts_alike`` of those changed.
    """

    one: str
    other: str
    conversations: int
    decisions: int
    labels: int
    labels_alike: int
    kappa: float
    error: float
    texts: int
    texts_changed: int
    texts_alike: int


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """The figures of a review.

    Attributes:
        fates: how many conversations there were of each.
        unseen: how many no reviewer was shown.
        repeated: how many stood in the file a second time, and are written once.
        reasons: how often each was given.
        labels: of what is written, how many there are.
        relabelled: old and new strategy, and how often.
        texts: of what is written, how many there are.
        rewritten: how many were changed.
        edits: characters changed in those (Levenshtein).
        characters: of those, of old or new, whichever is longer.
        deleted: utterances taken from the ends.
        broken: of what is written, how many break which construction rule, and did not before it was corrected.
        preferred: how many conflicts each preferred reviewer decided.
        people: how many conversations each reviewer decided, corrected only, and in which files.
        pairs: of reviewers with something in common.
    """

    fates: Mapping[Fate, int]
    unseen: int
    repeated: int
    reasons: Mapping[str, int]
    labels: int
    relabelled: Mapping[tuple[Strategy, Strategy], int]
    texts: int
    rewritten: int
    edits: int
    characters: int
    deleted: int
    broken: Mapping[str, int]
    preferred: Mapping[str, int]
    people: Mapping[str, tuple[int, tuple[str, ...]]]
    pairs: Sequence[PairOfReviewers]

    def lines(self) -> Iterator[str]:
        """For people."""
        total = sum(self.fates.values())
        yield f"{total:,} conversations: " + ", ".join(f"{n:,} {fate}" for fate, n in self.fates.items() if n)
        if self.repeated:
            yield f"{self.repeated:,} more stand in the file a second time"
        if self.unseen:
            yield f"{self.unseen:,} were shown to no reviewer"
        if self.reasons:
            yield "rejected: " + ", ".join(f"{n:,} {name}" for name, n in self.reasons.items())
        changed = sum(self.relabelled.values())
        yield f"labels changed: {_of(changed, self.labels)}"
        for (old, new), n in self.relabelled.items():
            yield f"  {old.number} {old.zh} → {new.number} {new.zh}: {n:,}"
        share = f", {self.edits / self.characters:.1%} of their characters" if self.characters else ""
        yield f"texts changed: {_of(self.rewritten, self.texts)}{share}"
        if self.deleted:
            yield f"utterances deleted at the end: {self.deleted:,}"
        for rule, n in self.broken.items():
            yield f"{n:,} break a construction rule of CSConv since they were corrected: {rule}"
        for name, (decided, files) in self.people.items():
            yield f"{name} decided {decided:,} ({', '.join(files)})"
        for pair in self.pairs:
            yield from _agreement(pair)
        for name, n in self.preferred.items():
            yield f"{n:,} conflicts decided as {name} did"

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "conversations": {fate.value: n for fate, n in self.fates.items()},
            "shown_to_nobody": self.unseen,
            "repeated": self.repeated,
            "reasons": dict(self.reasons),
            "labels": self.labels,
            "labels_changed": [
                {"from": old.zh, "to": new.zh, "times": n} for (old, new), n in self.relabelled.items()
            ],
            "texts": self.texts,
            "texts_changed": self.rewritten,
            "characters_changed": self.edits,
            "characters_of_changed_texts": self.characters,
            "utterances_deleted": self.deleted,
            "rules_broken_by_corrections": dict(self.broken),
            "conflicts_decided_by": dict(self.preferred),
            "reviewers": {
                name: {"decided": decided, "files": list(files)}
                for name, (decided, files) in self.people.items()
            },
            "agreement": [_finite(pair._asdict()) for pair in self.pairs],
        }


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,}" + (f" ({count / total:.1%})" if total else "")


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """With null for NaN, which JSON does not have."""
    return {name: None if value != value else value for name, value in values.items()}


def _agreement(pair: PairOfReviewers) -> Iterator[str]:
    yield (
        f"{pair.one} and {pair.other}: {_of(pair.decisions, pair.conversations)} conversations decided alike"
    )
    if pair.labels:
        kappa = "undefined" if pair.kappa != pair.kappa else f"{pair.kappa:.2f}"
        error = "" if pair.error != pair.error else f" ± {pair.error:.2f}"
        yield f"  labels alike {_of(pair.labels_alike, pair.labels)}, Cohen's kappa {kappa}{error}"
    yield (
        f"  texts changed by either {_of(pair.texts_changed, pair.texts)}"
        + (f", alike by both {pair.texts_alike:,}" if pair.texts_changed else "")
    )


def report_of(file: ReviewFile, review: Review, settled: Sequence[Settled]) -> ReviewReport:
    """Count everything once."""
    kept = [s for s in settled if s.fate.kept]
    relabelled = Counter(pair for s in kept for pair in s.corrections.labels.values())
    texts = [pair for s in kept for pair in s.corrections.texts.values()]
    fates = Counter(s.fate for s in settled)
    return ReviewReport(
        fates={fate: fates[fate] for fate in Fate},
        unseen=sum(not s.shown for s in settled),
        repeated=file.repeated,
        reasons=dict(reasons(settled).most_common()),
        labels=sum(u.strategy is not None for s in kept for u in s.conversation.utterances),
        relabelled=dict(relabelled.most_common()),
        texts=sum(len(s.conversation.utterances) for s in kept),
        rewritten=len(texts),
        edits=sum(Levenshtein.distance(old, new) for old, new in texts),
        characters=sum(max(len(old), len(new)) for old, new in texts),
        deleted=sum(s.corrections.deleted for s in kept),
        broken=dict(Counter(rule for s in kept for rule in _newly_broken(s)).most_common()),
        preferred=dict(Counter(s.decided_by for s in settled if s.decided_by).most_common()),
        people=_people(review),
        pairs=list(_pairs(review, {c.id: c for c in file.conversations})),
    )


def _newly_broken(settled: Settled) -> set[str]:
    if not settled.corrections:
        return set()
    before, after = ({b.rule.value for b in broken_rules(c)} for c in (settled.was, settled.conversation))
    return after - before


def _people(review: Review) -> dict[str, tuple[int, tuple[str, ...]]]:
    decided = Counter(
        each.person for answers in review.answers.values() for each in answers if each.answer.decision
    )
    return {name: (decided[name], files) for name, files in review.people.items()}


def _pairs(review: Review, known: Mapping[str, Conversation]) -> Iterator[PairOfReviewers]:
    for one, other in combinations(review.people, 2):
        both: list[tuple[str, Reviewed, Reviewed]] = []
        for key, answers in review.answers.items():
            by = {a.person: a for a in answers if a.answer.decision}
            if one in by and other in by:
                both.append((key, by[one], by[other]))
        if both:
            yield _pair(one, other, both, known)


def _pair(
    one: str,
    other: str,
    both: Sequence[tuple[str, Reviewed, Reviewed]],
    known: Mapping[str, Conversation],
) -> PairOfReviewers:
    labels: list[tuple[int, int]] = []
    clusters: list[str] = []
    texts = changed = alike = 0
    for key, first, second in both:
        ends = first.corrections.conversation, second.corrections.conversation
        if {first.answer.decision, second.answer.decision} != {Decision.ACCEPT} or None in ends:
            continue
        for old, a, b in zip(known[key].utterances, *(end.utterances for end in ends if end), strict=False):
            if a.strategy and b.strategy:
                labels.append((a.strategy.index, b.strategy.index))
                clusters.append(key)
            texts += 1
            if old.text not in (a.text, b.text) or a.text != b.text:
                changed += 1
                alike += a.text == b.text
    kappa, error = clustered_kappa(labels, clusters, len(Strategy))
    return PairOfReviewers(
        one=one,
        other=other,
        conversations=len(both),
        decisions=sum(a.answer.decision is b.answer.decision for _, a, b in both),
        labels=len(labels),
        labels_alike=sum(a == b for a, b in labels),
        kappa=kappa,
        error=error,
        texts=texts,
        texts_changed=changed,
        texts_alike=alike,
    )

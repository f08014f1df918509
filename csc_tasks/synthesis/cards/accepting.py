"""Reviewers' verdicts on cards, settled and applied: what is accepted, what not and why, who said so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from pathlib import Path

from pydantic import ValidationError

from csc_tasks.errors import DataError
from csc_tasks.outside import json_bytes
from csc_tasks.printable import inline, printable
from csc_tasks.roleplay.card_faults import CardFault, faults_in
from csc_tasks.roleplay.card_sets import CardSet
from csc_tasks.roleplay.cards import CaseCard
from csc_tasks.roleplay.playable import playing_faults
from csc_tasks.storage import write_file
from csc_tasks.synthesis.cards.fields import changed_record
from csc_tasks.synthesis.cards.output import table
from csc_tasks.synthesis.cards.sheet import CardOpinion, CardsUnderReview, read_card_sheet
from csc_tasks.synthesis.cards.writer import card_record
from csc_tasks.synthesis.review.decisions import Decision

__all__ = ["AcceptedCards", "CardFate", "accepted_cards", "readme_beside", "write_accepted_cards"]


class CardFate(StrEnum):
    """What became of a card."""

    AS_IT_WAS = "accepted as it was"
    CHANGED = "accepted with changes"
    REJECTED = "rejected"
    CONFLICT = "conflict, left out"
    FAULTY = "accepted with changes that make it unplayable, left out"
    UNDECIDED = "undecided, left out"

    @property
    def kept(self) -> bool:
        """Whether it is in the file that is written."""
        return self in (CardFate.AS_IT_WAS, CardFate.CHANGED)


@dataclass(frozen=True, slots=True)
class _CardSettled:
    """One card: what became of it, by whom, and what there is to say of it."""

    was: CaseCard
    fate: CardFate
    card: CaseCard | None = None
    by: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceptedCards:
    """What reviewers made of a file of cards.

    Attributes:
        review: the file.
        settled: every card of it, in its order.
        verdicts: of each reviewer, how often which.
        agreed: by pair of reviewers, cards on which both decided the same, and cards on which both decided.
        comments: by card, each with who made it.
    """

    review: CardsUnderReview
    settled: tuple[_CardSettled, ...]
    verdicts: Mapping[str, Counter[str]]
    agreed: Mapping[tuple[str, str], tuple[int, int]]
    comments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def cards(self) -> list[CaseCard]:
        """Those that are accepted, as they are now."""
        return [each.card for each in self.settled if each.card is not None]

    @property
    def fates(self) -> Counter[str]:
        """How many cards became what."""
        return Counter(each.fate.value for each in self.settled)

    @property
    def faulty(self) -> bool:
        """Whether a change made a card unplayable."""
        return any(each.fate is CardFate.FAULTY for each in self.settled)

    def lines(self) -> Iterator[str]:
        """For a terminal, each fit for it."""
        yield f"{len(self.settled):,} cards, {len(self.verdicts):,} reviewers"
        for fate in CardFate:
            if count := self.fates[fate.value]:
                yield f"{count:7,}  {fate.value}"
        for person, counts in self.verdicts.items():
            yield printable(f"{person}: {_counted(counts)}")
        for pair, (same, both) in self.agreed.items():
            yield printable(
                f"{pair[0]} and {pair[1]} agree on {same:,} of {both:,} cards that both decided on"
            )
        for each in self.settled:
            if each.fate in (CardFate.CONFLICT, CardFate.FAULTY):
                yield from (printable(f"{each.fate.value}: {each.was.id}: {why}") for why in each.why)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} × {what}" for what, count in counts.items()) or "no verdict"


def accepted_cards(review: CardsUnderReview, sheets: Sequence[Path]) -> AcceptedCards:
    """Read sheets and settle what they say.

    Of two reviewers who accept a card both changes hold, where they are not in one field.

    Raises:
        DataError: a sheet cannot be read or is about another file, or a reviewer has two.
    """
    opinions: dict[str, dict[str, CardOpinion]] = {}
    for path in sheets:
        person, said = read_card_sheet(path, review)
        if person in opinions:
            raise DataError(
                f"{path}: {person} has another sheet here; put the name of who filled it in into the column reviewer"
            )
        opinions[person] = said
    about = {
        card.id: {person: said[card.id] for person, said in opinions.items() if card.id in said}
        for card in review.cards
    }
    return AcceptedCards(
        review,
        tuple(_settled(card, about[card.id]) for card in review.cards),
        {person: _verdicts(said.values()) for person, said in opinions.items()},
        dict(_agreements(opinions)),
        {
            card: found
            for card, each in about.items()
            if (found := tuple(f"{person}: {c}" for person, o in each.items() for c in o.comments))
        },
    )


def _verdicts(said: Iterable[CardOpinion]) -> Counter[str]:
    return Counter(each.decision.value for each in said if each.decision)


def _agreements(
    opinions: Mapping[str, Mapping[str, CardOpinion]],
) -> Iterator[tuple[tuple[str, str], tuple[int, int]]]:
    for one, other in combinations(opinions, 2):
        a, b = opinions[one], opinions[other]
        both = [card for card in a if card in b and a[card].decision and b[card].decision]
        yield (one, other), (sum(a[card].decision is b[card].decision for card in both), len(both))


def _settled(card: CaseCard, opinions: Mapping[str, CardOpinion]) -> _CardSettled:
    decided = {person: each for person, each in opinions.items() if each.decision}
    if not decided:
        return _CardSettled(card, CardFate.UNDECIDED)
    by = tuple(decided)
    if len({each.decision for each in decided.values()}) > 1:
        said = ", ".join(f"{person} {each.decision}s it" for person, each in decided.items())
        return _CardSettled(card, CardFate.CONFLICT, by=by, why=(said,))
    if next(iter(decided.values())).decision is Decision.REJECT:
        reasons = tuple(dict.fromkeys(each.reason.value for each in decided.values() if each.reason))
        return _CardSettled(card, CardFate.REJECTED, by=by, why=reasons)
    changes: dict[str, str] = {}
    for person, each in decided.items():
        for place, text in each.changes.items():
            if changes.setdefault(place, text) != text:
                return _CardSettled(
                    card,
                    CardFate.CONFLICT,
                    by=by,
                    why=(f"{place}: {person} changes it otherwise than another",),
                )
    if not changes:
        return _CardSettled(card, CardFate.AS_IT_WAS, card, by)
    changed, faults = _sound(changed_record(card, changes))
    if faults:
        return _CardSettled(card, CardFate.FAULTY, None, by, tuple(changes), tuple(map(str, faults)))
    return _CardSettled(card, CardFate.CHANGED, changed, by, tuple(changes))


def _sound(record: Mapping[str, object]) -> tuple[CaseCard | None, list[CardFault]]:
    try:
        card = CaseCard.model_validate(record)
    except ValidationError as error:
        return None, faults_in(error)
    return card, playing_faults(card)


def readme_beside(out: Path) -> Path:
    """Where what there is to know of an accepted file stands."""
    return out.with_name(f"{out.stem}.README.md")


def write_accepted_cards(out: Path, accepted: AcceptedCards) -> None:
    """Write the accepted cards, and beside them who accepted how many.

    Raises:
        DataError: no card is accepted, or the disk refuses.
    """
    cards = accepted.cards
    if not cards:
        raise DataError(f"--out {out}: no card is accepted, and nothing written")
    version = f"{accepted.review.path.stem} {accepted.review.fingerprint}, reviewed"
    try:
        write_file(out, json_bytes({"version": version, "card": [card_record(card) for card in cards]}))
        write_file(readme_beside(out), "\n".join(_readme(out, accepted)).encode("utf-8", "replace"))
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror})") from None


def _readme(out: Path, accepted: AcceptedCards) -> Iterator[str]:
    cards = accepted.cards
    yield "# Case cards, reviewed\n"
    yield (
        f"{len(cards):,} case cards for `csconv_roleplay` in {inline(out.name)}, accepted by people; fingerprint "
        f"`{CardSet.of('', cards).fingerprint}`. They are of {inline(accepted.review.path.name)}, fingerprint "
        f"`{accepted.review.fingerprint}`, which has {len(accepted.settled):,}.\n"
    )
    yield from table("What became of them", accepted.fates)
    yield from table("Accepted by", Counter(who for each in accepted.settled if each.card for who in each.by))
    yield from table("Rejected for", Counter(
        why for each in accepted.settled if each.fate is CardFate.REJECTED for why in each.why or ("no reason given",)
    ))  # fmt: skip
    for pair, (same, both) in accepted.agreed.items():
        yield f"- {inline(pair[0])} and {inline(pair[1])} agree on {same:,} of {both:,} cards that both decided on"
    changed = [each for each in accepted.settled if each.fate is CardFate.CHANGED]
    if changed:
        yield "\nChanged fields:\n"
        yield from (
            f"- `{each.was.id}`: {', '.join(f'`{place}`' for place in each.changed)}" for each in changed
        )
    if accepted.comments:
        yield "\nComments:\n"
        yield from (
            f"- `{card}`: {inline(comment, 400)}"
            for card, found in accepted.comments.items()
            for comment in found
        )
    yield ""

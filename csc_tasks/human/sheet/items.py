"""What there is to rate: a model's reply to a place, or two models', with what needs no person taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from csc_tasks.data.sampling import digest
from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.sheet.runs import RatedPlace
from csc_tasks.human.study import Decided, ItemRole, RatedValue, StudyItem
from csc_tasks.judging.engine import lowest
from csc_tasks.metrics.judge.pairs import FIRST, SECOND, TIE
from csc_tasks.metrics.judge.rubric import Rubric
from csc_tasks.metrics.judge.sample import Sample

__all__ = ["WINNER", "Salt", "ShownItem", "Work", "item_id", "work_of"]

WINNER = "winner"
Salt = tuple[object, ...]
"""Makes what is drawn by digests a study's own: its seed, the digests of its logs, and what is drawn."""


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item of the key, and the texts that a rater is shown of it by their field."""

    item: StudyItem
    fields: Mapping[str, str]

    @property
    def place(self) -> tuple[str, int | None]:
        """Of what: two items of one place are not shown one after the other."""
        return self.item.conversation, self.item.turn


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do: the items of each place, all of which go to the same raters, and what is decided."""

    places: dict[RatedPlace, list[ShownItem]]
    decided: list[Decided]


def item_id(*parts: object) -> str:
    """Sixteen digits for what an item is, which say nothing of it."""
    return digest(("item", *parts))[:16]


def work_of(
    kind: RatingKind,
    rubric: Rubric,
    places: Sequence[RatedPlace],
    texts: Sequence[Mapping[RatedPlace, Sample]],
    salt: Salt,
) -> Work:
    """Every model's reply to every place, or every two models' replies, to be rated.

    Args:
        kind: what raters do.
        rubric: the questions.
        places: the sample.
        texts: of each model what is shown of each place.
        salt: makes the ids of a study its own: its seed and the digests of its logs.
    """
    work = Work({place: [] for place in places}, [])
    each = _ratings(rubric, places, texts, salt) if kind is RatingKind.RATE else _pairs(places, texts, salt)
    for place, found in each:
        if isinstance(found, Decided):
            work.decided.append(found)
        else:
            work.places[place].append(found)
    return work


def _ratings(
    rubric: Rubric, places: Sequence[RatedPlace], texts: Sequence[Mapping[RatedPlace, Sample]], salt: Salt
) -> Iterator[tuple[RatedPlace, ShownItem | Decided]]:
    worst: dict[str, RatedValue] = {d.name: lowest(d) for d in rubric.dimensions}
    for place in places:
        for run, of_run in enumerate(texts):
            sample = of_run[place]
            if sample.silent:
                yield place, _decided(place, [run], worst, "silent")
            else:
                key = item_id(*salt, place.conversation, place.turn, run)
                yield place, _shown(place, key, [run], sample.fields)


def _pairs(
    places: Sequence[RatedPlace], texts: Sequence[Mapping[RatedPlace, Sample]], salt: Salt
) -> Iterator[tuple[RatedPlace, ShownItem | Decided]]:
    for one, other in combinations(range(len(texts)), 2):
        # In half of a pair's places the one stands first, in half the other.
        salted = (*salt, "side", one, other)
        in_order = sorted(places, key=partial(_rank, salted))
        turned = set(in_order[(one + other) % 2 :: 2])
        for place in places:
            first, second = (other, one) if place in turned else (one, other)
            left, right = texts[first][place], texts[second][place]
            replies = left.fields["reply"], right.fields["reply"]
            if replies[0] == replies[1]:
                yield place, _decided(place, [first, second], {WINNER: TIE}, "equal")
            elif left.silent or right.silent:
                yield (
                    place,
                    _decided(place, [first, second], {WINNER: SECOND if left.silent else FIRST}, "silent"),
                )
            else:
                fields = {"history": left.fields["history"], "first": replies[0], "second": replies[1]}
                key = item_id(*salt, place.conversation, place.turn, one, other)
                yield place, _shown(place, key, [first, second], fields)


def _rank(salt: Salt, place: RatedPlace) -> str:
    return digest((*salt, place.conversation, place.turn))


def _shown(place: RatedPlace, key: str, runs: list[int], fields: Mapping[str, str]) -> ShownItem:
    item = StudyItem(
        id=key,
        role=ItemRole.ITEM,
        conversation=place.conversation,
        turn=place.turn,
        topic=place.topic,
        strategy=place.strategy,
        runs=runs,
    )
    return ShownItem(item, fields)


def _decided(place: RatedPlace, runs: list[int], scores: Mapping[str, RatedValue], why: str) -> Decided:
    return Decided.model_validate(
        {
            "conversation": place.conversation,
            "turn": place.turn,
            "topic": place.topic,
            "strategy": place.strategy,
            "runs": runs,
            "scores": dict(scores),
            "why": why,
        }
    )

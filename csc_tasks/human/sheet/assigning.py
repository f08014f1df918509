"""Who rates what, and in which order: as much for each, the same for everybody who makes the study again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

from csc_tasks.data.sampling import digest
from csc_tasks.human.sheet.items import Salt, ShownItem

__all__ = ["deal", "in_order", "with_checks"]

P = TypeVar("P")


def deal(places: Mapping[P, int], shared: Iterable[P], raters: int, each: int, salt: Salt) -> list[list[P]]:
    """The places of each rater: a shared one goes to ``each`` raters, any other to one.

    Every place goes to whoever has least to do so far; of a shared place the raters are those who have shared fewest
    with each other, so that everybody is held against everybody.

    Args:
        places: how many items each has.
        shared: those that several raters have.
        raters: how many there are.
        each: raters of a shared place, at most all of them.
        salt: of the study, for what nothing else decides.
    """
    load = [0] * raters
    together: Counter[tuple[int, int]] = Counter()
    given: list[list[P]] = [[] for _ in range(raters)]
    several = set(shared)
    # What several have first, and what is much before what is little: the rest evens out what is left.
    order = sorted(
        places, key=lambda place: (place not in several, -places[place], digest((*salt, "deal", place)))
    )
    for place in order:
        chosen: list[int] = []
        while len(chosen) < (each if place in several else 1):
            chosen.append(
                min(
                    (rater for rater in range(raters) if rater not in chosen),
                    key=lambda rater: (
                        load[rater],
                        sum(together[min(rater, c), max(rater, c)] for c in chosen),
                        digest((*salt, "rater", place, rater)),
                    ),
                )
            )
        for rater in chosen:
            load[rater] += places[place]
            given[rater].append(place)
        together.update(combinations(sorted(chosen), 2))
    return given


def in_order(items: Sequence[ShownItem], salt: Salt) -> list[ShownItem]:
    """A random order in which no two items of one place follow each other, where that can be avoided."""
    waiting = sorted(items, key=lambda shown: digest((*salt, "order", shown.item.id)))
    left = Counter(shown.place for shown in waiting)
    ordered: list[ShownItem] = []
    last: object = None
    while waiting:
        # One of a place that has more than half of what is left has to come now, or two would meet at the end.
        most, count = left.most_common(1)[0]
        pressing = most != last and 2 * count > len(waiting)
        index = next(
            (i for i, s in enumerate(waiting) if s.place != last and (not pressing or s.place == most)), 0
        )
        shown = waiting.pop(index)
        left[shown.place] -= 1
        last = shown.place
        ordered.append(shown)
    return ordered


def with_checks(
    items: Sequence[ShownItem],
    repeats: Sequence[ShownItem],
    attention: Sequence[ShownItem],
    salt: Salt,
) -> list[ShownItem]:
    """The items of a rater with the checks among them: repeats late, attention items spread over all.

    Args:
        items: in order.
        repeats: of some of the first half of them.
        attention: items that say themselves what to answer.
        salt: of the rater.
    """
    late = len(items) - len(items) // 3
    spots: list[tuple[float, str, ShownItem]] = [(i, "", shown) for i, shown in enumerate(items)]
    for shown in repeats:
        spots.append((late + _share(salt, shown) * (len(items) - late), shown.item.id, shown))
    for number, shown in enumerate(attention):
        # One in each of as many equal parts: never the first item, on which everybody looks hard.
        part = len(items) / len(attention)
        spots.append((max(0.5, (number + _share(salt, shown)) * part), shown.item.id, shown))
    return [shown for _, _, shown in sorted(spots, key=lambda spot: spot[:2])]


def _share(salt: Salt, shown: ShownItem) -> float:
    """A number from 0 to 1."""
    return int(digest((*salt, "spot", shown.item.id))[:8], 16) / 2**32

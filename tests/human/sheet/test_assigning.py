"""Who gets what, in which order: on made-up work, where every case can be had."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest

from csc_tasks.human.sheet.assigning import deal, in_order
from csc_tasks.human.sheet.items import ShownItem
from csc_tasks.human.study import StudyItem


def shown(place: int, number: int) -> ShownItem:
    item = StudyItem(id=f"{place:08x}{number:08x}", conversation=f"c{place}", turn=0, runs=[number])
    return ShownItem(item, {})


@pytest.mark.parametrize(
    ("places", "shared", "raters", "each"),
    [(10, 0, 1, 1), (30, 6, 3, 3), (31, 12, 4, 2), (100, 20, 7, 3), (5, 5, 5, 5), (40, 10, 5, 2)],
)
def test_everybody_has_as_much_to_do_and_shares_with_everybody(
    places: int, shared: int, raters: int, each: int
) -> None:
    given = deal(dict.fromkeys(range(places), 4), range(shared), raters, each, ("salt",))
    who = {place: [r for r in range(raters) if place in given[r]] for place in range(places)}
    assert [len(names) for names in who.values()] == [each] * shared + [1] * (places - shared)
    loads = [len(mine) for mine in given]
    assert max(loads) - min(loads) <= 1
    together = Counter(pair for names in who.values() for pair in combinations(names, 2))
    if shared * each * (each - 1) >= raters * (raters - 1):
        assert set(together) == set(combinations(range(raters), 2))


def test_uneven_work_is_evened_out_by_items_and_not_by_turns() -> None:
    sizes = {"large": 20, **{f"small {k}": 1 for k in range(20)}}
    for seed in range(10):
        given = deal(sizes, (), 2, 1, (seed,))
        assert [sum(sizes[place] for place in mine) for mine in given] == [20, 20]
    shared = deal(sizes, ["large"], 2, 2, (0,))
    assert [sum(sizes[place] for place in mine) for mine in shared] == [30, 30]


@pytest.mark.parametrize("sizes", [[1] * 9, [4] * 5, [5, 1, 1, 1, 1], [3, 2], [9, 4, 4], [2, 2]])
def test_two_items_of_a_turn_do_not_follow_each_other_where_that_can_be(sizes: list[int]) -> None:
    items = [shown(place, number) for place, count in enumerate(sizes) for number in range(count)]
    for seed in range(20):
        ordered = in_order(items, (seed,))
        assert sorted(s.item.id for s in ordered) == sorted(s.item.id for s in items)
        meet = sum(one.place == other.place for one, other in pairwise(ordered))
        assert meet == max(0, 2 * max(sizes) - 1 - sum(sizes))


def test_the_order_is_another_for_every_rater() -> None:
    items = [shown(place, 0) for place in range(12)]
    orders = {tuple(s.item.id for s in in_order(items, (rater,))) for rater in range(10)}
    assert len(orders) == 10

"""Balance: the shortest beginning with CSConv's shares, whatever the order in which cases end."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.framework import Strategy
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.output.balance import LEAST, Balance, balanced_prefix
from tests.synthesis.talks import dropped, ended, talk

# 100 utterances of ten conversations with the known shares: 15, 12, 10, 2 and 23 of 100.
_MIXED = [
    *[Strategy.INFORMATION_DELIVERY] * 15,
    *[Strategy.EMOTIONAL_MANAGEMENT] * 12,
    *[Strategy.PROVIDING_SUGGESTIONS] * 10,
    *[Strategy.OTHERS] * 2,
    *[Strategy.GREETING] * 10,
    *[Strategy.APPRECIATION_AND_CLOSURE] * 13,
    *[Strategy.RESTATEMENT] * 38,
]


def like_csconv(number: int) -> Ended:
    """Ten in a row have CSConv's shares."""
    return ended(number, talk(number, _MIXED[number % 10 :: 10]))


def unlike(number: int) -> Ended:
    return ended(number, talk(number, [Strategy.RESTATEMENT] * 10))


def test_fewer_than_twenty_are_never_balanced() -> None:
    assert balanced_prefix(map(like_csconv, range(LEAST - 1)), 0.05) is None
    assert balanced_prefix(map(like_csconv, range(LEAST)), 0.05) == LEAST


def test_the_beginning_ends_where_the_shares_are_met() -> None:
    cases = [*map(unlike, range(20)), *map(like_csconv, range(20, 400))]
    loose, tight = (balanced_prefix(cases, within) for within in (0.05, 0.02))
    assert loose
    assert tight
    assert LEAST < loose < tight < 400


def test_dropped_cases_are_part_of_the_beginning_and_count_for_nothing() -> None:
    cases = [dropped(n) if n % 2 else like_csconv(n) for n in range(60)]
    assert balanced_prefix(cases, 0.5) == 2 * LEAST - 1


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_cases_end_does_not_matter(seed: int) -> None:
    cases = [*map(unlike, range(10)), dropped(10), *map(like_csconv, range(11, 150))]
    shuffled = random.Random(seed).sample(cases, k=len(cases))
    assert balanced_prefix(shuffled, 0.04) == balanced_prefix(cases, 0.04)


def test_what_comes_after_a_case_that_is_not_over_does_not_count() -> None:
    balance = Balance(0.05)
    cases = list(map(like_csconv, range(40)))
    assert not any(balance.add(case) for case in cases if case.number != 3)
    assert balance.add(cases[3])
    assert balance.end == LEAST
    assert balance.add(unlike(40))
    assert balance.end == LEAST


@pytest.mark.parametrize("within", [0, -0.1, 1, float("nan")])
def test_a_difference_that_is_no_share_is_refused(within: float) -> None:
    with pytest.raises(ConfigError, match="--balance"):
        Balance(within)


def test_no_labels_are_no_balance() -> None:
    nothing: Sequence[Strategy] = ()
    assert balanced_prefix((ended(n, talk(n, nothing)) for n in range(30)), 0.9) is None

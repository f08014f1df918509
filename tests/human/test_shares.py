"""Who is given what: parts are together the whole, and have in common what everybody is to have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csc_tasks.errors import ConfigError
from csc_tasks.human.shares import Share, read_part, share_of


@given(
    st.integers(1, 60), st.none() | st.integers(1, 70), st.integers(2, 5), st.integers(0, 8), st.integers()
)
def test_parts_are_together_the_sample_and_share_what_all_are_given(
    count: int, sample: int | None, parts: int, overlap: int, seed: int
) -> None:
    units = [(f"{i:016x}", "ab"[i % 2]) for i in range(count)]
    size = min(count, sample or count)
    overlap = min(overlap, size)
    given = [share_of(units, Share(sample, seed, part, parts, overlap)) for part in range(1, parts + 1)]
    assert len({unit for each in given for unit in each}) == size
    assert sum(map(len, given)) == size + overlap * (parts - 1)
    assert max(map(len, given)) - min(map(len, given)) <= 1
    for each in given:
        assert each == sorted(each), "in the order of the file"
    common = set.intersection(*map(set, given))
    assert len(common) == overlap


def test_another_seed_is_another_sample_and_the_same_seed_the_same() -> None:
    units = [(f"{i:016x}", "") for i in range(100)]
    assert share_of(units, Share(10, 1)) == share_of(units, Share(10, 1)) != share_of(units, Share(10, 2))


@pytest.mark.parametrize("text", ["", "0/2", "3/2", "1/0", "a/b", "1", "1/2/3", "-1/2", "1/99999", "１/２"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--part"):
        read_part(text)


def test_more_in_common_than_there_is_or_with_nobody_is_refused() -> None:
    with pytest.raises(ConfigError, match="there are 1 "):
        share_of([("0" * 16, "")], Share(part=1, parts=2, overlap=2))
    with pytest.raises(ConfigError, match="one part only"):
        share_of([("0" * 16, "")], Share(overlap=1))

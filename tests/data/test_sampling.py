"""Stratified samples: everybody's the same, and the same as those of published results."""

from __future__ import annotations

import hashlib

import pytest

from csc_tasks.data.conversations import Conversation, Speaker, Utterance
from csc_tasks.data.sampling import stratified
from csc_tasks.data.sources import select
from csc_tasks.data.splits import Subset


def test_a_sample_gives_each_stratum_its_share() -> None:
    units = [(i, "abc"[min(i // 50, 2)]) for i in range(200)]  # 50, 50, 100
    sample = stratified(units, 40)
    assert [sum(lo <= u < hi for u in sample) for lo, hi in ((0, 50), (50, 100), (100, 200))] == [10, 10, 20]
    assert stratified(reversed(units), 40) == sample
    assert stratified(units, 200) == stratified(units, 999) == set(range(200))
    assert len(stratified(units, 7)) == 7
    assert stratified([], 5) == set()


@pytest.mark.parametrize(
    ("topics", "count", "digest"),
    [
        # How many conversations, over how many topics; the digest of the ids, as the first version chose them.
        (8, 312, "faa808d16d053dbf"),  # eight equal topics: 16 each
        (7, 273, "bbeacf0671dfe6fa"),  # seven equal topics: who gets the odd two is decided by name
    ],
)
def test_the_lite_sample_is_the_published_one(topics: int, count: int, digest: str) -> None:
    everything = tuple(
        Conversation.of("甲乙丙丁戊己庚辛"[i % topics], [Utterance(Speaker.CUSTOMER, None, f"第{i}位")])
        for i in range(count)
    )
    ids = "".join(c.id for c in select(everything, Subset.LITE))
    assert hashlib.sha256(ids.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize(
    ("size", "digest"),
    [(10, "40104177f1657bed"), (33, "48db382f7c867e0f"), (100, "cb6c27dae27928b4")],
)
def test_what_a_judge_is_shown_of_a_sample_is_what_it_was_shown_before(size: int, digest: str) -> None:
    units = [((f"c{i // 7}", i % 7), "abcdefg"[(i * i) % 7]) for i in range(500)]
    chosen = repr(sorted(stratified(units, size)))
    assert hashlib.sha256(chosen.encode()).hexdigest()[:16] == digest

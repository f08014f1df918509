"""Distinct-n, and EAD, which cutting replies short does not raise."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from csc_tasks.metrics import Turns
from csc_tasks.metrics.tokenizers import tokenize_norm, tokenize_zh
from csc_tasks.metrics.variety import AdjustedDistinct, Distinct
from tests.texts import ALL, any_text


@pytest.mark.parametrize(
    ("order", "replies", "expected"),
    [
        (1, ["您好", "您好"], 2 / 4),  # counted over all replies together
        (2, ["您好吗", "您好吧"], 3 / 4),  # 您好, 好吗, 好吧 of four
        (1, ["您好", ""], 1.0),  # an empty reply adds nothing
        (2, ["好"], math.nan),  # no bigram anywhere: undefined, not 0
        (1, [], math.nan),
    ],
)
def test_distinct_n_of_literal_replies(order: int, replies: list[str], expected: float) -> None:
    assert Distinct(order).score(replies) == pytest.approx(expected, nan_ok=True)


def test_distinct_n_uses_the_tokenizer_of_the_run() -> None:
    assert Distinct(1, "jieba").score(["手机号码和手机"]) == 1.0  # 手机号码, 和, 手机
    assert Distinct(1, "zh").score(["手机号码和手机"]) == pytest.approx(5 / 7)


def plain_distinct(order: int, replies: list[str]) -> float:
    tokens = [tokenize_zh(reply) for reply in replies]
    grams = [tuple(t[i : i + order]) for t in tokens for i in range(len(t) - order + 1)]
    return len(set(grams)) / len(grams) if grams else math.nan


def plain_ead(pairs: list[tuple[str, str]]) -> float:
    """The published formula, over Python's sets."""
    replies = [list(pairwise(tokenize_norm(reply))) for reply, _ in pairs]
    references = [list(pairwise(tokenize_norm(reference))) for _, reference in pairs]
    size = 2 * len({gram for each in references for gram in each})
    total = sum(map(len, replies))
    if not size or not total:
        return math.nan
    different = len({gram for each in replies for gram in each})
    return float(different / (size * (1 - ((size - 1) / size) ** total)))


def items_of(pairs: list[tuple[str, str]]) -> list[list[str]]:
    hypotheses, references = [h for h, _ in pairs], [r for _, r in pairs]
    turns = Turns(["c"] * len(pairs), np.arange(len(pairs)), hypotheses=hypotheses, references=references)
    return AdjustedDistinct().items(turns)


def ead(pairs: list[tuple[str, str]]) -> float:
    return AdjustedDistinct().score(items_of(pairs))


def test_both_are_what_sets_of_tokens_give_on_hostile_texts() -> None:
    pairs = list(zip(ALL, [*ALL[5:], *ALL[:5]], strict=True))
    assert ead(pairs) == pytest.approx(plain_ead(pairs), abs=1e-9)
    for order in (1, 2):
        assert Distinct(order).score(ALL) == pytest.approx(plain_distinct(order, ALL), abs=1e-12)


@pytest.mark.slow
@given(st.lists(st.tuples(any_text, any_text), max_size=6))
@settings(max_examples=200)
def test_both_are_what_sets_of_tokens_give_on_any_text(pairs: list[tuple[str, str]]) -> None:
    assert ead(pairs) == pytest.approx(plain_ead(pairs), abs=1e-9, nan_ok=True)
    replies = [reply for reply, _ in pairs]
    for order in (1, 2):
        expected = plain_distinct(order, replies)
        assert Distinct(order).score(replies) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_score_is_the_same_in_one_piece_and_in_many() -> None:
    gold = GOLD[Split.EVALUATION][:60]
    items = items_of(list(zip(gold[::-1], gold, strict=True)))
    for metric, given_items in ((AdjustedDistinct(), items), (Distinct(2), gold)):
        fold = metric.fold()
        for start in range(0, len(given_items), 7):
            fold.add(given_items[start : start + 7])
        assert fold.score() == metric.score(given_items)


GOLD = {
    split: [u.text for c in load("mini", split).conversations for u in c.utterances if u.strategy]
    for split in Split
}


@pytest.mark.parametrize("split", Split)
@pytest.mark.parametrize("where", ["the beginning", "a piece"])
def test_gold_replies_cut_short_score_about_as_whole_ones(split: Split, where: str) -> None:
    """Distinct-2 rises by up to two thirds when replies are cut to a tenth; EAD moves by less than a sixth."""
    gold, rng = GOLD[split], random.Random(0)
    whole, distinct = ead(list(zip(gold, gold, strict=True))), Distinct(2).score(gold)
    for share in (0.5, 0.25, 0.1):
        sizes = [max(round(share * len(text)), 1) for text in gold]
        starts = [
            0 if where == "the beginning" else rng.randint(0, len(t) - n)
            for t, n in zip(gold, sizes, strict=True)
        ]
        cut = [text[at : at + n] for text, at, n in zip(gold, starts, sizes, strict=True)]
        assert ead(list(zip(cut, gold, strict=True))) == pytest.approx(whole, rel=1 / 6), share
    assert Distinct(2).score(cut) > 1.25 * distinct


def test_who_says_the_same_to_everybody_has_little_of_it() -> None:
    gold = GOLD[Split.EVALUATION]
    same = ead([(gold[0], reference) for reference in gold])
    assert same < 0.02 < 0.5 < ead(list(zip(gold, gold, strict=True)))


def test_without_two_tokens_anywhere_it_is_undefined() -> None:
    assert math.isnan(ead([]))
    assert math.isnan(ead([("好", "您好吗")]))
    assert math.isnan(ead([("您好吗", "好")]))

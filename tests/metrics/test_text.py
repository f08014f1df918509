"""Variety, length and silence."""

from __future__ import annotations

import math

import numpy as np
import pytest

from csc_tasks.metrics import Turns
from csc_tasks.metrics.text import Distinct, LengthRatio, NoAnswer


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


def test_length_ratio_is_tokens_over_tokens_of_the_whole_corpus() -> None:
    turns = Turns(["a", "b"], np.arange(2), hypotheses=["您好您好", ""], references=["您好", "再见"])
    assert LengthRatio().score(LengthRatio().items(turns)) == 1.0


def test_no_answer_is_the_share_of_silent_turns() -> None:
    turns = Turns(["a", "b"], np.arange(2), answered=np.array([True, False]))
    assert NoAnswer().score(NoAnswer().items(turns)) == 0.5

"""Variety, length and silence."""

from __future__ import annotations

import numpy as np
import pytest

from csc_tasks.metrics import Turns
from csc_tasks.metrics.text import LengthRatio, NoAnswer, NormChanged


def test_length_ratio_is_tokens_over_tokens_of_the_whole_corpus() -> None:
    turns = Turns(["a", "b"], np.arange(2), hypotheses=["您好您好", ""], references=["您好", "再见"])
    assert LengthRatio().score(LengthRatio().items(turns)) == 1.0


def test_no_answer_is_the_share_of_silent_turns() -> None:
    turns = Turns(["a", "b"], np.arange(2), answered=np.array([True, False]))
    assert NoAnswer().score(NoAnswer().items(turns)) == 0.5


def test_norm_changed_counts_replies_that_are_spelled_otherwise() -> None:
    replies = ["您好，“请问”……", '您好,"请问"', "請問", "[手机号码]", "【手机号码】", ""]
    turns = Turns(["c"] * 6, np.arange(6), hypotheses=replies, references=replies)
    assert NormChanged().items(turns) == [0.0, 1.0, 1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("space", [" ", "\n", "\r\n", "\t", "\u3000", "\u00a0"])
def test_a_reply_in_paragraphs_is_not_spelled_otherwise(space: str) -> None:
    replies = [f"您好。{space}请问有什么可以帮您？"]
    turns = Turns(["c"], np.arange(1), hypotheses=replies, references=replies)
    assert NormChanged().items(turns) == [0.0]


def test_under_norm_a_placeholder_is_one_token_long() -> None:
    turns = Turns(["c"], np.arange(1), hypotheses=["【手机号码】,"], references=["您好，[手机号码]"])
    assert LengthRatio(norm=True).items(turns) == [[2, 4]]
    assert LengthRatio().items(turns) == [[7, 9]]

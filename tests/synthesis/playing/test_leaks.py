"""Whether one text gives another one away."""

from __future__ import annotations

import pytest

from csc_tasks.roleplay.leaks import gives_away

SECRET = "想拿回三月被重复扣掉的会员费二百元，并且要公司书面道歉"


@pytest.mark.parametrize(
    ("text", "secret", "given"),
    [
        (f"来电者{SECRET}。", SECRET, True),
        # Width, case and punctuation do not hide it.
        ("想拿回三月、被重复扣掉的会员费二百元！并且 要公司书面道歉", SECRET, True),
        # Most of its pieces, in another order.
        ("要公司书面道歉，还想拿回三月被重复扣掉的会员费", SECRET, True),
        ("涉及会员扣费的一家视频平台的客服接到来电。", SECRET, False),
        ("先问一问会员费是怎么扣的", SECRET, False),
        # Too short to be one: its words are those of the matter.
        ("要求退还多扣的费用", "退还多扣的费用", False),
        # Whole, and repeating itself, so that its pieces are few.
        ("哈哈哈哈哈哈哈哈哈哈哈哈", "哈哈哈哈哈哈哈哈哈哈哈哈", True),
    ],
)
def test_a_secret_is_given_away_by_its_words_or_most_of_its_pieces(
    text: str, secret: str, given: bool
) -> None:
    assert gives_away(text, secret) is given

"""What a customer's utterance shows, read by words: that it is not one's own role, and how the customer feels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from csc_tasks.roleplay.rules import plain
from csc_tasks.roleplay.word_files import WordFile

__all__ = [
    "CUSTOMER_WORDS",
    "asks_anything_else",
    "customer_words_digest",
    "is_at_ease",
    "is_upset",
    "says_who",
    "speaks_as_model",
    "speaks_as_supporter",
]

CUSTOMER_WORDS = "customer-words-zh-1"
"""The version in use."""
_FILE = WordFile("rules", CUSTOMER_WORDS)
_BEFORE = re.compile(r"^\s{0,9}(?:客服|坐席|supporter|agent)\s{0,9}[:：]", re.IGNORECASE)
_SAYS_WHO = re.compile(
    r"\[[^\[\]]{0,12}(?:姓名|名字|号码|手机号|电话|证件号|卡号|账号)[^\[\]]{0,12}\]"
    r"|我(?:叫|是[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗])[\u4e00-\u9fff]{1,3}(?=[，。,、！!；;]|$)"
    r"|免贵姓|(?:我|本人)姓[\u4e00-\u9fff]|(?<!\d)1\d{10}(?!\d)"
)


@cache
def _words() -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(map(plain, words)) for name, words in _FILE.lists.items()}


def customer_words_digest() -> str:
    """SHA-256 (16 digits) of the words."""
    return _FILE.digest()


def _has(text: str, kind: str) -> bool:
    said = plain(text).casefold()
    return any(word.casefold() in said for word in _words()[kind])


def speaks_as_supporter(text: str) -> bool:
    """Whether it says what only a supporter says."""
    return _BEFORE.match(text) is not None or _has(text, "supporter")


def speaks_as_model(text: str) -> bool:
    """Whether it speaks of itself as a model, of its prompt, or will not play."""
    return _has(text, "meta")


def asks_anything_else(text: str) -> bool:
    """Whether a supporter asks if there is anything else, or if the customer is content."""
    return _has(text, "anything_else")


def is_upset(text: str) -> bool:
    """Whether it has a word of somebody who is upset."""
    return _has(text, "upset")


def is_at_ease(text: str) -> bool:
    """Whether it has a word of somebody who is at ease."""
    return _has(text, "at_ease")


def says_who(text: str) -> bool:
    """Whether it says who the customer is: a name or a number, or the placeholder of one."""
    return _SAYS_WHO.search(text) is not None

"""Tokenizers against the packages that define them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from sacrebleu.tokenizers.tokenizer_char import TokenizerChar
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

from csc_tasks.metrics.tokenizers import (
    TOKENIZERS,
    tokenize_ascii,
    tokenize_char,
    tokenize_jieba,
    tokenize_zh,
    tokenizer,
    tokenizer_named,
    tokenizer_version,
)
from tests.texts import ALL, any_text


@pytest.mark.parametrize("text", ALL)
def test_zh_gives_sacrebleus_tokens(text: str) -> None:
    assert tokenize_zh(text) == TokenizerZh()(text.rstrip()).split()


@given(any_text)
@settings(max_examples=1000)
def test_zh_gives_sacrebleus_tokens_for_any_string(text: str) -> None:
    assert tokenize_zh(text) == TokenizerZh()(text.rstrip()).split()


@pytest.mark.slow
def test_zh_agrees_with_sacrebleu_on_every_code_point_of_the_basic_plane() -> None:
    reference = TokenizerZh()
    differing = [
        hex(code)
        for code in range(0x10000)
        if tokenize_zh(f"a{chr(code)}b") != reference(f"a{chr(code)}b").split()
    ]
    assert differing == []


@given(any_text)
def test_char_gives_sacrebleus_tokens_for_any_string(text: str) -> None:
    assert tokenize_char(text) == TokenizerChar()(text).split()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("您好，世界", ["您", "好", "，", "世", "界"]),  # one Chinese character a token, punctuation too
        ("iPhone很贵", ["iPhone", "很", "贵"]),  # a Latin run is one token
        ("3.5折", ["3.5", "折"]),  # a point between digits does not split
        ("共5.", ["共", "5."]),  # nor does a final one after a digit
        ("ＡＢ", ["Ａ", "Ｂ"]),  # full-width Latin counts as Chinese, as in sacrebleu
        ("", []),
    ],
)
def test_zh_tokens_of_literal_text(text: str, tokens: list[str]) -> None:
    assert tokenize_zh(text) == tokens


@given(any_text)
def test_jieba_loses_nothing_but_white_space(text: str) -> None:
    joined = "".join(tokenize_jieba(text))
    encodable = text.encode("utf-8", "replace").decode("utf-8")
    assert "".join(joined.split()) == "".join(encodable.split())


def test_the_ascii_tokenizer_drops_every_chinese_character() -> None:
    assert tokenize_ascii("退款15元，请看App") == ["15", "app"]


def test_an_unknown_tokenizer_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'mecab' is none of zh, char, jieba"):
        tokenizer("mecab")


@pytest.mark.parametrize(
    ("version", "name"),
    [
        *((tokenizer_version(name), name) for name in TOKENIZERS),
        ("zh(sacrebleu-2.0.0)", "zh"),  # of another version of the package
        ("zh", "zh"),
    ],
)
def test_a_signatures_tokenizer_is_known_by_name(version: str, name: str) -> None:
    assert tokenizer_named(version) == name


@pytest.mark.parametrize("version", ["", "mecab(1)", "zhuyin"])
def test_a_signature_with_a_tokenizer_that_is_not_offered_is_an_error(version: str) -> None:
    with pytest.raises(ValueError, match="is none of zh, char, jieba"):
        tokenizer_named(version)

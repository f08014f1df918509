"""Tokenizers for Chinese text: what BLEU, ROUGE, distinct and length count.

The choice decides what a score means (unrelated supporter utterances reach BLEU-2 9 under ``zh`` and
5 under ``jieba``), so it is part of every signature.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import metadata

from rouge_score.tokenize import tokenize as _rouge_score_tokenize
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp
from sacrebleu.tokenizers.tokenizer_zh import _UCODE_RANGES

__all__ = [
    "DEFAULT_TOKENIZER",
    "TOKENIZERS",
    "Tokenizer",
    "tokenize_ascii",
    "tokenizer",
    "tokenizer_version",
    "tokens_of",
]

Tokenizer = Callable[[str], list[str]]

DEFAULT_TOKENIZER = "zh"


def _range(start: str, end: str) -> str:
    # sacrebleu writes its two astral ranges as '\u20000', which Python reads as two characters. Its
    # comparison of strings then covers U+2001..U+2A6D (general punctuation such as “…” and — among
    # them) and no astral character. Agreeing with sacrebleu means agreeing with that.
    low = ord(start[0]) + (len(start) > 1)
    return f"{re.escape(chr(low))}-{re.escape(end[0])}"


_SINGLE = "".join(_range(start, end) for start, end in _UCODE_RANGES)
_RUNS = re.compile(f"[{_SINGLE}]+|[^{_SINGLE}]+")
_PLAIN = re.compile(f"[{_SINGLE}]*")
_SINGLE_CHARACTER = re.compile(f"[{_SINGLE}]")
_split_word = TokenizerRegexp()
_ASCII_WORD = re.compile("[a-z0-9]")


def tokenize_zh(text: str) -> list[str]:
    """sacrebleu's ``zh``: Chinese characters one by one, other runs as 13a words.

    Equal to ``sacrebleu.tokenizers.TokenizerZh()(text).split()`` for every string, several times as
    fast: text that is all Chinese is only taken apart, and the regular expressions run on the rest.
    """
    text = text.rstrip().strip()
    if _PLAIN.fullmatch(text):
        return list("".join(text.split()))
    tokens: list[str] = []
    last = len(text)
    single = _SINGLE_CHARACTER.match(text) is not None
    for match in _RUNS.finditer(text):  # the two kinds of run alternate
        piece = match.group()
        if single:
            tokens.extend("".join(piece.split()))
        else:
            # The Chinese neighbours of a run are set off by spaces before its punctuation is split.
            left = " " if match.start() else ""
            right = " " if match.end() < last else ""
            tokens.extend(_split_word(left + piece + right).split())
        single = not single
    return tokens


def tokenize_char(text: str) -> list[str]:
    """Every character but white space is a token (sacrebleu's ``char``)."""
    return [c for c in text if not c.isspace()]


@cache
def _jieba() -> Callable[[str], list[str]]:
    try:
        import rjieba
    except ImportError:
        raise ModuleNotFoundError(
            "csconv_tokenizer=jieba needs rjieba, which csconv's extra [jieba] brings"
        ) from None
    cut: Callable[[str], list[str]] = rjieba.cut
    return cut


def tokenize_jieba(text: str) -> list[str]:
    """Words as rjieba's default mode cuts them; white space is no token."""
    # rjieba is Rust and takes no lone surrogates.
    return [w for w in _jieba()(text.encode("utf-8", "replace").decode("utf-8")) if not w.isspace()]


def tokenize_ascii(text: str) -> list[str]:
    """rouge-score's default tokenizer without stemming: keeps ``[a-z0-9]`` runs, drops every Han character."""
    if _ASCII_WORD.search(text.lower()) is None:  # most Chinese replies: the same answer, sooner
        return []
    tokens: list[str] = _rouge_score_tokenize(text, None)
    return tokens


TOKENIZERS: dict[str, Tokenizer] = {"zh": tokenize_zh, "char": tokenize_char, "jieba": tokenize_jieba}


def tokenizer(name: str) -> Tokenizer:
    """The tokenizer of that name, ready to use.

    Raises:
        ValueError: no such tokenizer.
        ModuleNotFoundError: its package is not installed; the message says which.
    """
    if name not in TOKENIZERS:
        raise ValueError(f"csconv_tokenizer={name!r} is none of {', '.join(TOKENIZERS)}")
    if name == "jieba":
        _jieba()
    return TOKENIZERS[name]


@lru_cache(maxsize=2**16)
def tokens_of(name: str, text: str) -> list[str]:
    """The tokens of a text under the tokenizer ``name``; not to be changed, for they are kept.

    BLEU, ROUGE-L, length and each order of distinct-n want the tokens of the same replies.
    """
    return tokenizer(name)(text)


def tokenizer_version(name: str) -> str:
    """Name and, where a package defines the tokens, its version: for the signature."""
    if name == "jieba":
        return f"jieba(rjieba-{metadata.version('rjieba')})"
    if name == "zh":
        return f"zh(sacrebleu-{metadata.version('sacrebleu')})"
    return name


def tokenizer_named(version: str) -> str:
    """The name of the tokenizer whose :func:`tokenizer_version` this is, whatever version it is of.

    Raises:
        ValueError: of none.
    """
    for name in TOKENIZERS:
        if version == name or version.startswith(f"{name}("):
            return name
    raise ValueError(f"the tokenizer {version!r} is none of {', '.join(TOKENIZERS)}")

"""Tokenizers for Chinese text: what BLEU, ROUGE, distinct and length count.

The choice decides what a score means (unrelated supporter utterances reach BLEU-2 9 under ``zh`` and
5 under ``jieba``), so it is part of every signature. ``zh-norm`` is not chosen: the columns that are named after
it always use it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from functools import cache, lru_cache
from importlib import metadata

import numpy as np
import numpy.typing as npt
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp
from sacrebleu.tokenizers.tokenizer_zh import _UCODE_RANGES

from csc_tasks.metrics.orthography import PLACEHOLDER, normal_forms, spelling_version

__all__ = [
    "DEFAULT_TOKENIZER",
    "NORM",
    "TOKENIZERS",
    "CharacterRole",
    "Tokenizer",
    "character_roles",
    "has_ascii_word",
    "split_run",
    "tokenize_ascii",
    "tokenize_norm",
    "tokenizer",
    "tokenizer_version",
    "tokens_of",
]

Tokenizer = Callable[[str], list[str]]

DEFAULT_TOKENIZER = "zh"
NORM = "zh-norm"
"""``zh`` over a text's normal form, in which a placeholder is one token."""


def _range(start: str, end: str) -> tuple[int, int]:
    # sacrebleu writes its two astral ranges as '\u20000', which Python reads as two characters. Its
    # comparison of strings then covers U+2001..U+2A6D (general punctuation such as “…” and — among
    # them) and no astral character. Agreeing with sacrebleu means agreeing with that.
    return ord(start[0]) + (len(start) > 1), ord(end[0])


_SINGLE_RANGES = [_range(start, end) for start, end in _UCODE_RANGES]
_SINGLE = "".join(f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in _SINGLE_RANGES)
_RUNS = re.compile(f"[{_SINGLE}]+|[^{_SINGLE}]+")
_PLAIN = re.compile(f"[{_SINGLE}]*")
_SINGLE_CHARACTER = re.compile(f"[{_SINGLE}]")
_split_word = TokenizerRegexp()
_ASCII_WORD = re.compile("[A-Za-z0-9\u0130\u212a]")  # the last two are i and k in lower case
_ASCII_WORDS = re.compile("[a-z0-9]+")


def tokenize_zh(text: str) -> list[str]:
    """sacrebleu's ``zh``: Chinese characters one by one, other runs as 13a words.

    Equal to ``sacrebleu.tokenizers.TokenizerZh()(text).split()`` for every string, several times as
    fast: text that is all Chinese is only taken apart, and the regular expressions run on the rest.
    """
    text = text.strip()
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
            tokens.extend(split_run(left + piece + right))
        single = not single
    return tokens


def tokenize_norm(text: str) -> list[str]:
    """The tokens of a text under :data:`NORM`."""
    (normal,) = normal_forms([text])
    return _tokenize_normal(normal)


def _tokenize_normal(normal: str) -> list[str]:
    """The same of a text in normal form."""
    if "[" not in normal:
        return tokens_of(DEFAULT_TOKENIZER, normal)
    tokens: list[str] = []
    at = 0
    for placeholder in PLACEHOLDER.finditer(normal):
        tokens += tokenize_zh(normal[at : placeholder.start()])
        tokens.append(placeholder[0])
        at = placeholder.end()
    return tokens + tokenize_zh(normal[at:])


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


def has_ascii_word(text: str) -> bool:
    """Whether :func:`tokenize_ascii` finds anything, which it does in few Chinese replies."""
    return _ASCII_WORD.search(text) is not None


def tokenize_ascii(text: str) -> list[str]:
    """rouge-score's default tokenizer without stemming: keeps ``[a-z0-9]`` runs, drops every Han character."""
    return _ASCII_WORDS.findall(text.lower())


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

    Under :data:`NORM` the text is in normal form already.
    """
    return _tokenize_normal(text) if name == NORM else tokenizer(name)(text)


class CharacterRole(IntEnum):
    """What a character means for the text that it stands in."""

    SINGLE = 0
    """It is a token of its own, whatever stands beside it."""
    RUN = 1
    """With those of its kind beside it it makes a run, whose tokens :func:`split_run` gives."""
    WHOLE = 2
    """The text must be tokenised as a whole."""


@cache
def character_roles(name: str) -> npt.NDArray[np.uint8]:
    """The role of every code point (0x110000,), in texts that white space does not enclose."""
    if name not in (DEFAULT_TOKENIZER, NORM):
        return np.full(0x110000, CharacterRole.WHOLE, dtype=np.uint8)
    roles = np.full(0x110000, CharacterRole.RUN, dtype=np.uint8)
    for low, high in _SINGLE_RANGES:
        roles[low : high + 1] = CharacterRole.SINGLE
        spaces = re.finditer(r"\s", "".join(map(chr, range(low, high + 1))))
        roles[[low + space.start() for space in spaces]] = CharacterRole.WHOLE
    return roles


def split_run(run: str) -> list[str]:
    """The tokens of a run between single characters, which is set off from them by a space."""
    tokens: list[str] = _split_word(run).split()
    return tokens


def tokenizer_version(name: str) -> str:
    """Name and, where a package defines the tokens, its version: for the signature."""
    if name == "jieba":
        return f"jieba(rjieba-{metadata.version('rjieba')})"
    if name in (DEFAULT_TOKENIZER, NORM):
        spelling = f", {spelling_version()}" if name == NORM else ""
        return f"{name}(sacrebleu-{metadata.version('sacrebleu')}{spelling})"
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

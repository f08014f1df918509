"""Texts as arrays of token numbers, and n-gram counts over them without a Python loop per n-gram."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.orthography import PLACEHOLDER, code_points
from csc_tasks.metrics.tokenizers import NORM, CharacterRole, character_roles, split_run, tokens_of

__all__ = ["EncodedPairs", "EncodedTexts", "Ints", "Vocabulary", "distinct_ngrams"]

Ints = npt.NDArray[np.int64]

CHUNK = 1024
"""Pairs counted at a time, so that what is counted stays in the processor's cache."""
_WORDS = 0x110000
"""Tokens of one character have its code point as their number; others have numbers from here."""
_TICKED = 1 << 26
"""Numbers up to here are told apart by ticking each off, larger ones by sorting, which takes ten times as long."""
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio
_SIEVE = 18
"""Bits by which n-grams are told apart before they are compared."""


@dataclass(frozen=True)
class EncodedTexts:
    """n texts as one array of token numbers; text i is ``tokens[starts[i]:starts[i + 1]]``."""

    tokens: Ints
    starts: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Ints:
        """Tokens in each text."""
        return np.diff(self.starts)


class Vocabulary:
    """Numbers tokens, equal ones alike."""

    def __init__(self) -> None:
        self._words: defaultdict[str, int] = defaultdict()
        self._words.default_factory = lambda: _WORDS + len(self._words)
        self._runs: dict[str, list[int]] = {}

    def encode(self, texts: Sequence[str], tokenizer: str) -> EncodedTexts:
        """Tokenise every text, under ``zh-norm`` those in normal form, and number the tokens.

        Characters that are a token of their own, which are most, are numbered all at once; what stands between them
        is taken apart run by run, equal ones once.
        """
        joined = "".join(texts)
        characters, starts = code_points(joined), _starts(texts)
        roles = character_roles(tokenizer)[characters]
        # A placeholder is a token, and what is before and behind it as if it stood alone.
        found = PLACEHOLDER.finditer(joined) if tokenizer == NORM and "[" in joined else ()
        placeholders = np.array([m.span() for m in found], dtype=np.int64).reshape(-1, 2)
        in_one_text = np.searchsorted(starts, placeholders[:, 0], side="right") == np.searchsorted(
            starts, placeholders[:, 1], side="left"
        )
        placeholders = placeholders[in_one_text]
        edges = np.unique(np.concatenate([starts, placeholders.ravel()]))
        owner = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        first, last = np.zeros((2, len(characters)), dtype=bool)
        first[edges[:-1]] = last[edges[1:] - 1] = True
        whole = np.zeros(len(edges) - 1, dtype=bool)  # parts that are tokenised as a whole
        whole[np.searchsorted(edges, placeholders[:, 0])] = True
        whole[owner[roles == CharacterRole.WHOLE]] = True
        ends = np.flatnonzero((first | last) & (roles == CharacterRole.RUN))
        whole[[int(owner[at]) for at in ends.tolist() if joined[at].isspace()]] = True
        apart = (roles == CharacterRole.RUN) | whole[owner]
        inside = apart & ~whole[owner]
        begins_run = apart & (first | (inside & ~np.roll(apart, 1)))
        ends_run = apart & (last | (inside & ~np.roll(apart, -1)))
        # A run of one letter, digit or mark is a token.
        alone = begins_run & ends_run & inside & (characters > ord(" ")) & (characters < 0x7F)
        apart, begins_run, ends_run = apart & ~alone, begins_run & ~alone, ends_run & ~alone
        begins, ends = np.flatnonzero(begins_run), np.flatnonzero(ends_run)
        runs = [
            self._numbers(joined[begin : end + 1], tokenizer, is_whole, not at_first, not at_last)
            for begin, end, is_whole, at_first, at_last in zip(
                begins.tolist(),
                ends.tolist(),
                whole[owner[begins]].tolist(),
                first[begins].tolist(),
                last[ends].tolist(),
                strict=True,
            )
        ]
        numbers = np.array(list(chain.from_iterable(runs)), dtype=np.int64)
        sizes = np.fromiter(map(len, runs), dtype=np.int64, count=len(runs))
        tokens_of_character = (~apart).astype(np.int64)
        tokens_of_character[begins] = sizes
        places = _sums_before(tokens_of_character)
        tokens = np.empty(int(places[-1]), dtype=np.int64)
        tokens[places[:-1][~apart]] = characters[~apart]
        of_run = np.arange(len(numbers)) - np.repeat(_sums_before(sizes)[:-1], sizes)
        tokens[np.repeat(places[begins], sizes) + of_run] = numbers
        return EncodedTexts(tokens, places[starts])

    def _numbers(self, run: str, tokenizer: str, whole: bool, after: bool, before: bool) -> list[int]:
        """The numbers of the tokens of a text, or of what stands after and before single characters of one."""
        if whole:
            return [self._number(token) for token in tokens_of(tokenizer, run)]
        padded = f"{' ' if after else ''}{run}{' ' if before else ''}"
        if padded not in self._runs:
            self._runs[padded] = [self._number(token) for token in split_run(padded)]
        return self._runs[padded]

    def _number(self, token: str) -> int:
        return ord(token) if len(token) == 1 else self._words[token]

    def encode_tokens(self, tokenized: Sequence[list[str]]) -> EncodedTexts:
        """Number the tokens of every text."""
        tokens = [self._number(token) for t in tokenized for token in t]
        return EncodedTexts(np.array(tokens, dtype=np.int64), _starts(tokenized))


def _starts(tokenized: Sequence[Sized]) -> Ints:
    """Where each of some texts begins, and the last one ends, if they stand one behind the other."""
    return _sums_before(np.fromiter(map(len, tokenized), dtype=np.int64, count=len(tokenized)))


def _sums_before(counts: Ints) -> Ints:
    """The sums (n + 1,) of the counts (n,) before each, and of all."""
    sums = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums


@dataclass(frozen=True)
class EncodedPairs:
    """Hypotheses and references over one vocabulary of ``types`` distinct tokens, numbered from 0."""

    hypotheses: EncodedTexts
    references: EncodedTexts
    types: int

    @classmethod
    def of(cls, hypotheses: Sequence[str], references: Sequence[str], tokenizer: str) -> EncodedPairs:
        """Tokenise and number n pairs of texts."""
        vocabulary = Vocabulary()
        return cls.numbered(
            vocabulary.encode(hypotheses, tokenizer), vocabulary.encode(references, tokenizer)
        )

    @classmethod
    def numbered(cls, hypotheses: EncodedTexts, references: EncodedTexts) -> EncodedPairs:
        """Pairs of texts of one vocabulary, whose tokens are numbered anew without gaps."""
        used = np.zeros(1 + max(int(t.tokens.max(initial=0)) for t in (hypotheses, references)), dtype=bool)
        used[hypotheses.tokens] = used[references.tokens] = True
        number = np.cumsum(used) - 1
        dense = [EncodedTexts(number[t.tokens], t.starts) for t in (hypotheses, references)]
        return cls(dense[0], dense[1], int(used.sum()))

    def __len__(self) -> int:
        return len(self.hypotheses)

    def ngram_matches(self, orders: int) -> Ints:
        """Clipped matches (orders, n) of the n-grams of one token, of two, and so on.

        A match is clipped as BLEU wants it: an n-gram counts at most as often as the reference has it.
        """
        n = len(self)
        matches = np.zeros((orders, n), dtype=np.int64)
        for first in range(0, n, CHUNK):
            last = min(first + CHUNK, n)
            hyp, ref = (_Grams.single(t, first, last) for t in (self.hypotheses, self.references))
            for order in range(orders):
                if order:
                    hyp, ref = hyp.longer(), ref.longer()
                hyp_keys, ref_keys = hyp.keys(self.types), ref.keys(self.types)
                # Most n-grams are on one side only. A few bits of them tell nearly all before anything is sorted.
                hyp_bits, ref_bits = _bits(hyp_keys), _bits(ref_keys)
                in_hyp, in_ref = np.zeros((2, 1 << _SIEVE), dtype=bool)
                in_hyp[hyp_bits], in_ref[ref_bits] = True, True
                in_both = np.flatnonzero(in_ref[hyp_bits]), np.flatnonzero(in_hyp[ref_bits])
                hyp, ref = hyp.chosen(in_both[0]), ref.chosen(in_both[1])
                keys = np.concatenate([hyp_keys[in_both[0]], ref_keys[in_both[1]]])
                number = _numbered(keys)
                hyp_number, ref_number = number[: len(hyp)], number[len(hyp) :]
                clipped = np.minimum(
                    np.bincount(hyp_number, minlength=len(keys)), np.bincount(ref_number, minlength=len(keys))
                )
                owner = np.zeros(len(keys), dtype=np.int64)
                owner[hyp_number] = hyp.owner
                counts = np.bincount(owner, weights=clipped, minlength=last - first)
                matches[order, first:last] = counts.astype(np.int64)
                # What begins with an n-gram that does not match does not match.
                hyp = hyp.chosen(np.flatnonzero(clipped[hyp_number] > 0), hyp_number)
                ref = ref.chosen(np.flatnonzero(clipped[ref_number] > 0), ref_number)
        return matches


def distinct_ngrams(texts: EncodedTexts, order: int) -> Ints:
    """The different n-grams of one or two tokens, sorted, each as one number."""
    assert order in (1, 2)
    known = _distinct(texts.tokens)
    if order == 1 or len(known) == 0:
        return known if order == 1 else np.zeros(0, dtype=np.int64)
    number = np.zeros(int(known[-1]) + 1, dtype=np.int64)
    number[known] = np.arange(len(known))
    tokens = number[texts.tokens]
    inside = np.ones(len(tokens) - 1, dtype=bool)
    # No pair runs from one text into the next.
    edges = texts.starts[1:-1]
    inside[edges[(edges > 0) & (edges < len(tokens))] - 1] = False
    found = _distinct((tokens[:-1] * len(known) + tokens[1:])[inside])
    return known[found // len(known)] << 32 | known[found % len(known)]


def _distinct(numbers: Ints) -> Ints:
    """The different numbers, sorted."""
    size = int(numbers.max(initial=-1)) + 1
    if size > _TICKED:
        return np.unique(numbers)
    ticked = np.zeros(size, dtype=bool)
    ticked[numbers] = True
    return np.flatnonzero(ticked)


@dataclass(frozen=True)
class _Grams:
    """n-grams of some texts: where the last token of each is, its text (from 0), where that ends, and the number of
    what stands before its last token, the text's own for single tokens."""

    tokens: Ints
    last: Ints
    owner: Ints
    end: Ints
    before: Ints

    @classmethod
    def single(cls, texts: EncodedTexts, first: int, last: int) -> _Grams:
        """The tokens of texts ``first`` to ``last``."""
        bounds = texts.starts[first : last + 1] - texts.starts[first]
        tokens = texts.tokens[texts.starts[first] : texts.starts[last]]
        owner = np.repeat(np.arange(last - first), np.diff(bounds))
        return cls(tokens, np.arange(len(tokens)), owner, bounds[1:][owner], owner)

    def __len__(self) -> int:
        return len(self.last)

    def keys(self, types: int) -> Ints:
        """One number for each, equal if and only if text and tokens are; far below 2^63."""
        return self.before * max(types, 1) + self.tokens[self.last]

    def chosen(self, some: Ints, number: Ints | None = None) -> _Grams:
        """Some of them; with the ``number`` of each, for longer ones that begin with them."""
        before = self.before if number is None else number
        return _Grams(self.tokens, self.last[some], self.owner[some], self.end[some], before[some])

    def longer(self) -> _Grams:
        """Those of one token more, where the text goes on."""
        some = np.flatnonzero(self.last + 1 < self.end)
        return _Grams(self.tokens, self.last[some] + 1, self.owner[some], self.end[some], self.before[some])


def _bits(keys: Ints, salt: int = 0) -> Ints:
    """A few bits of each key, spread by a multiplication with an odd number."""
    factor = np.uint64((_GOLDEN + 2 * salt * _GOLDEN) % 2**64)
    return ((keys.view(np.uint64) * factor) >> np.uint64(64 - _SIEVE)).view(np.int64)


def _numbered(keys: Ints) -> Ints:
    """The place (n,) of one of those that are equal to each key, the same one for all of them.

    Without sorting: each writes its place where its bits say, and whoever finds an equal key there is numbered.
    Those that find another go on with other bits.
    """
    number = np.empty(len(keys), dtype=np.int64)
    table = np.empty(1 << _SIEVE, dtype=np.int64)
    left, salt = np.arange(len(keys)), 0
    while len(left):
        mine = keys[left]
        slots = _bits(mine, salt)
        table[slots] = left
        found = table[slots]
        same = keys[found] == mine
        number[left[same]] = found[same]
        left, salt = left[~same], salt + 1
    return number

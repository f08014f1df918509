"""BLEU and ROUGE-L against sacrebleu and rouge-score, on real, mixed and hostile text."""

from __future__ import annotations

import itertools
import random

import numpy as np
import opencc
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer
from rouge_score.tokenizers import DefaultTokenizer

from csc_tasks.data.sources import load
from csc_tasks.metrics import Turns
from csc_tasks.metrics.bleu import Bleu
from csc_tasks.metrics.rouge import RougeL, RougeLAscii
from csc_tasks.metrics.tokenizers import TOKENIZERS, tokenize_norm
from tests.texts import ALL, MIXED, REAL, any_text


def turns_of(pairs: list[tuple[str, str]], tokenizer: str = "zh") -> Turns:
    return Turns(
        conversations=["c"] * len(pairs),
        positions=np.arange(len(pairs)),
        hypotheses=[h for h, _ in pairs],
        references=[r for _, r in pairs],
        tokenizer=tokenizer,
    )


def our_bleu(pairs: list[tuple[str, str]], order: int, tokenizer: str = "zh") -> float:
    metric = Bleu(order)
    return metric.score(metric.items(turns_of(pairs, tokenizer)))


def sacre_bleu(pairs: list[tuple[str, str]], order: int, tokenizer: str = "zh") -> float:
    bleu = sacrebleu.BLEU(tokenize=tokenizer, max_ngram_order=order)
    return float(bleu.corpus_score([h for h, _ in pairs], [[r for _, r in pairs]]).score) / 100


class _Tokens:
    def __init__(self, name: str) -> None:
        self._tokenize = TOKENIZERS[name]

    def tokenize(self, text: str) -> list[str]:
        return self._tokenize(text)


def rouge(pairs: list[tuple[str, str]], tokenizer: object) -> list[float]:
    scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=tokenizer)
    return [scorer.score(target=r, prediction=h)["rougeL"].fmeasure for h, r in pairs]


ALL_PAIRS = list(itertools.product([*REAL, *MIXED], ALL)) + [(t, t) for t in ALL]
SHORT_PAIRS = [(h, r) for h, r in ALL_PAIRS if len(h) < 500 and len(r) < 500]


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("tokenizer", ["zh", "char"])
def test_bleu_is_sacrebleus_on_the_whole_corpus(order: int, tokenizer: str) -> None:
    assert our_bleu(ALL_PAIRS, order, tokenizer) == pytest.approx(
        sacre_bleu(ALL_PAIRS, order, tokenizer), abs=1e-9
    )


@pytest.mark.slow
@pytest.mark.parametrize("order", [2, 4])
def test_bleu_is_sacrebleus_on_every_single_pair(order: int) -> None:
    for pair in ALL_PAIRS:
        assert our_bleu([pair], order) == pytest.approx(sacre_bleu([pair], order), abs=1e-9), pair


@given(st.lists(st.tuples(any_text, any_text), min_size=1, max_size=6), st.sampled_from([2, 4]))
@settings(max_examples=300)
def test_bleu_is_sacrebleus_on_any_corpus(pairs: list[tuple[str, str]], order: int) -> None:
    assert our_bleu(pairs, order) == pytest.approx(sacre_bleu(pairs, order), abs=1e-9)


def test_bleu_statistics_stay_exact_across_the_chunks_of_a_long_corpus() -> None:
    rng = random.Random(0)
    words = [
        chr(code) for code in range(0x4E00, 0x4E00 + 6000)
    ]  # a large vocabulary, so keys must be renumbered
    pairs = []
    for _ in range(2500):
        reference = [rng.choice(words[:300]) for _ in range(rng.randint(1, 40))]
        hypothesis = [w if rng.random() < 0.7 else rng.choice(words) for w in reference]
        pairs.append(("".join(hypothesis), "".join(reference)))
    for order in (2, 4):
        assert our_bleu(pairs, order) == pytest.approx(sacre_bleu(pairs, order), abs=1e-9)


@pytest.mark.parametrize("tokenizer", ["zh", "char", "jieba"])
def test_rouge_l_is_rouge_scores_given_the_same_tokens(tokenizer: str) -> None:
    metric = RougeL()
    ours = metric.items(turns_of(SHORT_PAIRS, tokenizer))
    assert ours == pytest.approx(rouge(SHORT_PAIRS, _Tokens(tokenizer)), abs=1e-9)


@given(st.lists(st.tuples(any_text, any_text), min_size=1, max_size=4))
@settings(max_examples=300)
def test_rouge_l_is_rouge_scores_on_any_text(pairs: list[tuple[str, str]]) -> None:
    assert RougeL().items(turns_of(pairs)) == pytest.approx(rouge(pairs, _Tokens("zh")), abs=1e-9)


class _Norm:
    def tokenize(self, text: str) -> list[str]:
        return tokenize_norm(text)


def norm_scores(pairs: list[tuple[str, str]], tokenizer: str = "zh") -> list[float]:
    """bleu_2_norm and bleu_4_norm of all pairs, then rouge_l_norm of each."""
    turns = turns_of(pairs, tokenizer)
    bleu = [metric.score(metric.items(turns)) for metric in (Bleu(2, norm=True), Bleu(4, norm=True))]
    return bleu + RougeL(norm=True).items(turns)


def expected_norm_scores(pairs: list[tuple[str, str]]) -> list[float]:
    """The same by sacrebleu and rouge-score, which are given the tokens."""
    hypotheses, references = (
        [" ".join(tokenize_norm(text)) for text in side] for side in zip(*pairs, strict=True)
    )
    bleu = [
        sacrebleu.BLEU(tokenize="none", max_ngram_order=n, force=True)
        .corpus_score(hypotheses, [references])
        .score
        for n in (2, 4)
    ]
    return [score / 100 for score in bleu] + rouge(pairs, _Norm())


SPELLED = [
    (a.translate(str.maketrans("，。！？（）", ",.!?()")), b)
    for a, b in itertools.product([*REAL, *MIXED], REAL)
] + [("您的【手机号码】是[手机号码]吗", "[手机号码]您好"), ("請問發票", "请问发票"), ("[", "]")]


@pytest.mark.parametrize("tokenizer", ["zh", "char"])
def test_the_norm_columns_are_sacrebleus_and_rouge_scores_given_the_tokens(tokenizer: str) -> None:
    """Whatever the run's own tokenizer is; under zh what the two share is counted once."""
    pairs = SHORT_PAIRS + SPELLED
    assert norm_scores(pairs, tokenizer) == pytest.approx(expected_norm_scores(pairs), abs=1e-9)


@pytest.mark.slow
@given(st.lists(st.tuples(any_text, any_text), min_size=1, max_size=6))
@settings(max_examples=200)
def test_the_norm_columns_are_those_of_any_text(pairs: list[tuple[str, str]]) -> None:
    assert norm_scores(pairs) == pytest.approx(expected_norm_scores(pairs), abs=1e-9)


def test_another_spelling_costs_nothing_under_norm() -> None:
    gold = [u.text for c in load("mini").conversations for u in c.utterances if u.strategy]
    half = [text.translate(str.maketrans("，。！？：；（）“”", ',.!?:;()""')) for text in gold]
    traditional = [opencc.OpenCC("s2t").convert(text) for text in gold]
    for copies, plain in ((half, 0.9), (traditional, 0.8)):
        pairs = list(zip(copies, gold, strict=True))
        turns = turns_of(pairs)
        assert min(norm_scores(pairs)[:2]) > 0.999
        assert np.mean(RougeL(norm=True).items(turns)) > 0.999
        assert np.mean(RougeL().items(turns)) < plain  # what it costs without


def test_rouge_l_ascii_is_rouge_score_with_its_default_tokenizer() -> None:
    ours = RougeLAscii().items(turns_of(SHORT_PAIRS))
    assert ours == pytest.approx(rouge(SHORT_PAIRS, DefaultTokenizer(use_stemmer=False)), abs=1e-9)


def test_two_identical_chinese_sentences_score_1_but_0_in_the_ascii_variant() -> None:
    same = [(REAL[0], REAL[0])]
    assert our_bleu(same, 4) == pytest.approx(1.0)
    assert RougeL().items(turns_of(same)) == [1.0]
    assert RougeLAscii().items(turns_of(same)) == [0.0]


@pytest.mark.parametrize(
    ("hypothesis", "reference", "bleu_2", "rouge_l"),
    [
        ("", "您好", 0.0, 0.0),  # an empty reply is 0, not an error
        ("您好", "", 0.0, 0.0),
        ("您好", "您好", 1.0, 1.0),
        ("好您", "您好", 0.5**0.5, 0.5),  # p1 = 2/2, p2 smoothed to 1/(2·1)
        ("再见", "您好", 0.0, 0.0),  # nothing in common
        ("您好", "您好吗您好吗", np.exp(1 - 6 / 2), 0.5),  # brevity penalty; P = 1, R = 2/6
    ],
)
def test_scores_of_literal_pairs(hypothesis: str, reference: str, bleu_2: float, rouge_l: float) -> None:
    assert our_bleu([(hypothesis, reference)], 2) == pytest.approx(bleu_2)
    assert RougeL().items(turns_of([(hypothesis, reference)])) == [pytest.approx(rouge_l)]


def test_bleu_from_summed_statistics_is_bleu_of_the_union() -> None:
    metric = Bleu(4)
    first, second = SHORT_PAIRS[:40], SHORT_PAIRS[40:90]
    items = [metric.items(turns_of(part)) for part in (first, second)]
    sums = sum(metric.statistics(part).sum(axis=0) for part in items)
    assert float(metric.from_sums(np.asarray(sums))) == pytest.approx(our_bleu(first + second, 4), abs=1e-12)


def test_scores_of_many_resamples_at_once_are_those_of_each_alone() -> None:
    metric = Bleu(4)
    statistics = metric.statistics(metric.items(turns_of(SHORT_PAIRS)))
    weights = np.random.default_rng(0).integers(0, 3, size=(20, len(statistics))).astype(float)
    together = metric.from_sums(weights @ statistics)
    alone = [float(metric.from_sums(w @ statistics)) for w in weights]
    assert together.tolist() == pytest.approx(alone, abs=1e-12)


def test_an_empty_set_of_turns_has_no_score() -> None:
    assert np.isnan(Bleu(2).score([]))
    assert np.isnan(RougeL().score([]))

"""BERTScore: bert-score's own values, in an order that a reader of Chinese agrees with, whatever else is scored."""

from __future__ import annotations

import itertools
import logging
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from csc_tasks.data.sources import load
from csc_tasks.metrics import ModelError, Turns
from csc_tasks.metrics.neural.bertscore import BertScore, BertScoreOptions, BertScorer
from tests.door import program
from tests.texts import MIXED, REAL

torch = pytest.importorskip("torch")

LADDERS = [
    # reference; paraphrase; a reply that answers something else; not customer support; no language
    (
        "您好，您的订单已经发货，预计明天下午送达。",
        "您好，您的包裹已寄出，预计明日下午就能送到。",
        "请您先拔掉路由器的电源，等一分钟再插上。",
        "红烧肉要先焯水，再用小火慢慢炖一个小时。",
        "#@!% ^&* ~~ ||| {} qzx 9f",
    ),
    (
        "非常抱歉给您带来不便，我马上为您申请退款。",
        "实在对不起给您添麻烦了，我现在就帮您办理退款。",
        "您的会员等级是金卡，本月有三张优惠券。",
        "红烧肉要先焯水，再用小火慢慢炖一个小时。",
        "asdkjh qwe zxcm nbv",
    ),
    (
        "请问您方便提供一下订单号吗？",
        "麻烦您告诉我订单号码，可以吗？",
        "您的宽带套餐下个月到期，可以续费。",
        "这本小说写的是一个小镇三代人的故事。",
        "xqz 龘 7d %% 靐 jjw ##",
    ),
    (
        "建议您重启手机，然后重新登录账号试试。",
        "您可以先把手机重新开机，再登录一次看看。",
        "您的投诉我们已经记录，三个工作日内回复。",
        "球队在最后一分钟攻入了决定胜负的一球。",
        "x9 k2 q7 zz w0 jj",
    ),
]


@pytest.fixture(scope="module", params=["tiny_bert", pytest.param("e5", marks=pytest.mark.slow)])
def encoder(request: pytest.FixtureRequest) -> Path:
    """A tiny encoder with random weights, and a real one."""
    return Path(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def scorer(encoder: Path) -> BertScorer:
    return BertScorer.of(BertScoreOptions(str(encoder), 9))


def some_pairs() -> tuple[list[str], list[str]]:
    """Replies and references of many lengths, twins among them, some of them empty."""
    rng = random.Random(3)
    texts = [u.text for c in load("mini").conversations[:6] for u in c.utterances] + REAL + MIXED
    references = rng.sample(texts, 60)
    replies = [rng.choice(texts) for _ in references]
    replies[:3] = references[:3]
    replies[3:5] = ["", " \n"]
    references[5] = ""
    return replies, references


@pytest.mark.slow
@pytest.mark.parametrize("ladder", LADDERS, ids=[row[0][:8] for row in LADDERS])
def test_identical_beats_paraphrase_beats_wrong_reply_beats_off_topic_beats_gibberish(
    e5: Path, ladder: tuple[str, ...]
) -> None:
    reference = ladder[0]
    f1 = BertScorer.of(BertScoreOptions(str(e5), 9)).score(ladder, [reference] * len(ladder))[:, 2].tolist()
    assert f1[0] == pytest.approx(1.0, abs=1e-6)
    assert f1 == sorted(f1, reverse=True)
    assert min(a - b for a, b in itertools.pairwise(f1)) > 0.02


def test_every_pair_has_the_value_that_bert_score_gives_it_alone(scorer: BertScorer, encoder: Path) -> None:
    from bert_score.utils import bert_cos_score_idf, get_model, get_tokenizer

    model, tokenizer = get_model(str(encoder), 9), get_tokenizer(str(encoder))
    tokenizer.model_max_length = model.config.max_position_embeddings  # where a tokenizer does not say
    weights = dict.fromkeys(range(len(tokenizer)), 1.0) | {
        tokenizer.cls_token_id: 0.0,
        tokenizer.sep_token_id: 0.0,
    }
    replies, references = some_pairs()
    ours = scorer.score(replies, references)
    for reply, reference, row in zip(replies, references, ours, strict=True):
        if reply.strip() and reference:  # bert-score fails on an empty text
            theirs = bert_cos_score_idf(model, [reference], [reply], tokenizer, weights, device="cpu")
            np.testing.assert_allclose(row, theirs.numpy()[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("batch", [1, 3, 64])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_score_is_the_same_to_the_last_bit_in_any_order_batch_and_number_of_threads(
    scorer: BertScorer, encoder: Path, batch: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies, references = some_pairs()
    expected = scorer.score(replies, references)
    order = list(range(len(replies)))
    random.Random(batch).shuffle(order)
    order = order[: 20 if batch == 1 else None]
    other = BertScorer(BertScoreOptions(str(encoder), 9, batch=batch))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = other.score([replies[i] for i in order], [references[i] for i in order])
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert (found == expected[order]).all()


def test_kept_vectors_give_the_same_bits(
    scorer: BertScorer, encoder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeping = BertScorer(BertScoreOptions(str(encoder), 9, vectors=tmp_path))
    replies, references = some_pairs()
    caplog.set_level(logging.INFO)
    first = keeping.score(replies, references)
    assert "vectors of 0 references were kept" in caplog.text
    caplog.clear()
    second = keeping.score(replies[::-1], references[::-1])
    assert "references were kept, 0 added" in caplog.text
    assert (first == scorer.score(replies, references)).all()
    assert (second[::-1] == first).all()


def test_no_vector_is_kept_unless_a_folder_is_named(
    scorer: BertScorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path))
    scorer.score(["您好"], ["您好，请讲"])
    assert list(tmp_path.iterdir()) == []


def test_an_empty_text_scores_zero_and_one_that_is_too_long_is_cut_with_a_word(
    tiny_bert: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny = BertScorer(BertScoreOptions(str(tiny_bert), 8))
    replies = ["", "  \t\n", "[SEP]", "您好", "您好"]
    references = ["您好", "您好", "您好", "", "[CLS][SEP]"]
    assert (tiny.score(replies, references) == 0).all()
    assert "texts cut" not in caplog.text
    # 126 characters and the two special tokens fill the 128 positions
    long = tiny.score(["好" * 5000, "好" * 126], ["您好"] * 2)
    assert "1 texts cut to the encoder's 128 tokens" in caplog.text
    assert (long[0] == long[1]).all()
    assert (long > 0).all()


HALVES = ["好\ud83d的", "\udc00", "您好\ud800", "\ud83d\ude00 好的"]
"""Halves of surrogate pairs, as JSON can hold them and no tokenizer takes them."""


@pytest.mark.parametrize("half", HALVES)
def test_half_a_character_in_one_reference_or_reply_costs_no_other_turn(
    tiny_bert: Path, tmp_path: Path, half: str
) -> None:
    """One of them in a reference made all 407 scores of a run NaN."""
    tiny = BertScorer(BertScoreOptions(str(tiny_bert), 1, vectors=tmp_path))
    replies, references = ["您好", "请稍等", half, half], ["您好啊", half, "稍等", half]
    found = tiny.score(replies, references)
    assert np.isfinite(found).all()
    assert (found[:1] == tiny.score(replies[:1], references[:1])).all()
    assert (found == tiny.score(replies, references)).all()
    whole = [
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in (*replies, *references)
    ]
    assert (found == tiny.score(whole[:4], whole[4:])).all()


def test_rescaling_is_bert_scores_and_needs_a_baseline(tiny_bert: Path, tmp_path: Path) -> None:
    # bert-score knows its baselines by the model's name
    named = Path(shutil.copytree(tiny_bert, tmp_path / "bert-base-chinese"))
    pair = ["您好，请稍等"], ["好的，您稍等"]
    raw = BertScorer(BertScoreOptions(str(named)))
    rescaled = BertScorer(BertScoreOptions(str(named), rescale=True))
    baseline = np.array(
        [0.54804957, 0.5480091, 0.54755783]
    )  # layer 8 in bert-score's zh/bert-base-chinese.tsv
    np.testing.assert_allclose(
        rescaled.score(*pair), (raw.score(*pair) - baseline) / (1 - baseline), atol=1e-9
    )
    assert (rescaled.score([""], ["您好"]) == 0).all()
    assert raw.details["layer"] == 8
    assert "layer 8, no idf, rescaled" in rescaled.signature
    assert rescaled.details["bert_score_hash"].startswith("bert-base-chinese_L8_no-idf_version=")
    assert rescaled.details["bert_score_hash"].endswith("-rescaled")
    with pytest.raises(
        ModelError, match=r"no Chinese baseline to rescale tiny-bert with, only for .*bert-base-ch"
    ):
        BertScorer(BertScoreOptions(str(tiny_bert), 8, rescale=True)).load()


def test_the_signature_follows_weights_tokenizer_and_layer_and_not_place_or_batch(
    tiny_bert: Path, tmp_path: Path
) -> None:
    from tests import encoders

    def signed(path: Path, layer: int = 8, **options: int) -> str:
        scorer = BertScorer(BertScoreOptions(str(path), layer, **options))
        scorer.load()
        return scorer.signature

    base = signed(tiny_bert)
    assert base == signed(Path(shutil.copytree(tiny_bert, tmp_path / "a" / "tiny-bert")), batch=2)
    assert base != signed(tiny_bert, layer=7)
    assert base != signed(encoders.tiny_bert(tmp_path / "b" / "tiny-bert", seed=1))
    half = Path(shutil.copytree(tiny_bert, tmp_path / "t5-c" / "tiny-bert"))  # "t5" must not make it a T5
    text = (half / "tokenizer.json").read_text(encoding="utf-8")
    (half / "tokenizer.json").write_text(text.replace('"您"', '"x您"'), encoding="utf-8")
    assert base != signed(half)


def test_the_three_metrics_share_one_computation_and_one_failure(tiny_bert: Path) -> None:
    options = BertScoreOptions(str(tiny_bert), 8)
    metrics = [BertScore(part, options) for part in ("f1", "precision", "recall")]
    assert len({id(m.scorer) for m in metrics}) == 1
    turns = Turns(["c", "c"], np.array([0, 1]), hypotheses=["您好", "请稍等"], references=["您好啊", "稍等"])
    f1, precision, recall = (np.array(m.items(turns)) for m in metrics)
    np.testing.assert_allclose(f1, 2 * precision * recall / (precision + recall), atol=1e-6)


OUT_OF_MEMORY = """
import logging, resource, sys
logging.basicConfig(level=logging.WARNING)
from csc_tasks.metrics.neural.bertscore import BertScoreOptions, BertScorer
texts = ["您" * 100 + chr(0x4E00 + i % 900) + "一二"[i // 900] for i in range(1500)]
plenty = BertScorer(BertScoreOptions(sys.argv[1], 8, batch=16))
expected = plenty.score(texts[:50], texts[50:100])
scorer = BertScorer(BertScoreOptions(sys.argv[1], 8, batch=100_000))
scorer.load()
now = int(next(l for l in open("/proc/self/status") if l.startswith("VmSize")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (now + 100_000_000, now + 100_000_000))
found = scorer.score(texts, texts[::-1])
print("finite", bool((found > 0).all()), len(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits memory as Linux does")
def test_out_of_memory_goes_on_with_a_smaller_batch_and_says_so(tiny_bert: Path) -> None:
    done = program("-c", OUT_OF_MEMORY, tiny_bert, OMP_NUM_THREADS="1")
    assert done.code == 0, done.err[-3000:]
    assert done.out.strip() == "finite True 1500"
    assert "out of memory with" in done.err
    assert "going on with half as many" in done.err

#!/usr/bin/env python3
"""Make tests/fixtures/bleurt_tiny: a tiny BLEURT checkpoint, and what bleurt-pytorch answers with it.

    python tools/make_bleurt_fixture.py [OUT_DIR]

It runs the original, bleurt-pytorch, which transformers 5 cannot import. Hence an environment apart from
csconv's (only the training conversations are read from this repository, nothing of it is imported):

    python3 -m venv /tmp/bleurt && . /tmp/bleurt/bin/activate
    pip install torch==2.13.0                     # first and alone: the CPU build is enough
    pip install transformers==4.57.6 bleurt-pytorch==0.0.1 sentencepiece==0.2.3 protobuf==7.36.2

The folder has the files of the published checkpoints (lucadiliello/BLEURT-20): config.json and
pytorch_model.bin as the original saves them, a sentencepiece model, tokenizer_config.json with the
published content. The weights are random and seeded, far larger than an untrained model's, so that every
one of them moves the scores; the vocabulary is learnt from the 24 training conversations. expected.json
holds, for each pair of texts, the token ids, the types and the score of the original. One folder is always
made from the same weights; another torch may give other last digits.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import sentencepiece
import torch
import transformers
from bleurt_pytorch import BleurtConfig, BleurtForSequenceClassification, BleurtTokenizer
from bleurt_pytorch.bleurt.tokenization_bleurt_sp import BleurtSPTokenizer

ROOT = Path(__file__).resolve().parents[1]
SEED = 20210920
MAX_LENGTH = 512

REPLY = "您好，您的话费账单我这边帮您查过了，上个月在校外用了四十二G，超出的部分一G五块。"
OTHER = "校外能用，但是流量分两块，学校那片的基站才算，您先别着急，我帮您看看怎么省。"

PAIRS: list[tuple[str, str, str]] = [
    # Name, reference, hypothesis.
    ("identical", "您好，请问有什么可以帮您？", "您好，请问有什么可以帮您？"),
    ("a paraphrase", "请问有什么可以帮您？", "有什么能帮到您的吗？"),
    ("the other way round", "有什么能帮到您的吗？", "请问有什么可以帮您？"),
    ("unrelated", "确认短信刚发过去，您回个“是”就生效。", "师傅明天上午9点到11点之间上门。"),
    ("the opposite", "不回不扣钱。", "不回就扣钱。"),
    ("empty hypothesis", "您先别着急，我帮您查一下。", ""),
    ("empty reference", "", "您先别着急，我帮您查一下。"),
    ("both empty", "", ""),
    ("white space only", "好的，给您登记好了。", " \t\u3000\n "),
    ("white space around and inside", "好的，  给您\n登记好了。", "  好的，给您登记好了。  "),
    ("full-width Latin and digits", "套餐改成５８元，ＡＰＰ里能看到。", "套餐改成58元，APP里能看到。"),
    ("English", "Your refund was sent yesterday.", "The refund is on its way."),
    ("mixed", "请打开App的“设置”页，点“Wi-Fi”。", "打开App，Settings里有Wi-Fi。"),
    ("emoji", "谢谢您，祝您生活愉快！", "谢谢您😀👨‍👩‍👧‍👦祝您生活愉快🎉"),
    ("characters outside the vocabulary", "囍饕餮。", "龘靐齉！"),
    ("combining marks and half-width kana", "caf\u00e9 ｶﾞ", "cafe\u0301 ガ"),
    ("controls and zero width", "零宽\u200d字符\ufeff", "\u200b零宽\x00字符\x01"),
    ("a placeholder", "对，就这张。[姓名]，身份证末尾[身份证号]。", "我是[姓名]。"),
    ("special tokens as text", "您好[SEP]再见", "[CLS]您好 [MASK] [UNK]再见[PAD]"),
    ("one token each", "好", "是"),
    ("reference beyond the limit", REPLY * 40, OTHER),
    ("hypothesis beyond the limit", REPLY, OTHER * 40),
    ("both beyond the limit, reference longer", REPLY * 40, OTHER * 30),
    ("both beyond the limit, hypothesis longer", OTHER * 30, REPLY * 41),
    ("both beyond the limit, equal", REPLY * 40, REPLY * 40),
]

TOKENIZER_CONFIG = {
    # The published file, less the names of its author's folders.
    "bos_token": "[CLS]",
    "cls_token": "[CLS]",
    "do_lower_case": False,
    "eos_token": "[SEP]",
    "mask_token": "[MASK]",
    "model_max_length": 1000000000000000019884624838656,
    "pad_token": "[PAD]",
    "sep_token": "[SEP]",
    "sp_model_kwargs": {},
    "split_by_punct": False,
    "tokenizer_class": "BleurtSPTokenizer",
    "unk_token": "[UNK]",
}


def sentencepiece_model() -> bytes:
    """A unigram vocabulary over the training conversations, its special pieces named as RemBERT's are."""
    source = ROOT / "csc_tasks" / "data" / "csconv_mini_train.json"
    conversations = json.loads(source.read_text(encoding="utf-8"))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(turn["text"] for c in conversations for turn in c["dialogue"]),
        model_writer=model,
        model_type="unigram",
        vocab_size=1000,
        character_coverage=0.98,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="[PAD]",
        unk_piece="[UNK]",
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def tiny_bleurt(vocabulary: int) -> BleurtForSequenceClassification:
    """A model whose every weight counts: biases and the padding's embedding are not zero."""
    model = BleurtForSequenceClassification(
        BleurtConfig(
            vocab_size=vocabulary,
            embedding_size=12,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=56,
            hidden_dropout_prob=0,
            attention_probs_dropout_prob=0,
            max_position_embeddings=MAX_LENGTH,
            layer_norm_eps=1e-3,  # published: 1e-12, RemBERT's default, which would not show that it is read
            num_labels=1,
            architectures=["BleurtForSequenceClassification"],
        )
    )
    torch.manual_seed(SEED)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            weight.normal_(centre, 0.3)
    return model.eval()


def main() -> None:
    """Build, save, load again through the original's own doors, and record its answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "tests" / "fixtures" / "bleurt_tiny")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    (out / "spm.model").write_bytes(sentencepiece_model())
    special = {k: v for k, v in TOKENIZER_CONFIG.items() if k.endswith("_token")}
    for name, content in (("tokenizer_config", TOKENIZER_CONFIG), ("special_tokens_map", special)):
        (out / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    tokenizer = BleurtTokenizer.from_pretrained(out)
    assert isinstance(tokenizer, BleurtSPTokenizer)
    tiny_bleurt(len(tokenizer)).save_pretrained(out, safe_serialization=False)

    model = BleurtForSequenceClassification.from_pretrained(out).eval()
    references, hypotheses = [r for _, r, _ in PAIRS], [h for _, _, h in PAIRS]
    # One padded batch, as the original's README does it; truncation is the caller's there.
    batch = tokenizer(
        references, hypotheses, padding="longest", truncation=True, max_length=MAX_LENGTH, return_tensors="pt"
    )
    with torch.no_grad():
        scores = model(**batch).logits.flatten().tolist()
    pairs = []
    for (name, reference, hypothesis), score in zip(PAIRS, scores, strict=True):
        one = tokenizer(reference, hypothesis, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        with torch.no_grad():
            alone = model(**one).logits.item()
        assert abs(alone - score) < 2e-6, f"{name}: {score} in the batch, {alone} alone"
        print(f"{score:9.6f}  {one['input_ids'].shape[1]:3}  {name}")
        pairs.append(
            {
                "name": name,
                "reference": reference,
                "hypothesis": hypothesis,
                "ids": one["input_ids"][0].tolist(),
                "types": one["token_type_ids"][0].tolist(),
                "score": score,
            }
        )
    versions = {m.__name__: m.__version__ for m in (torch, transformers, sentencepiece)}
    lines = ",\n".join(json.dumps(pair, ensure_ascii=True) for pair in pairs)
    text = f'{{"versions": {json.dumps(versions)},\n"pairs": [\n{lines}\n]}}\n'
    (out / "expected.json").write_text(text, encoding="utf-8")
    print(f"{sum(p.stat().st_size for p in out.iterdir()) / 1000:.0f} kB in {out}")


if __name__ == "__main__":
    main()

